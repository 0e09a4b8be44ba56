// Which processes are ours, what each has to become, and what of it a plain reload would not do.

const SESSION = /^(SSH_|XDG_SESSION|XDG_RUNTIME_DIR$|DBUS_SESSION|LS_COLORS$|TERM|COLORTERM$|DISPLAY$|WINDOW|TMUX|STY$|SUDO_|MAIL$|PWD$|OLDPWD$|SHLVL$|_$|SHIPIT_|LESS|npm_|INIT_CWD$|PM2_USAGE$|PM2_JSON_PROCESSING$|NODE_APP_INSTANCE$)/;
// Options of an app that have to go when the file names them no more.
const OPTIONS = ['args', 'node_args', 'max_memory_restart', 'kill_timeout', 'listen_timeout', 'min_uptime', 'max_restarts',
  'restart_delay', 'exp_backoff_restart_delay', 'cron_restart', 'wait_ready', 'shutdown_with_message', 'stop_exit_codes',
  'log_date_format', 'log_type', 'pm_log_path', 'increment_var', 'filter_env', 'disable_logs', 'time', 'uid', 'gid',
  'kill_retry_time', 'source_map_support', 'disable_source_map_support', 'ignore_watch', 'watch_delay'];
// pm2's own fields beside which it keeps environment variables.
const STATE = ['name', 'namespace', 'env', 'pm_id', 'status', 'pm_uptime', 'created_at', 'restart_time', 'unstable_restarts',
  'version', 'node_version', 'username', 'instances', 'exec_mode', 'pm_cwd', 'pm_exec_path', 'unique_id', 'exit_code', 'PM2_HOME'];

function isOurPlace(env) {
  return [env.pm_cwd, env.pm_exec_path].some((file) => typeof file === 'string' &&
    [ROOT, realpathOr(ROOT, ROOT)].some((root) => isBelow(file, root)));
}

function placeOf(env) {
  return env.pm_exec_path && !/\/(bash|sh|npm|yarn|pnpm)$/.test(env.pm_exec_path) ? env.pm_exec_path : env.pm_cwd;
}

function isPinned(file) {
  return typeof file === 'string' && (movedText(file) !== file || !fs.existsSync(file));
}

// pm2's own resolution of an app: the fields that its daemon keeps. The folder that it takes for granted is `current`.
function resolve(app, pm2, home) {
  const common = library(pm2, home);
  const config = JSON.parse(JSON.stringify(app));
  delete config.job;
  const named = config.env;
  process.env.PM2_HOME = home;
  const verified = common.verifyConfs([config]);
  if (verified instanceof Error || verified.length !== 1) throw new Failure('bad-pm2-file', [app.name, firstLine(verified.message || 'pm2 refuses it')]);
  let resolved;
  try {
    resolved = common.resolveAppAttributes({ cwd: CURRENT, pm2_home: home }, verified[0]);
  } catch (error) {
    throw new Failure('bad-pm2-file', [app.name, firstLine(error.message)]);
  }
  for (const name of ['PWD', 'OLDPWD', 'NO_COLOR', 'PM2_SILENT']) if (!(name in named) && !(name in BASE)) delete resolved.env[name];
  resolved.env.PM2_HOME = home;
  if (resolved.namespace === undefined) resolved.namespace = 'default';
  delete process.env.PWD;
  return resolved;
}

// Processes of one list, told apart: `apps` (each with its processes), `extras` (ours by their place, in no file).
function match(list, stored) {
  const apps = stored.apps.map((app) => ({ app, name: app.name, job: app.job, processes: [], foreign: [] }));
  const extras = [];
  for (const one of list) {
    if (one.env.pmx_module) {
      const same = apps.find((entry) => entry.name === one.name);
      if (same) same.foreign.push(one);
      continue;
    }
    const entry = apps.find((candidate) => candidate.name === one.name);
    if (entry && (isOurPlace(one.env) || isSamePlace(one.env, entry.app))) entry.processes.push(one);
    else if (entry) entry.foreign.push(one);
    else if (isOurPlace(one.env) && !stored.only) extras.push(one);
  }
  return { apps, extras };
}

function isSamePlace(env, app) {
  return env.pm_cwd === app.cwd && env.pm_exec_path === path.resolve(app.cwd, app.script);
}

// Between two crashes pm2 shows `stopped`, but remembers the process that is gone.
function isRunning(one) {
  return one.status !== 'stopped' || one.pid > 0;
}

// The release that started a process last, by its environment; `null` before shipit did it.
function startedBy(one) {
  const name = one.env.env && one.env.env.SHIPIT_RELEASE;
  return typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) ? name : null;
}

// What another release's file said: that of the same supervisor, whatever its place in the list there; else of the first one
// of the same daemon.
function storedBy(release) {
  if (!release) return null;
  const of = (one) => path.basename(notesOf(one.parameters));
  const mine = path.basename(PREFIX);
  const all = pm2Of(path.join(path.dirname(META), release));
  const same = all.find((one) => of(one) === mine) || all.find((one) => of(one).split('.')[2] === mine.split('.')[2]);
  return same ? readJson(same.file + '.json') : null;
}

function storedApp(stored, name) {
  return (stored && stored.apps.find((app) => app.name === name)) || null;
}

// What a process has to become: fields for the daemon, `'null'` for those that go.
function wantedOf(entry, one, resolved) {
  const before = storedBy(startedBy(one));
  const wanted = Object.assign({}, resolved);
  delete wanted.instances;
  delete wanted.username;
  wanted.env = environmentOf(one, resolved, before && { base: before.base, app: storedApp(before, entry.name) });
  for (const option of OPTIONS) if (option in one.env && !(option in wanted)) wanted[option] = 'null';
  for (const name of Object.keys(one.env.env || {})) {
    if (!(name in wanted.env) && !(name in wanted) && !STATE.includes(name)) wanted[name] = 'null';
  }
  numberFiles(wanted, one.id);
  return wanted;
}

// The environment of one process: ours and the file's; what it had before is kept where no release of ours brought it, since
// an app that was started by hand may live by what its shell exported.
function environmentOf(one, resolved, before) {
  const had = one.env.env || {};
  const ofBefore = new Set(before ? (before.base || []).concat(before.app ? Object.keys(before.app.env) : []) : []);
  const environment = {};
  for (const name of Object.keys(had)) {
    if (!SESSION.test(name) && !ofBefore.has(name) && typeof had[name] !== 'object') environment[name] = had[name];
  }
  Object.assign(environment, resolved.env);
  const counted = resolved.increment_var;
  if (counted && !isNaN(parseInt(one.env[counted], 10))) {
    const was = before && before.app ? Number(before.app.env[counted]) : NaN;
    const moves = isNaN(was) ? 0 : Number(resolved.env[counted]) - was;
    environment[counted] = Number(one.env[counted]) + (moves || 0);
  }
  return environment;
}

// pm2 puts the number of the process into the names of its files when it starts it first.
function numberFiles(wanted, id) {
  if (wanted.pm_pid_path) wanted.pm_pid_path = wanted.pm_pid_path.replace(/-[0-9]+\.pid$|\.pid$/, '-' + id + '.pid');
  if (wanted.merge_logs) return;
  for (const key of ['pm_log_path', 'pm_out_log_path', 'pm_err_log_path']) {
    if (typeof wanted[key] === 'string' && wanted[key] !== 'null') wanted[key] = wanted[key].replace(/-[0-9]+\.log$|\.log$/, '-' + id + '.log');
  }
}

// Why a process needs more than a reload of pm2, in words; empty where it does not.
function changesOf(one, wanted) {
  const why = [];
  for (const key of ['pm_exec_path', 'pm_cwd']) {
    if (isPinned(one.env[key]) && one.env[key] !== wanted[key]) return ['it is bound to ' + one.env[key]];
  }
  const differs = (key) => wanted[key] !== undefined && one.env[key] !== wanted[key];
  if (differs('pm_exec_path')) why.push('another script');
  if (differs('pm_cwd')) why.push('another folder');
  if (differs('exec_mode')) why.push('another exec_mode');
  if (differs('exec_interpreter') && !sameNode(one.env.exec_interpreter, wanted.exec_interpreter)) why.push('another interpreter');
  if (['pm_out_log_path', 'pm_err_log_path'].some(differs)) why.push('other log files');
  if (differs('namespace')) why.push('another namespace');
  return why;
}

// pm2 5 stores `node`, 6 and 7 the program itself.
function sameNode(one, other) {
  const isNode = (program) => /(^|\/)node$/.test(program || '');
  return isNode(one) && isNode(other) && (one === 'node' || other === 'node' || fs.existsSync(one));
}

// What a deploy does to an app, before it does anything: `{word, one, why, gap}`. `taken`: pm2 has that name elsewhere, and the
// deploy is refused; `job`: never run; `missing`: no process; `stopped`: stays so; `moved`: needs more than a reload of pm2, with
// `why`; `reloaded`. `become(one)` says what a process that runs needs: `{why, mode}`.
function effectOn(entry, become) {
  if (entry.processes.length === 0 && entry.foreign.length > 0) return { word: 'taken' };
  if (entry.job) return { word: 'job' };
  if (entry.processes.length === 0) return { word: 'missing' };
  const one = entry.processes.find(isRunning);
  if (!one) return { word: 'stopped' };
  const { why, mode } = become(one);
  const gap = one.env.exec_mode !== 'cluster_mode' || mode !== 'cluster_mode';
  return { word: why.length > 0 ? 'moved' : 'reloaded', one, why, gap };
}

// An app without a process is started where the host never had it: where no app of the file runs, or the file names it newly.
function isStartedAnew(entry, stored, processes) {
  const had = processes.some((one) => one.name === entry.name);
  const names = stored.apps.map((app) => app.name);
  const adopted = processes.some((one) => names.includes(one.name));
  const earlier = processes.map((one) => storedBy(startedBy(one))).find((found) => found !== null);
  return had || !adopted || Boolean(earlier && !storedApp(earlier, entry.name));
}
