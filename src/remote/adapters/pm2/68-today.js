// How the apps of a file run today, and what the first deploy does to each: for `import`, which has read the file on the
// operator's machine. There is no release yet, nothing is started, and nothing is written but the answer.

async function today(parameters) {
  const home = homeOf(parameters);
  findPm2();
  const daemon = await daemonIfAlive(home);
  if (!daemon) fail('supervisor-down', 'pm2', 'no daemon runs in ' + home);
  const list = await daemon.list();
  daemon.close();
  const isMeant = (app) => parameters.only.length === 0 || parameters.only.includes(app.name);
  const apps = parameters.apps.filter(isMeant).map((app) => Object.assign({}, app, { job: app.job === 'yes' || parameters.jobs.includes(app.name) }));
  const stored = { apps, only: parameters.only.length > 0 };
  const matched = match(list, stored);
  const ours = [].concat(...matched.apps.map((entry) => entry.processes), matched.extras);
  for (const entry of matched.apps) tellToday(entry, stored, ours);
  for (const name of new Set(matched.extras.map((one) => one.name))) {
    const processes = matched.extras.filter((one) => one.name === name);
    tellToday({ app: {}, name, job: processes.every(isCron), processes, foreign: [] }, stored, ours);
  }
}

// The file says a mode; what else a reload would not apply is known when there is a release.
function tellToday(entry, stored, ours) {
  const effect = effectOn(entry, (one) => {
    const mode = entry.app.mode ? entry.app.mode + '_mode' : one.env.exec_mode;
    return { why: changesOf(one, { exec_mode: mode }), mode };
  });
  let { word } = effect;
  if (word === 'missing') word = isStartedAnew(entry, stored, ours) ? 'started' : 'away';
  // What no file names is no deploy's to move.
  if (word === 'job' && !entry.app.name) word = 'left';
  const running = entry.processes.filter(isRunning);
  const shown = running[0] || entry.processes[0] || entry.foreign[0];
  const mode = !shown ? '-' : shown.env.exec_mode === 'cluster_mode' ? 'cluster' : 'fork';
  const places = [...new Set((word === 'taken' ? entry.foreign : running.length > 0 ? running : entry.processes).map(placeToday))];
  answer('app', entry.name, word, mode, running.length, shown ? shown.status : '-', places.join(' ') || '-', effect.gap ? 'gap' : '-');
}

// Where a process runs from, as a person calls it: `current`, `source`, `releases/NAME`; elsewhere the path.
function placeToday(one) {
  const file = String(one.env.pm_cwd || one.env.pm_exec_path);
  const root = [ROOT, realpathOr(ROOT, ROOT)].find((known) => isBelow(file, known));
  const below = root === undefined ? [] : path.relative(root, file).split('/');
  if (['current', 'source'].includes(below[0])) return below[0];
  return below[0] === 'releases' && below.length > 1 ? below.slice(0, 2).join('/') : placeOf(one.env);
}
