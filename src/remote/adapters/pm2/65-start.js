// Processes that pm2 does not have yet, or has no more: started, added, removed; and jobs, which are never run.

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
  await context.daemon.call('deleteProcessId', one.id, Math.max(120, endsWithin(one.env))).catch((error) => {
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
  const lines = [].concat(...notes('.started').map((file) => readOr(file, '').split('\n')));
  return lines.filter(Boolean).map((line) => ({
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
  if (entry.foreign.length > 0) fail('pm2-name-taken', entry.name, placeOf(entry.foreign[0].env));
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
