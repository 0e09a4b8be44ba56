// One process: moved to the release, watched until it is up there, and what is said when it is not.

const PM2_LISTEN = 3000; // pm2's listen_timeout where the file names none, in milliseconds
const PATIENCE = 20000; // how long the old worker stays beside one that does not listen yet

// Moves one process to what it has to become, and returns it as it runs then.
async function moveProcess(context, entry, one) {
  try {
    return await applied(context, entry, one, false);
  } catch (failure) {
    if (failure.word !== 'crash-loop' || ACTION !== 'rollback') return startedWithFreePort(context, entry, failure);
  }
  // It crashed again between two looks at it: what it runs from now on is the old release.
  return applied(context, entry, one, true).catch((failure) => startedWithFreePort(context, entry, failure));
}

async function applied(context, entry, one, anew) {
  const wanted = wantedOf(entry, one, entry.resolved);
  const isWorker = wanted.exec_mode === 'cluster_mode' && one.env.exec_mode === 'cluster_mode' && one.status === 'online';
  const parked = isWorker && await parkedWorker(context, one);
  const smooth = context.strategy === 'reload' && isWorker && !parked && !anew;
  const patience = Math.max(Number(wanted.listen_timeout) || PM2_LISTEN, context.pace);
  if (smooth) {
    // pm2 kills the old worker when this is over, even if the new one crashes: it has to outlast our way back.
    wanted.listen_timeout = Math.max(Number(wanted.listen_timeout) || 0, PATIENCE) + 10000;
  } else if (anew || one.status !== 'online' || Date.now() - one.since < 15000) {
    // Between two crashes pm2 remembers a process that is gone, and counts on: only a stop ends that.
    await endProcess(context, one);
    one = await context.daemon.find(one.id) || fail('not-running', 'pm2', one.name, 'pm2 no longer knows it');
  }
  const began = Date.now();
  const ask = { id: one.id, env: { current_conf: wanted } };
  const question = { answered: false, problem: null };
  context.daemon.call(smooth ? 'reloadProcessId' : 'restartProcessId', ask, left() / 1000 + 1)
    .then(() => { question.answered = true; }, (error) => { question.answered = true; question.problem = error; });
  const mark = { one, began, restarts: one.restarts + 1, wanted, patience, question, smooth };
  return untilUp(context, entry, mark);
}

// A reload that ended badly, or one by hand, leaves the old worker beside the new one for a while. pm2 7 refuses a second
// reload then, 5 and 6 would forget the worker and let it run for ever. On the way back it serves the old release, so that
// the new one may be restarted.
async function parkedWorker(context, one) {
  if (Date.now() - Number(one.env.created_at || 0) > 2 * PATIENCE) return false;
  for (;;) {
    const parked = await context.daemon.call('sendSignalToProcessId', { process_id: '_old_' + one.id, signal: 0 }).then(() => true, () => false);
    if (!parked || ACTION === 'rollback') return parked;
    if (left() < 5000) fail('supervisor-busy', 'pm2', 'the reload of ' + one.name + ' before this one has not ended');
    await sleep(500);
  }
}

// pm2 answers when the process has ended: it is killed only after its `kill_timeout`.
function endProcess(context, one) {
  return context.daemon.call('stopProcessId', one.id, endsWithin(one.env)).catch(ignoreUnlessDown);
}

// How many seconds one of these may take to end: as it was started, and as the file says from now on.
function endsIn(processes, next) {
  return Math.max(...processes.map((one) => Number(one.env.kill_timeout) || 1600), Number(next) || 0) / 1000;
}

// Whether it may have work to finish, and is no server that only answers what it was asked.
function endsSlowly(processes, next) {
  return endsIn(processes, next) > 10;
}

// How many seconds pm2 takes at most to end a process, and to say so.
function endsWithin(env) {
  return Math.max(60, (Number(env.kill_timeout) || 0) / 1000 + 30);
}

function ignoreUnlessDown(error) {
  if (error.word === 'supervisor-down') throw error;
}

// Waits until the process is new, runs from the release, and the old one is gone.
async function untilUp(context, entry, mark) {
  const { one, question } = mark;
  mark.daemon = context.daemon.pid;
  let seen = null;
  for (;;) {
    // What is seen after the answer counts, not what was seen meanwhile.
    const { answered } = question;
    const asked = Date.now();
    const now = await context.daemon.find(one.id);
    const took = Date.now() - asked;
    if (question.problem) await refused(context, question.problem, one, now);
    if (now && (now.pid !== one.pid || (answered && !now.pid))) seen = judge(now, mark, seen, answered);
    if (seen && seen.up && (answered || await concluded(context, entry, mark, seen))) return seen.process;
    if (left() < 1000) fail('never-ready', 'pm2', one.name, Math.round((Date.now() - mark.began) / 1000));
    // pm2 measures every process for each list.
    await untilGone(seen && seen.process.pid, Math.max(100, 2 * took));
  }
}

async function refused(context, problem, one, now) {
  if (problem.word) throw problem;
  if (!now) fail('not-running', 'pm2', one.name, 'pm2 no longer knows it');
  // pm2 still holds on to a process that crashed: it starts again by itself, with what was just told.
  if (/already (exists|online|started)/.test(problem.message)) return;
  fail(/in progress/.test(problem.message) ? 'supervisor-busy' : 'supervisor-failed', 'pm2', firstLine(problem.message));
}

// What a process looks like now: `{process, since, up}`, or why it has failed.
function judge(now, mark, seen, answered) {
  const { one, began } = mark;
  const name = one.name;
  if (now.status === 'errored' || now.status === 'waiting restart' || now.restarts > mark.restarts) {
    throw crashed(now, mark.restarts);
  }
  if (seen && now.pid && seen.process.pid && now.pid !== seen.process.pid) throw crashed(now, mark.restarts);
  // Between the end of the old process and that of what it started pm2 shows `stopped`, too.
  const ran = Boolean(seen && seen.ran);
  if (now.status === 'stopped' && (ran || answered)) throw stopped(now, mark.restarts);
  const state = seen && seen.process.pid === now.pid ? seen : { since: Date.now() };
  state.process = now;
  state.ran = ran || Boolean(now.pid);
  if (!now.pid) {
    if (now.status !== 'stopping' && Date.now() - began > 30000) fail('supervisor-failed', 'pm2', 'it cannot start ' + name + ' (' + now.status + ', no process)');
    return state;
  }
  state.up = now.status === 'online' && isAlive(now.pid) && isInRelease(now, state.since, name, mark.daemon);
  return state;
}

function crashed(now, before) {
  const restarts = Math.max(now.restarts - before, 1);
  return Object.assign(new Failure('crash-loop', ['pm2', now.name, restarts]), { process: now });
}

// Between two runs pm2 shows `stopped`, too: it is final for an app that is not started again.
function stopped(now, before) {
  if (now.env.autorestart !== false && now.env.stop_exit_codes === undefined) return crashed(now, before);
  return Object.assign(new Failure('not-running', ['pm2', now.name, 'stopped']), { process: now });
}

// A worker changes into its folder a moment after it was born; until then it is in that of the daemon, which may be an old
// release. That takes longer on a machine that is busy.
function isInRelease(now, since, name, daemon) {
  const release = releaseOf(now.pid);
  if (release === RELEASE) return true;
  const unborn = link('/proc/' + now.pid + '/cwd') === link('/proc/' + daemon + '/cwd');
  const young = Date.now() - since < (unborn ? 15000 : 3000);
  if (release === 'other' || release === '-') return !young || now.env.exec_mode !== 'cluster_mode' || !isBelow(String(now.env.pm_cwd), CURRENT);
  if (!young) fail('wrong-release', 'pm2', name, link('/proc/' + now.pid + '/cwd'));
  return false;
}

// Whether the old worker may go although pm2 has heard nothing: a worker that never listens is no failure; one of an app
// whose port pm2's daemon holds has to.
async function concluded(context, entry, mark, seen) {
  const waited = Date.now() - seen.since;
  if (!mark.smooth) return waited > mark.patience + 2000;
  const port = context.parameters['wait-port'] || mark.wanted.env.PORT;
  const sockets = socketsOf(context.daemon.pid);
  const holds = (at) => [...listeningInodes(at)].some((inode) => sockets.includes(inode));
  if (mark.wanted.wait_ready === true || (port && holds(port))) {
    const longest = Math.max(mark.patience, PATIENCE);
    if (waited > longest) fail('never-ready', 'pm2', entry.name, Math.round(longest / 1000));
    return false;
  }
  if (waited < (holds(undefined) ? Math.max(mark.patience, 8000) : mark.patience)) return false;
  await context.daemon.call('deleteProcessId', '_old_' + mark.one.id, endsWithin(mark.one.env)).catch(ignoreUnlessDown);
  return true;
}

// Sleeps, but wakes when a process ends.
async function untilGone(pid, milliseconds) {
  for (const until = Date.now() + milliseconds; Date.now() < until;) {
    await sleep(Math.min(25, milliseconds));
    if (pid && !isAlive(pid)) return true;
  }
  return false;
}

// Watches processes for so many seconds: none may end, start again or leave `online`.
async function watchStable(context, processes, seconds) {
  const starts = processes.map((one) => processStart(one.pid));
  const gone = () => processes.find((one, at) => !isAlive(one.pid) || processStart(one.pid) !== starts[at]);
  for (const until = Date.now() + seconds * 1000; ;) {
    const over = Date.now() >= until;
    const lost = gone();
    if (lost || over) {
      if (lost) await sleep(50);
      const list = await context.daemon.list();
      for (const one of processes) {
        const now = list.find((other) => other.id === one.id);
        if (!now) fail('not-running', 'pm2', one.name, 'pm2 no longer knows it');
        if (now.status === 'stopped') throw stopped(now, one.restarts);
        if (now.pid !== one.pid || now.restarts > one.restarts || now.status !== 'online' || one === lost) throw crashed(now, one.restarts);
      }
      if (over) return;
    }
    await sleep(50);
  }
}

// The port that an app could not get, by its own words.
async function heldPort(context, failure) {
  const now = failure.process;
  if (!now || now.env.exec_mode === 'cluster_mode') return null;
  const said = (await lastWords(context, now)).join('\n');
  if (!/EADDRINUSE/.test(said)) return null;
  const named = said.match(/EADDRINUSE[^\n]*?:(\d+)\b/) || said.match(/port: (\d+)/);
  return context.parameters['wait-port'] || (named && named[1]) || now.env.PORT || null;
}

// After a failure: where somebody still holds the port of the process, it is stopped, the port waited for, and the process
// started once. Any other failure stands.
async function startedWithFreePort(context, entry, failure) {
  const port = failure.word === 'supervisor-down' ? null : await heldPort(context, failure);
  if (!port) throw failure;
  const { id, name } = failure.process;
  await endProcess(context, failure.process);
  try {
    await portFree(context, port);
    const stopped = await context.daemon.find(id);
    if (!stopped) fail('not-running', 'pm2', name, 'pm2 no longer knows it');
    const fresh = await applied(context, entry, stopped, false);
    // The port is asked for a moment after the start.
    await watchStable(context, [fresh], Math.min(Number(context.parameters['stable-for']), 5));
    return fresh;
  } catch (again) {
    if (await heldPort(context, again)) fail('port-held', port, holderOf(port));
    throw again;
  }
}

function holderOf(port) {
  const holder = holdersOf(port)[0];
  return holder ? (holder.pid ? holder.name + ' (process ' + holder.pid + ')' : holder.name) : 'nobody now';
}

async function portFree(context, port) {
  const until = Date.now() + Math.min(30000, left() / 2);
  if (listeningInodes(port).size > 0) say('port ' + port + ' is held by ' + holderOf(port) + ': waiting for it');
  while (listeningInodes(port).size > 0) {
    if (Date.now() > until) fail('port-held', port, holderOf(port));
    await sleep(100);
  }
}

// The last 20 lines that an app wrote: what it told the daemon just now, else its error log, else its other log.
async function lastWords(context, one) {
  for (const until = Date.now() + 1000; !context.daemon.errors.has(one.id) && Date.now() < until;) await sleep(50);
  const told = context.daemon.errors.get(one.id);
  if (told) return told;
  for (const file of [one.env.pm_err_log_path, one.env.pm_out_log_path]) {
    const lines = typeof file === 'string' ? lastLines(file, 20) : [];
    if (lines.length > 0) return lines;
  }
  return [];
}

function lastLines(file, count) {
  try {
    const handle = fs.openSync(file, 'r');
    const size = fs.fstatSync(handle).size;
    const buffer = Buffer.alloc(Math.min(size, 64 * 1024));
    fs.readSync(handle, buffer, 0, buffer.length, size - buffer.length);
    fs.closeSync(handle);
    return buffer.toString().split('\n').filter((line) => line.trim()).slice(-count);
  } catch (error) {
    return [];
  }
}

async function showLog(context, one) {
  const lines = await lastWords(context, one);
  if (lines.length > 0) say(one.name + ': the end of its log:\n' + lines.join('\n'));
}

// Some daemons end with SIGINT, again and again, what was in fork mode and is to be a cluster, until they are started anew.
function hintAtUpdate(apps, failure) {
  if (failure.word !== 'crash-loop') return;
  const entry = apps.find((one) => one.name === failure.fields[1]);
  const was = (readBefore() || { processes: [] }).processes.find((one) => one.name === failure.fields[1]);
  if (!entry || !was || was.env.exec_mode === 'cluster_mode' || entry.resolved.exec_mode !== 'cluster_mode') return;
  say(entry.name + ' ran in fork mode until now. Where it ends on SIGINT as soon as it starts in cluster mode, the daemon has to be started anew:\n  pm2 update');
}
