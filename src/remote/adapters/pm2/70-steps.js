// The steps, each with what it may change, and how it ends.

function storedFile() {
  return PARAMS + '.json';
}

function readStored(parameters, pm2, home) {
  const stored = readJson(storedFile());
  if (stored) return stored;
  // A release that another kind of supervisor made live, or an older shipit: it is read now.
  return evaluateRelease(parameters, pm2, home);
}

function evaluateRelease(parameters, pm2, home) {
  const file = findFile(parameters);
  const stored = { file, home, base: Object.keys(BASE), apps: [], only: parameters.only.length > 0 };
  if (file) stored.apps = appsOf(evaluate(file, pm2, home, parameters), file, pm2, parameters);
  return stored;
}

async function detect(parameters) {
  const home = homeOf(parameters);
  const pm2 = findPm2();
  const stored = evaluateRelease(parameters, pm2, home);
  writePrivate(storedFile(), JSON.stringify(stored));
  for (const app of stored.apps) announceFiles(app);
  const daemon = await daemonIfAlive(home);
  if (!daemon) {
    if (!stored.file) fail('no-pm2-file', releaseDirectory());
    return;
  }
  const version = await daemon.call('getVersion', {});
  if (version !== pm2.version) warn('version-skew', pm2.version, version);
  const { apps, extras } = match(await daemon.list(), stored);
  if (!stored.file && extras.length === 0) fail('no-pm2-file', releaseDirectory());
  checkNode(daemon, apps, extras);
  for (const entry of apps) announce(entry, pm2, home, parameters);
  for (const one of extras) {
    if (isPinned(one.env.pm_cwd) || isPinned(one.env.pm_exec_path)) announceMove(one, ['it is bound to ' + placeOf(one.env)]);
    else if (one.env.exec_mode !== 'cluster_mode' && isRunning(one)) warn('fork-mode', one.name);
  }
  announceLength(apps, extras, parameters.strategy);
  daemon.close();
}

// How long the processes of now may take to end, one round after the other: the caller gives the reload, and the way back, so much
// time, up to three times the limit.
function announceLength(apps, extras, strategy) {
  const slow = [];
  let seconds = 0;
  const add = (name, processes, next) => {
    const up = processes.filter(isRunning);
    if (up.length === 0) return;
    const each = endsIn(up, next);
    const rounds = strategy === 'stop-start' ? up.length : 1 + Math.ceil((up.length - 1) / Math.ceil(up.length / 4));
    seconds += each * rounds;
    if (endsSlowly(up, next)) slow.push(name);
  };
  for (const entry of apps) if (!entry.job) add(entry.name, entry.processes, entry.app.kill_timeout);
  for (const one of extras) if (!isCron(one)) add(one.name, [one]);
  seconds = Math.min(Math.ceil(seconds), 1e6);
  writePrivate(PARAMS + '.takes', seconds + '\n');
  if (seconds <= 60 || slow.length === 0) return;
  const time = seconds > 120 ? Math.ceil(seconds / 60) + ' min' : seconds + ' s';
  if (seconds + 60 > 3 * Number(LIMIT)) warn('reload-limit', 'pm2', slow.join(', '), time, 3 * Number(LIMIT), seconds + 60);
  else warn('long-reload', 'pm2', slow.join(', '), time);
}

// What an app does with files of the release.
function announceFiles(app) {
  const served = app.env.PM2_SERVE_PATH;
  if (served && isBelow(path.resolve(app.cwd, String(served)), CURRENT)) warn('live-at-switch', app.name);
  const log = LOGS.map((key) => app[key]).find((file) => typeof file === 'string' && isBelow(file, CURRENT));
  if (!log) return;
  // `shared` makes a link of it that leads out of the release.
  const directory = path.dirname(ofRelease(log));
  if (isBelow(realpathOr(directory, directory), realpathOr(releaseDirectory(), releaseDirectory()))) warn('log-in-release', app.name, path.relative(CURRENT, log));
}

// Workers of a cluster run the daemon's node, and an app that no file names keeps the one that it was started with, whatever the
// release was built with: a native module loads in one of them only.
function checkNode(daemon, apps, extras) {
  const isWorker = (one) => one.env.exec_mode === 'cluster_mode' && isRunning(one);
  if (apps.some((entry) => entry.processes.some(isWorker)) || extras.some(isWorker)) {
    const other = otherNode('/proc/' + daemon.pid + '/exe');
    if (other) fail('pm2-node-differs', other.version, process.version, other.native);
  }
  const own = extras.filter((one) => !isWorker(one) && isRunning(one) && /^\/.*\/node$/.test(one.env.exec_interpreter || ''));
  for (const program of new Set(own.map((one) => one.env.exec_interpreter))) {
    const other = otherNode(program);
    if (other) fail('pm2-app-node-differs', own.find((one) => one.env.exec_interpreter === program).name, other.version, process.version, other.native);
  }
}

// Its version, and a module of the release that it cannot load; `null` where it can load all.
function otherNode(program) {
  const asked = childProcess.spawnSync(program, ['-p', "process.versions.modules + ' ' + process.version"], { encoding: 'utf8', timeout: 10000 });
  const [modules, version] = String(asked.stdout).trim().split(' ');
  if (asked.status !== 0 || !version || modules === process.versions.modules) return null;
  const native = findNative(path.join(releaseDirectory(), 'node_modules'), { left: 20000 });
  return native ? { version, native: path.relative(releaseDirectory(), native) } : null;
}

function findNative(directory, budget) {
  let entries;
  try {
    entries = fs.readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    return null;
  }
  for (const entry of entries) {
    if (budget.left-- <= 0) return null;
    const file = path.join(directory, entry.name);
    // Those under `prebuilds` are there for every version.
    if (entry.isFile() && entry.name.endsWith('.node') && directory.includes('/build/')) return file;
    const found = entry.isDirectory() && entry.name !== 'prebuilds' ? findNative(file, budget) : null;
    if (found) return found;
  }
  return null;
}

// What a reload will do to an app beyond a plain reload. The script of the new release is not at `current` yet, so pm2's own
// resolution cannot be asked: what the file says is enough.
function announce(entry, pm2, home, parameters) {
  for (const one of entry.foreign) warn('not-ours', entry.name, placeOf(one.env));
  const effect = effectOn(entry, (one) => {
    const here = Object.assign({}, entry.app, { cwd: ofRelease(entry.app.cwd) });
    for (const key of LOGS) if (typeof here[key] === 'string') here[key] = ofRelease(here[key]);
    const resolved = moved(resolve(here, pm2, home));
    const why = parameters.strategy === 'recreate' ? ['the strategy is recreate'] : changesOf(one, wantedOf(entry, one, resolved));
    return { why, mode: resolved.exec_mode };
  });
  if (effect.word === 'taken') fail('pm2-name-taken', entry.name, placeOf(entry.foreign[0].env));
  if (effect.word === 'stopped') warn('stopped-app', entry.name);
  if (effect.word === 'moved') announceMove(effect.one, effect.why);
  if (effect.gap) warn('fork-mode', entry.name);
}

function announceMove(one, why) {
  warn('will-recreate', 'pm2', one.name, why.join(', '));
  if (one.env.exec_mode !== 'cluster_mode') warn('gap', 'pm2', one.name, 'it runs in fork mode');
}

async function reload(parameters) {
  const home = homeOf(parameters);
  const pm2 = findPm2();
  const stored = readStored(parameters, pm2, home);
  const context = { parameters, home, pm2, stored, strategy: parameters.strategy, moved: [], failures: [], slowest: 0, pace: 0 };
  await withLock(context, async () => {
    context.daemon = await daemonStarted(pm2, home);
    context.daemon.listenTo(home);
    await reloadAll(context);
    const processes = context.moved.map((one) => ({ id: one.id, name: one.name, pid: one.pid, restarts: one.restarts }));
    writePrivate(PREFIX + '.reload', JSON.stringify({ release: RELEASE, began: STARTED, processes }));
    context.daemon.close();
  });
}

async function verify(parameters) {
  const home = homeOf(parameters);
  const daemon = await daemonIfAlive(home);
  if (!daemon) fail('supervisor-down', 'pm2', 'no daemon runs in ' + home);
  const context = { parameters, home, daemon };
  daemon.listenTo(home);
  const list = await daemon.list();
  const noted = readJson(PREFIX + '.reload');
  const stored = readJson(storedFile()) || { apps: [] };
  const { apps, extras } = match(list, stored);
  const ours = [].concat(...apps.filter((entry) => !entry.job).map((entry) => entry.processes), extras.filter((one) => !isCron(one)));
  const expected = noted && noted.release === RELEASE ? noted.processes : [];
  for (const was of expected) if (!list.some((one) => one.id === was.id)) fail('not-running', 'pm2', was.name, 'pm2 no longer knows it');
  const watch = ours.filter((one) => expected.some((was) => was.id === one.id) || (isRunning(one) && !isRemoved(one, stored)));
  for (const one of watch) await checkNow(context, one, expected.find((was) => was.id === one.id));
  // The reload ended with the window of what it moved.
  const isWatched = (one) => expected.some((was) => was.id === one.id && was.pid === one.pid);
  await watched(context, watch, watch.every(isWatched) ? 0 : Number(parameters['stable-for']));
  daemon.close();
  noteVerified(watch);
}

// What has to run still when all hosts are confirmed: a line for each process. A disk that is full fails no deploy.
function noteVerified(processes) {
  const lines = processes.map((one) => [one.pid, processStart(one.pid), one.name.replace(/\s/g, ' ')]).filter(([, start]) => start);
  try {
    writePrivate(PREFIX + '.verified', lines.map((line) => line.join(' ') + '\n').join(''));
  } catch (error) {
    say('cannot note what was verified: ' + error.message);
  }
}

function isCron(one) {
  return Boolean(one.env.cron_restart) && one.env.autorestart === false;
}

// An app that the file of the release that started it named, and this one's does not.
function isRemoved(one, stored) {
  return !storedApp(stored, one.name) && storedApp(storedBy(startedBy(one)), one.name) !== null;
}

async function checkNow(context, one, was) {
  let failure = null;
  if (one.status === 'stopped') failure = new Failure('not-running', ['pm2', one.name, one.status]);
  else if (was && (one.restarts > was.restarts || one.pid !== was.pid)) failure = crashed(one, was.restarts);
  else if (one.status !== 'online') failure = new Failure('crash-loop', ['pm2', one.name, one.restarts]);
  if (failure) {
    await showLog(context, one);
    throw failure;
  }
  const release = releaseOf(one.pid);
  if (release !== RELEASE && release !== 'other' && release !== '-') fail('wrong-release', 'pm2', one.name, link('/proc/' + one.pid + '/cwd'));
  if (release !== RELEASE && !was) warn('unknown-release', 'pm2', one.name);
}

// After a first deploy that failed: what this run started goes, what it moved goes back to its place.
async function stop(parameters) {
  const home = homeOf(parameters);
  const daemon = await daemonIfAlive(home);
  if (!daemon) return;
  const context = { parameters, home, daemon, strategy: 'reload', pace: 0 };
  const list = await daemon.list();
  for (const { id, name } of started()) {
    const one = list.find((other) => other.id === id && other.name === name);
    if (one) await remove(context, one);
  }
  const before = readBefore() || { processes: [] };
  for (const was of before.processes) {
    const now = list.find((one) => one.id === was.id && one.name === was.name);
    if (!now || was.status === 'stopped' || now.env.pm_exec_path + now.env.pm_cwd === was.env.pm_exec_path + was.env.pm_cwd) continue;
    const wanted = Object.assign({}, was.env);
    for (const key of ['pm_id', 'status', 'pm_uptime', 'created_at', 'restart_time', 'unstable_restarts']) delete wanted[key];
    await daemon.call(now.env.exec_mode === 'cluster_mode' ? 'reloadProcessId' : 'restartProcessId', { id: now.id, env: { current_conf: wanted } }, 120)
      .catch((error) => say(was.name + ' could not be moved back: ' + firstLine(error.message)));
  }
  daemon.close();
}

async function status(parameters) {
  const home = homeOf(parameters);
  const stored = readJson(storedFile()) || { apps: [] };
  const daemon = await daemonIfAlive(home);
  const { apps, extras } = match(daemon ? await daemon.list() : [], stored);
  const all = [].concat(...apps.map((entry) => entry.processes), extras);
  const usage = await usageOf(all.map((one) => one.pid).filter(isAlive));
  let allUp = true;
  for (const entry of apps) {
    if (entry.processes.length === 0) {
      answer('process', entry.job ? 'job' : 'down', '-', '-', '-', '-', entry.name, '-', '-');
      allUp = allUp && entry.job;
    }
    for (const one of entry.processes) allUp = showProcess(one, entry.job, usage) && allUp;
  }
  for (const one of extras) allUp = showProcess(one, isCron(one), usage) && allUp;
  if (daemon) daemon.close();
  return allUp ? 0 : 1;
}

function showProcess(one, job, usage) {
  const state = job ? 'job' : PM2_STATES[one.status] || 'down';
  const runs = one.pid && isAlive(one.pid);
  const since = runs && one.since ? Math.floor(one.since / 1000) : '-';
  const { cpu, memory } = (runs && usage.get(one.pid)) || { cpu: '-', memory: '-' };
  answer('process', state, runs ? one.pid : '-', since, one.restarts, runs ? releaseOf(one.pid) : '-', one.name, cpu, memory);
  return job || state === 'up';
}

// What `pm2 save` would forget, in words.
function goneFrom(list, saved) {
  const missing = saved.map((app) => app && app.name).filter((name) => name && !list.some((one) => one.name === name));
  return missing.length > 0 ? [...new Set(missing)].join(', ') + ' was saved and is not in the list now' : null;
}

// `pm2 save` writes over the whole list: a daemon that came up empty would make it forget the neighbours.
async function save(parameters) {
  const home = homeOf(parameters);
  const dump = path.join(home, 'dump.pm2');
  if (!fs.existsSync(dump)) {
    // Said where an app came new; `check` says it at any time.
    if (started().length > 0) warn('not-saved', 'nothing was saved before: pm2 startup, then pm2 save');
    return;
  }
  const saved = readJson(dump);
  if (!Array.isArray(saved)) {
    warn('not-saved', dump + ' cannot be read');
    return;
  }
  const daemon = await daemonIfAlive(home);
  if (!daemon) fail('supervisor-down', 'pm2', 'no daemon runs in ' + home);
  const gone = goneFrom(await daemon.list(), saved);
  daemon.close();
  if (gone) {
    warn('not-saved', gone);
    return;
  }
  // It holds the environments of the apps.
  fs.chmodSync(dump, 0o600);
  process.umask(0o077);
  command(findPm2(), home, ['save']);
  for (const file of [dump, dump + '.bak']) if (fs.existsSync(file)) fs.chmodSync(file, 0o600);
}

async function logs(parameters) {
  const home = homeOf(parameters);
  const stored = readJson(storedFile()) || { apps: [] };
  const daemon = await daemonIfAlive(home);
  const { apps, extras } = match(daemon ? await daemon.list() : [], stored);
  const all = [].concat(...apps.map((entry) => entry.processes), extras);
  const files = [].concat(...all.map((one) => [one.env.pm_out_log_path, one.env.pm_err_log_path]));
  for (const file of new Set(files.filter((file) => typeof file === 'string' && file !== '/dev/null'))) answer('log', file);
  if (daemon) daemon.close();
}

async function main() {
  const steps = { check, today, detect, reload, verify, stop, status, save, logs };
  if (process.argv[2] === 'evaluate') return evaluateHere(process.argv[3]);
  if (!steps[STEP]) throw new Error('unknown step ' + STEP);
  try {
    process.exitCode = (await steps[STEP](readParameters())) || 0;
  } catch (failure) {
    if (!failure.word) throw failure;
    answer('reason', failure.word, ...failure.fields);
    process.exitCode = 10;
  }
  process.exit();
}

main().catch((error) => {
  process.stderr.write('the pm2 adapter broke: ' + (error.stack || error) + '\n');
  process.exit(1);
});
