// The lock of a PM2_HOME.

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
