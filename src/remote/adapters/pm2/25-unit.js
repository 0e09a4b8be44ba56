// The unit of systemd that `pm2 startup` makes: it starts the daemon, with what was saved, when the machine boots. While it is
// there, a daemon that is down is started by it: one that is started beside it belongs to no unit, and is known to nobody.

// The unit that starts the daemon of this home, `null` where none does: `{name, state, verb, enabled, program, path}`; the last
// two are what it starts pm2 by, and the PATH on which that is.
function unitOf(home) {
  if (!onPath('systemctl')) return null;
  const name = 'pm2-' + require('os').userInfo().username + '.service';
  const asked = runQuietly(['systemctl', 'show', '-p', 'LoadState,ActiveState,UnitFileState,ExecStart,Environment', '--', name], 20000);
  const value = (key) => (asked.said.split('\n').find((line) => line.startsWith(key + '=')) || '').slice(key.length + 1);
  if (asked.code !== 0 || value('LoadState') !== 'loaded') return null;
  // systemd puts quotes around what has blanks in it.
  const variable = (key) => {
    const found = new RegExp('(?:^| )(?:"' + key + '=([^"]*)"|' + key + '=(\\S+))').exec(value('Environment'));
    return found && (found[1] || found[2]);
  };
  const its = variable('PM2_HOME') || path.join(process.env.HOME || '/root', '.pm2');
  if (realpathOr(its, its) !== realpathOr(home, home)) return null;
  const state = value('ActiveState');
  const program = /^\{ path=(.*?) ; argv\[\]=/.exec(value('ExecStart'));
  return {
    name, state, verb: state === 'active' ? 'restart' : 'start', enabled: value('UnitFileState'),
    program: program && program[1], path: variable('PATH'),
  };
}

// The same, once it has started, or has ended: a daemon that systemd has just started does not know yet what was saved, and
// whoever starts an app then has it twice.
async function settledUnit(home) {
  for (const until = Date.now() + 60000; ; await sleep(200)) {
    const unit = unitOf(home);
    if (!unit || !/ating$/.test(unit.state) || Date.now() > until || left() < 5000) return unit;
    stopIfAsked();
  }
}

function runQuietly(words, limit) {
  const done = childProcess.spawnSync(words[0], words.slice(1), {
    encoding: 'utf8', timeout: limit, stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { code: done.status, said: String(done.stdout || ''), error: String(done.stderr || '') };
}

// The command that starts it. It asks for no password.
function startOf(unit) {
  const start = ['systemctl', '--no-ask-password', unit.verb, unit.name];
  return process.getuid() === 0 || !maySudo(unit) ? start : ['sudo', '-n', 'systemctl', unit.verb, unit.name];
}

function maySudo(unit) {
  return onPath('sudo') !== null && runQuietly(['sudo', '-n', '-l', 'systemctl', unit.verb, unit.name], 20000).code === 0;
}

function mayStart(unit) {
  return process.getuid() === 0 || maySudo(unit);
}

function warnNotPermitted(unit) {
  warn('unit-not-permitted', unit.name, require('os').userInfo().username, onPath('systemctl'));
}

// What `check` says of a daemon that is down.
function warnDown(home) {
  const unit = unitOf(home);
  if (unit && !mayStart(unit)) warnNotPermitted(unit);
  else if (fs.existsSync(path.join(home, 'dump.pm2'))) {
    if (unit) warn('unit-down', unit.name, home);
    else warn('no-daemon', home);
  }
}

// Starts the daemon by its unit, and returns it; `null` where that cannot be, which is said.
async function startedByUnit(home, unit) {
  say('pm2 does not run: starting ' + unit.name);
  if (unit.state === 'failed') runQuietly(['systemctl', '--no-ask-password', 'reset-failed', unit.name], 20000);
  const words = startOf(unit);
  const done = runQuietly(words, Math.max(left() - 1000, 1000));
  if (done.code === null) fail('supervisor-down', 'pm2', unit.name + ' has not started within the limit');
  // Until systemd has given up, it tries again, and removes the file that says where another daemon is.
  await settledUnit(home);
  const daemon = done.code === 0 ? await comesUp(home) : await daemonIfAlive(home);
  if (daemon) return daemon;
  if (done.code === 0) return refusedBy(unit, 'no daemon runs in ' + home + ' after it');
  // What sudo itself has to say comes first, and where to read more comes last.
  const error = done.error.trim().split('\n').filter((line) => !/^(See |sudo: unable)/.test(line))[0] || 'exit code ' + done.code;
  if (words[0] !== 'sudo' && /authentication|[Aa]ccess denied/.test(error)) {
    say(error);
    warnNotPermitted(unit);
    return null;
  }
  return refusedBy(unit, error);
}

function refusedBy(unit, why) {
  say(unit.name + ' does not start it: ' + why);
  warn('unit-failed', unit.name, why);
  return null;
}

// The daemon, once it answers.
async function comesUp(home) {
  for (const until = Date.now() + 10000; Date.now() < until; await sleep(100)) {
    const daemon = await daemonIfAlive(home).catch((error) => {
      if (error.word === 'supervisor-down') return null;
      throw error;
    });
    if (daemon) return daemon;
  }
  return null;
}
