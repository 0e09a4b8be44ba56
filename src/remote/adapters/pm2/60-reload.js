// The reload of all apps of a release: a canary of each first, then a quarter at a time; apps of one process at last.

async function reloadAll(context) {
  const { apps, extras } = match(await context.daemon.list(), context.stored);
  noteBefore(apps, extras);
  try {
    await reloadThese(context, apps, extras);
  } catch (failure) {
    hintAtUpdate(apps, failure);
    throw failure;
  }
}

async function reloadThese(context, apps, extras) {
  const plans = [false, true].map((slow) => planned(context, apps, extras, slow));
  const last = [].concat(...plans.map((plan) => takeCaller(context, plan)));
  await removeStarted(context, apps);
  for (const entry of apps.filter((entry) => entry.job)) await moveJob(context, entry);
  if (context.strategy === 'stop-start') await stopFirst(context, [].concat(...plans.map((plan) => plan.singles.concat(plan.broken))));
  for (const plan of plans) await movePlanned(context, plan);
  for (const entry of apps.filter((entry) => !entry.job)) await scale(context, entry);
  await moveAll(context, last, 1);
  if (context.failures.length > 0) throw context.failures[0];
  await settled(context);
}

// What is to be done with the apps that end slowly, or with the others: those come first, as they would wait for work that has
// nothing to do with them.
function planned(context, apps, extras, slow) {
  const plan = { canaries: [], rest: [], singles: [], missing: [], broken: [] };
  for (const entry of apps) if (endsSlowly(entry.processes, entry.app.kill_timeout) === slow) planApp(context, entry, plan);
  for (const one of extras) if (endsSlowly([one]) === slow) planExtra(context, one, plan);
  return plan;
}

async function movePlanned(context, plan) {
  await moveAll(context, plan.broken, plan.broken.length);
  await moveAll(context, plan.canaries, 1);
  if (plan.rest.length > 0 && ACTION !== 'rollback') {
    context.pace = Math.max(context.pace, 3 * context.slowest);
    await watched(context, context.moved, Number(context.parameters['stable-for']));
  }
  await inWaves(context, plan.rest);
  await moveAll(context, plan.singles, 1);
  for (const entry of plan.missing) await startApp(context, entry);
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

// The process that started this run: pm2 ends it with all that descends from it, so it is the last.
function takeCaller(context, plan) {
  const [number, ...rest] = readOr(path.join(RUN, 'caller'), '').trim().split(' ');
  const home = rest.join(' ');
  if (!number || (home && path.resolve(home) !== context.home)) return [];
  const last = [];
  for (const key of ['broken', 'canaries', 'rest', 'singles']) {
    const isCaller = (task) => String(task.one.id) === number;
    last.push(...plan[key].filter(isCaller));
    plan[key] = plan[key].filter((task) => !isCaller(task));
  }
  if (plan.canaries.length === 0) plan.canaries.push(...plan.rest.splice(0, 1));
  return last;
}

// What ran before this run changed anything: for the way back, and to know what a stopped process was.
function noteBefore(apps, extras) {
  if (readBefore()) return;
  const all = [].concat(...apps.map((entry) => entry.processes), extras);
  writePrivate(PREFIX + '.before', JSON.stringify({ processes: all.map((one) => ({ id: one.id, name: one.name, pid: one.pid, status: one.status, env: one.env })) }));
}

function ranBefore(one) {
  const before = readBefore();
  const was = before && before.processes.find((other) => other.id === one.id && other.name === one.name);
  return Boolean(was && was.status !== 'stopping' && isRunning(was));
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
  entry.leaves = entry.resolved.exec_mode !== 'cluster_mode' && up.some((one) => one.env.exec_mode === 'cluster_mode');
  const moving = entry.leaves ? up.slice(0, countOf(entry.resolved.instances)) : up;
  const tasks = moving.filter((one) => !isSettled(one)).map((one) => ({ entry, one }));
  const healthy = tasks.filter((task) => task.one.status === 'online');
  if (context.strategy !== 'stop-start') plan.broken.push(...tasks.filter((task) => !healthy.includes(task)));
  if (context.strategy === 'stop-start') plan.singles.push(...tasks);
  else if (up.length === 1 || entry.leaves) plan.singles.push(...healthy);
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

function planMissing(context, entry, plan) {
  if (entry.foreign.length > 0) {
    fail('pm2-name-taken', entry.name, placeOf(entry.foreign[0].env));
  }
  const before = readBefore();
  if (isStartedAnew(entry, context.stored, before ? before.processes : [])) plan.missing.push(entry);
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
    if (entry.leaves) one = await leaveCluster(context, entry, one);
    const isNew = context.strategy === 'recreate' && !entry.extra;
    const fresh = await (isNew ? recreate : moveProcess)(context, entry, one);
    context.moved.push(Object.assign(fresh, { entry }));
    context.slowest = Math.max(context.slowest, Date.now() - began);
  } catch (failure) {
    if (failure.word === 'supervisor-down') throw failure;
    const now = failure.process || await context.daemon.find(one.id).catch(() => null);
    if (now) await showLog(context, now);
    context.failures.push(failure);
  }
}

// Workers share a port that pm2's daemon holds: a process in fork mode gets it when the last of them is gone.
async function leaveCluster(context, entry, one) {
  if (!entry.hasLeft) {
    entry.hasLeft = true;
    const surplus = entry.up.slice(countOf(entry.resolved.instances));
    for (const other of surplus) await remove(context, other);
    for (const other of entry.up) if (!surplus.includes(other)) await endProcess(context, other);
  }
  return context.daemon.find(one.id);
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

async function stopFirst(context, tasks) {
  for (const { one } of tasks) {
    await endProcess(context, one);
    for (const until = Date.now() + Math.min(30000, left() / 2); isAlive(one.pid) && Date.now() < until;) await sleep(50);
  }
  if (tasks.length > 0 && context.parameters['wait-port']) await portFree(context, context.parameters['wait-port']);
  for (const task of tasks) task.one = Object.assign({}, task.one, { status: 'stopped' });
}
