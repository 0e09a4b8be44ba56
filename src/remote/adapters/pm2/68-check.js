// `check`: what can be seen without a release, and without starting anything. What a reboot would bring back, and whether logs
// are rotated, is looked at where apps of ours run; what this login cannot know is not spoken of.

async function check(parameters) {
  const home = homeOf(parameters);
  const pm2 = findPm2();
  const daemon = await daemonIfAlive(home);
  if (!daemon) {
    warnDown(home);
    return;
  }
  const version = await daemon.call('getVersion', {});
  if (version !== pm2.version) warn('version-skew', pm2.version, version);
  const list = await daemon.list();
  daemon.close();
  const isNamed = (one) => parameters.only.length === 0 || parameters.only.includes(one.name);
  const ours = list.filter((one) => !one.env.pmx_module && isOurPlace(one.env) && isNamed(one) && isRunning(one));
  if (ours.length === 0) return;
  checkBoot(home, daemon.pid);
  checkDump(home, ours, list);
  const rotates = (one) => one.env.pmx_module && /logrotate/.test(one.name) && one.status === 'online';
  if (!list.some(rotates)) checkLogs(ours);
}

// Whether the daemon comes up with the machine. Only systemd can be asked; elsewhere it is not known.
function checkBoot(home, pid) {
  if (!fs.existsSync('/run/systemd/system') || !onPath('systemctl')) return;
  const unit = unitOf(home);
  if (!unit) {
    if (!isInUnit(pid) && !isInCrontab()) warn('no-boot-unit');
    return;
  }
  if (unit.enabled === 'disabled') warn('unit-disabled', unit.name);
  const gone = goneOf(unit);
  if (gone) warn('unit-broken', unit.name, gone);
}

// Somebody's own unit starts it: a session, and what runs jobs or logins, is none.
function isInUnit(pid) {
  const units = readOr('/proc/' + pid + '/cgroup', '').split('\n').map((line) => /\/([^/]+\.service)$/.exec(line)).filter(Boolean);
  return units.some((unit) => !/^(ssh|cron|atd|user@)/.test(unit[1]));
}

function isInCrontab() {
  return onPath('crontab') !== null && /^\s*@reboot\b.*\bpm2\b/m.test(runQuietly(['crontab', '-l'], 10000).said);
}

// What a unit starts pm2 by and is not there: its program, or the node that the program asks `env` for.
function goneOf(unit) {
  if (!unit.program) return null;
  if (isGone(unit.program)) return unit.program;
  if (!/^#!\/usr\/bin\/env node\b/.test(readOr(unit.program, '').slice(0, 100)) || !unit.path) return null;
  const places = unit.path.split(':').filter((directory) => directory.startsWith('/')).map((directory) => path.join(directory, 'node'));
  return places.length > 0 && places.every(isGone) ? places[0] : null;
}

function isGone(file) {
  try {
    fs.statSync(file);
    return false;
  } catch (error) {
    return error.code === 'ENOENT' || error.code === 'ENOTDIR';
  }
}

// Whether what was saved starts our apps after a reboot, and where they run now.
function checkDump(home, ours, listed) {
  const dump = path.join(home, 'dump.pm2');
  const saved = readJson(dump);
  if (!Array.isArray(saved)) {
    if (fs.existsSync(dump)) warn('not-saved', dump + ' cannot be read');
    else warn('no-dump', home);
    return;
  }
  // To save now would forget it, as in `save`.
  const gone = goneFrom(listed, saved);
  if (gone) {
    warn('not-saved', gone);
    return;
  }
  const names = [...new Set(ours.map((one) => one.name))];
  const savedAs = (name) => saved.filter((app) => app && app.name === name && isOurPlace(app));
  const missing = names.filter((name) => savedAs(name).length === 0);
  if (missing.length > 0) warn('not-in-dump', home, missing.join(', '));
  const isAway = (env) => isPinned(env.pm_cwd) || isPinned(env.pm_exec_path);
  // Apps that no deploy has moved yet are saved by the one that does.
  const moved = names.filter((name) => !ours.some((one) => one.name === name && isAway(one.env)));
  const away = moved.filter((name) => savedAs(name).some(isAway));
  if (away.length > 0) warn('dump-pinned', home, away.join(', '), placeOf(savedAs(away[0]).find(isAway)));
}

function checkLogs(ours) {
  const files = [].concat(...ours.map((one) => [one.env.pm_out_log_path, one.env.pm_err_log_path]));
  const logs = [...new Set(files)].map(sizeOf).filter(Boolean).sort((one, other) => other.size - one.size);
  const rules = rotationRules();
  // One that this login may not read may be theirs.
  if (logs.length === 0 || !rules) return;
  for (const { file } of logs) {
    const rule = rules.find((one) => one.matches(file) || one.matches(realpathOr(file, file)));
    if (!rule) return warn('log-not-rotated', file);
    if (!rule.keepsFile) return warn('log-moved', file, rule.file);
  }
}

function sizeOf(file) {
  try {
    const stat = fs.statSync(file);
    return stat.isFile() ? { file, size: stat.size } : null;
  } catch (error) {
    return null;
  }
}

// What logrotate does: for each of its rules `{file, matches, keepsFile}`; `null` where one cannot be read.
function rotationRules() {
  const directory = '/etc/logrotate.d';
  const names = fs.existsSync(directory) ? fs.readdirSync(directory) : [];
  const files = ['/etc/logrotate.conf'].concat(names.slice(0, 500).map((name) => path.join(directory, name))).filter(sizeOf);
  const rules = [];
  for (const file of files) {
    const text = readOr(file, null);
    if (text === null) return null;
    rules.push(...rulesOf(file, text.slice(0, 64 * 1024)));
  }
  return rules;
}

function rulesOf(file, text) {
  const rules = [];
  // Scripts hold braces of their own.
  const script = /^\s*(?:postrotate|prerotate|firstaction|lastaction|preremove)\b[^]*?^\s*endscript\b/gm;
  const said = text.replace(/^\s*#.*$/gm, '').replace(script, (whole) => (/\bpm2\b.*\b(reloadLogs|flush)\b/.test(whole) ? '\ncopytruncate\n' : '\n'));
  for (const [, before, block] of said.matchAll(/([^{}]*)\{([^{}]*)\}/g)) {
    const words = before.match(/"[^"]*"|'[^']*'|\S+/g) || [];
    const patterns = words.map((word) => word.replace(/^["']|["']$/g, '')).filter((word) => word.startsWith('/')).map(patternOf);
    rules.push({ file, matches: (log) => patterns.some((pattern) => pattern.test(log)), keepsFile: /^\s*copytruncate\b/m.test(block) });
  }
  return rules;
}

// A pattern of file names, as a regular expression.
function patternOf(glob) {
  const escaped = glob.slice(0, 1000).replace(/[.+^${}()|\\]/g, '\\$&').replace(/\*+/g, '[^/]*').replace(/\?/g, '[^/]');
  try {
    return new RegExp('^' + escaped.replace(/\[!/g, '[^') + '$');
  } catch (error) {
    return /$^/;
  }
}
