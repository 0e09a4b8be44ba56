// The reload of all apps of a release: a canary of each first, then a quarter at a time; apps of one process at last.

// One reload at a time in each PM2_HOME: for other runs of shipit by a file that names its holder, for people by pm2's own.
async function withLock(context, work) {
  const file = path.join(context.home, 'shipit.lock');
  const mine = process.pid + ' ' + processStart(process.pid) + '\n';
  fs.mkdirSync(context.home, { recursive: true });
  const beside = file + '.' + process.pid;
  fs.writeFileSync(beside, mine);
  try {
    while (!take(beside, file)) {
      if (left() < 5000) fail('supervisor-busy', 'pm2', 'another run of shipit reloads in ' + context.home + ' (process ' + readOr(file, '?').split(' ')[0] + ')');
      stopIfAsked();
      await sleep(200);
    }
  } finally {
    fs.unlinkSync(beside);
  }
  const reloadLock = path.join(context.home, 'reload.lock');
  let timer = null;
  try {
    for (; Date.now() - Number(readOr(reloadLock, '0').trim() || 0) < 30000; await sleep(300)) {
      if (left() < 5000) fail('supervisor-busy', 'pm2', 'another pm2 reload is in progress');
      stopIfAsked();
    }
    const hold = () => { try { fs.writeFileSync(reloadLock, String(Date.now())); } catch (error) { /* a full disk */ } };
    hold();
    timer = setInterval(hold, 10000);
    return await work();
  } finally {
    clearInterval(timer);
    try {
      if (timer) fs.writeFileSync(reloadLock, '');
    } finally {
      if (readOr(file, '') === mine) fs.unlinkSync(file);
    }
  }
}

// A holder that was killed holds nothing: its number is free, or belongs to a process that started later.
function take(beside, file) {
  try {
    fs.linkSync(beside, file);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const [pid, started] = readOr(file, '').trim().split(' ');
  if (pid && processStart(pid) === started) return false;
  const aside = beside + '.stale';
  try {
    fs.renameSync(file, aside);
    // Somebody was faster, and this is its lock.
    const [other, begun] = readOr(aside, '').trim().split(' ');
    if (other !== pid && processStart(other) === begun) fs.linkSync(aside, file);
    fs.unlinkSync(aside);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
  return false;
}

async function reloadAll(context) {
  const { apps, extras } = match(await context.daemon.list(), context.stored);
  noteBefore(apps, extras);
  const plan = { canaries: [], rest: [], singles: [], missing: [], broken: [] };
  for (const entry of apps) planApp(context, entry, plan);
  for (const one of extras) planExtra(context, one, plan);
  await removeStarted(context, apps);
  for (const entry of apps.filter((entry) => entry.job)) await moveJob(context, entry);
  if (context.strategy === 'stop-start') await stopFirst(context, plan);
  await moveAll(context, plan.broken, plan.broken.length);
  await moveAll(context, plan.canaries, 1);
  if (plan.rest.length > 0 && ACTION !== 'rollback') {
    context.pace = Math.max(context.pace, 3 * context.slowest);
    await watched(context, context.moved, Number(context.parameters['stable-for']));
  }
  await inWaves(context, plan.rest);
  await moveAll(context, plan.singles, 1);
  for (const entry of plan.missing) await startApp(context, entry);
  for (const entry of apps.filter((entry) => !entry.job)) await scale(context, entry);
  if (context.failures.length > 0) throw context.failures[0];
  await settled(context);
}

// All windows of stability at once. A port that was still held shows here.
async function settled(context) {
  const seconds = Number(context.parameters['stable-for']);
  for (const tried = new Set(); ;) {
    try {
      await watchStable(context, context.moved, seconds);
      return;
    } catch (failure) {
      const { id } = failure.process || {};
      const at = context.moved.findIndex((one) => one.id === id);
      try {
        if (at < 0 || tried.has(id)) throw failure;
        tried.add(id);
        const { entry } = context.moved[at];
        context.moved[at] = Object.assign(await startedWithFreePort(context, entry, failure), { entry });
      } catch (last) {
        if (failure.process) await showLog(context, failure.process);
        throw last;
      }
    }
  }
}

// What ran before this run changed anything: for the way back, and to know what a stopped process was.
function noteBefore(apps, extras) {
  const file = PREFIX + '.before';
  if (fs.existsSync(file)) return;
  const all = [].concat(...apps.map((entry) => entry.processes), extras);
  writePrivate(file, JSON.stringify({ processes: all.map((one) => ({ id: one.id, name: one.name, pid: one.pid, status: one.status, env: one.env })) }));
}

function ranBefore(one) {
  const before = readJson(PREFIX + '.before');
  const was = before && before.processes.find((other) => other.id === one.id && other.name === one.name);
  return Boolean(was && was.status !== 'stopped' && was.status !== 'stopping');
}

function planApp(context, entry, plan) {
  entry.resolved = resolve(entry.app, context.pm2, context.home);
  for (const one of entry.foreign) warn('not-ours', entry.name, placeOf(one.env));
  if (entry.job) return;
  if (entry.processes.length === 0) {
    planMissing(context, entry, plan);
    return;
  }
  const up = entry.processes.filter((one) => isRunning(one) || ranBefore(one));
  entry.up = up;
  if (up.length === 0) warn('stopped-app', entry.name);
  entry.sleeping = entry.processes.filter((one) => !up.includes(one));
  const tasks = up.filter((one) => !isSettled(one)).map((one) => ({ entry, one }));
  const healthy = tasks.filter((task) => task.one.status === 'online');
  if (context.strategy !== 'stop-start') plan.broken.push(...tasks.filter((task) => !healthy.includes(task)));
  if (context.strategy === 'stop-start') plan.singles.push(...tasks);
  else if (up.length === 1) plan.singles.push(...healthy);
  else {
    plan.canaries.push(...healthy.slice(0, 1));
    plan.rest.push(...healthy.slice(1));
  }
}

// On the way back what runs from the release already, started by it, is left alone.
function isSettled(one) {
  if (ACTION !== 'rollback' || one.status !== 'online') return false;
  const by = startedBy(one);
  return releaseOf(one.pid) === RELEASE && (by === null || by === RELEASE);
}

// An app is started where the host never had it: where no app of the file runs, or the file names it newly.
function planMissing(context, entry, plan) {
  if (entry.foreign.length > 0) {
    fail('supervisor-failed', 'pm2', 'the name ' + entry.name + ' belongs to another app: ' + placeOf(entry.foreign[0].env));
  }
  const before = readJson(PREFIX + '.before');
  const had = before && before.processes.some((one) => one.name === entry.name);
  const names = context.stored.apps.map((app) => app.name);
  const adopted = before && before.processes.some((one) => names.includes(one.name));
  const earlier = before && before.processes.map((one) => storedBy(startedBy(one))).find((stored) => stored !== null);
  if (had || !adopted || (earlier && !storedApp(earlier, entry.name))) plan.missing.push(entry);
  else warn('stopped-app', entry.name);
}

// An app of ours that no file names keeps all that it has, but for a folder that a release took with it.
function planExtra(context, one, plan) {
  const earlier = storedBy(startedBy(one));
  if (storedApp(earlier, one.name)) {
    say(one.name + ' is no longer in the file and is left as it is: pm2 delete ' + one.name);
    return;
  }
  if (!isRunning(one) && !ranBefore(one)) {
    warn('stopped-app', one.name);
    return;
  }
  if (one.env.cron_restart && one.env.autorestart === false) return;
  if (isSettled(one)) return;
  const resolved = Object.assign({}, moved(one.env), { env: Object.assign({}, BASE, { PM2_HOME: context.home }) });
  for (const key of STATE) if (!['name', 'namespace', 'env', 'exec_mode', 'pm_cwd', 'pm_exec_path'].includes(key)) delete resolved[key];
  for (const key of Object.keys(resolved)) if (/^axm_|^_|^prev_restart|^vizion_running|^versioning$|^exit_code$/.test(key)) delete resolved[key];
  const entry = { app: { name: one.name }, name: one.name, resolved, processes: [one], extra: true };
  (one.status === 'online' ? plan.singles : plan.broken).push({ entry, one });
}

// Several at once; on the way back a failure stops none of the others.
async function moveAll(context, tasks, atOnce) {
  for (let at = 0; at < tasks.length; at += atOnce) {
    if (ACTION !== 'rollback') stopIfAsked();
    await Promise.all(tasks.slice(at, at + atOnce).map((task) => moveTask(context, task)));
    if (context.failures.length > 0 && ACTION !== 'rollback') throw context.failures[0];
  }
}

async function moveTask(context, { entry, one }) {
  const began = Date.now();
  try {
    const isNew = context.strategy === 'recreate' && !entry.extra;
    const fresh = await (isNew ? recreate : moveProcess)(context, entry, one);
    context.moved.push(Object.assign(fresh, { entry }));
    context.slowest = Math.max(context.slowest, Date.now() - began);
  } catch (failure) {
    if (failure.word === 'supervisor-down') throw failure;
    const now = failure.process || await context.daemon.find(one.id).catch(() => null);
    if (now) await showLog(context, now);
    hintAtUpdate(entry, one, failure);
    context.failures.push(failure);
  }
}

async function watched(context, processes, seconds) {
  try {
    await watchStable(context, processes, seconds);
  } catch (failure) {
    if (failure.process) await showLog(context, failure.process);
    throw failure;
  }
}

async function inWaves(context, tasks) {
  const names = [...new Set(tasks.map((task) => task.entry.name))];
  for (const name of names) {
    const mine = tasks.filter((task) => task.entry.name === name);
    await moveAll(context, mine, Math.max(Math.ceil((mine.length + 1) / 4), 1));
  }
}

async function stopFirst(context, plan) {
  const tasks = plan.singles.concat(plan.broken);
  for (const { one } of tasks) {
    await context.daemon.call('stopProcessId', one.id, 60).catch(ignoreUnlessDown);
    for (const until = Date.now() + Math.min(30000, left() / 2); isAlive(one.pid) && Date.now() < until;) await sleep(50);
  }
  if (tasks.length > 0 && context.parameters['wait-port']) await portFree(context, context.parameters['wait-port']);
  for (const task of tasks) task.one = Object.assign({}, task.one, { status: 'stopped' });
}

// Deleted and started anew; a worker of a cluster is started beside the old one first, with the same number.
async function recreate(context, entry, one) {
  const wanted = wantedOf(entry, one, entry.resolved);
  const beside = one.status === 'online' && one.env.exec_mode === 'cluster_mode' && wanted.exec_mode === 'cluster_mode';
  for (const key of Object.keys(wanted)) if (wanted[key] === 'null') delete wanted[key];
  wanted.env = Object.assign({}, entry.resolved.env, pick(wanted.env, [entry.resolved.increment_var]));
  const number = entry.resolved.instance_var || 'NODE_APP_INSTANCE';
  if (number in one.env) wanted[number] = one.env[number];
  if (!beside) await remove(context, one);
  const fresh = await prepared(context, entry, wanted);
  if (beside) {
    const patience = Number(entry.resolved.listen_timeout) || PM2_LISTEN;
    await watched(context, [fresh], patience / 1000);
    await remove(context, one);
  }
  return fresh;
}

function pick(from, names) {
  const picked = {};
  for (const name of names) if (name && name in from) picked[name] = from[name];
  return picked;
}

async function remove(context, one) {
  await context.daemon.call('deleteProcessId', one.id, 120).catch((error) => {
    if (!/unknown/.test(error.message)) throw error;
  });
  for (const until = Date.now() + Math.min(10000, left()); isAlive(one.pid) && Date.now() < until;) await sleep(50);
}

// Starts one process that pm2 does not have, and returns it when it is up.
async function prepared(context, entry, fields) {
  const ids = new Set((await context.daemon.list()).map((one) => one.id));
  const one = { id: null, name: entry.name, pid: 0, status: 'stopped', restarts: -1, env: fields };
  const question = { answered: false, problem: null };
  context.daemon.call('prepare', fields, left() / 1000 + 1)
    .then(() => { question.answered = true; }, (error) => { question.answered = true; question.problem = error; });
  while (one.id === null) {
    const born = (await context.daemon.list()).find((other) => other.name === entry.name && !ids.has(other.id));
    if (born) one.id = born.id;
    else if (question.problem) fail('supervisor-failed', 'pm2', firstLine(question.problem.message));
    else if (left() < 1000) fail('never-ready', 'pm2', entry.name, Math.round((Date.now() - STARTED) / 1000));
    else await sleep(50);
  }
  noteStarted(one);
  const patience = Math.max(Number(fields.listen_timeout) || PM2_LISTEN, context.pace);
  const mark = { one, began: Date.now(), restarts: 0, wanted: fields, patience, question, smooth: false };
  try {
    return await untilUp(context, entry, mark);
  } catch (failure) {
    return startedWithFreePort(context, entry, failure);
  }
}

function noteStarted(one) {
  try {
    fs.appendFileSync(PREFIX + '.started', one.id + '\t' + one.name + '\n', { mode: 0o600 });
  } catch (error) {
    say('cannot note what was started: ' + error.message);
  }
}

function started() {
  return readOr(PREFIX + '.started', '').split('\n').filter(Boolean).map((line) => ({
    id: Number(line.split('\t')[0]), name: line.split('\t')[1],
  }));
}

// On the way back: an app that this run started and the old release does not know.
async function removeStarted(context, apps) {
  if (ACTION !== 'rollback') return;
  const list = await context.daemon.list();
  for (const { id, name } of started()) {
    const one = list.find((other) => other.id === id && other.name === name);
    if (one && !apps.some((entry) => entry.name === name)) await remove(context, one);
  }
}

async function startApp(context, entry) {
  if (ACTION !== 'rollback') stopIfAsked();
  const count = countOf(entry.resolved.instances);
  say('starting ' + entry.name + (count > 1 ? ' (' + count + ' processes)' : ''));
  for (let number = 0; number < count; number++) await startOne(context, entry, number);
}

// The number that an app of several processes knows itself by is given here: pm2 would count on from what runs.
async function startOne(context, entry, number) {
  const fields = JSON.parse(JSON.stringify(entry.resolved));
  delete fields.instances;
  fields[fields.instance_var || 'NODE_APP_INSTANCE'] = number;
  if (fields.increment_var) fields.env[fields.increment_var] = (Number(fields.env[fields.increment_var]) || 0) + number;
  try {
    context.moved.push(Object.assign(await prepared(context, entry, fields), { entry }));
  } catch (failure) {
    if (failure.process) await showLog(context, failure.process);
    throw failure;
  }
}

function countOf(instances) {
  const processors = require('os').cpus().length || 1;
  const number = Number(instances);
  if (isNaN(number)) return 1;
  return Math.max(number > 0 ? number : processors + number, 1);
}

// More or fewer processes, only where the file says another number than the release before: one by hand stays.
async function scale(context, entry) {
  if (!entry.up || entry.up.length === 0) return;
  const earlier = entry.up.map((one) => startedBy(one)).find((release) => release && release !== RELEASE);
  const was = storedApp(storedBy(earlier), entry.name);
  const modeChanged = entry.up.some((one) => one.env.exec_mode !== entry.resolved.exec_mode);
  if (!modeChanged && (!was || String(was.instances) === String(entry.app.instances))) return;
  const wanted = countOf(entry.resolved.instances);
  const list = (await context.daemon.list()).filter((one) => entry.processes.some((other) => other.id === one.id));
  const number = entry.resolved.instance_var || 'NODE_APP_INSTANCE';
  if (wanted !== list.length) say(entry.name + ': ' + list.length + ' processes become ' + wanted);
  for (const one of list.slice(wanted)) {
    await remove(context, one);
    context.moved = context.moved.filter((other) => other.id !== one.id);
  }
  const taken = new Set(list.map((one) => Number(one.env[number]) || 0));
  for (let next = 0, missing = wanted - list.length; missing > 0; next++) {
    if (taken.has(next)) continue;
    missing -= 1;
    await startOne(context, entry, next);
  }
}

// A job is never run by a deploy: pm2 gets it anew as a stopped one, which its cron pattern starts. One that runs finishes.
async function moveJob(context, entry) {
  warn('job', entry.name);
  for (const one of entry.processes) {
    const wanted = wantedOf(entry, one, entry.resolved);
    if (!differsFrom(one, wanted)) continue;
    if (one.pid && isAlive(one.pid)) {
      say(entry.name + ' runs just now: it finishes, and is moved by the next deploy');
      continue;
    }
    await remove(context, one);
    await prepareStopped(context, entry, wanted);
  }
  if (entry.processes.length > 0) return;
  if (entry.foreign.length > 0) fail('supervisor-failed', 'pm2', 'the name ' + entry.name + ' belongs to another app: ' + placeOf(entry.foreign[0].env));
  await prepareStopped(context, entry, Object.assign({}, entry.resolved));
}

function differsFrom(one, wanted) {
  const plain = (env) => Object.keys(env).filter((name) => !/^SHIPIT_|^unique_id$/.test(name)).sort().map((name) => name + '=' + env[name]).join('\0');
  if (plain(one.env.env || {}) !== plain(wanted.env)) return true;
  return Object.keys(wanted).some((key) => !['env', 'pm_pid_path', 'km_link', 'autostart'].includes(key) &&
    JSON.stringify(wanted[key] === 'null' ? undefined : wanted[key]) !== JSON.stringify(one.env[key]));
}

async function prepareStopped(context, entry, fields) {
  const stopped = { status: 'stopped', restart_time: 0, unstable_restarts: 0, created_at: Date.now(), pm_uptime: Date.now() };
  const all = Object.assign({}, fields, stopped);
  for (const key of Object.keys(all)) if (all[key] === 'null') delete all[key];
  delete all.instances;
  all[all.instance_var || 'NODE_APP_INSTANCE'] = 0;
  const answer = await context.daemon.call('prepare', all, 30);
  if (answer && answer[0] && answer[0].pm2_env) noteStarted({ id: answer[0].pm2_env.pm_id, name: entry.name });
}
