// pm2's program and its daemon: found, asked, started. The daemon's protocol (axon) is the same in pm2 2 to 7: a message is
// a byte of version and number of parts, then each part with its length; a part is `j:` JSON or `s:` text; the last part
// of a question comes back with its answer.

const PM2_STATES = { online: 'up', launching: 'starting', 'waiting restart': 'starting', stopping: 'down' };

// Where pm2 is: `{program, directory, version}`. A shim of a version manager is no link to pm2: node itself tells then what
// it was started with.
function findPm2() {
  const program = onPath('pm2');
  if (!program) fail('no-supervisor', 'pm2', 'pm2', process.env.PATH || '');
  if (!onPath('node')) fail('no-supervisor', 'pm2', 'node', process.env.PATH || '');
  let directory = packageAbove(realpathOr(program, program));
  if (!directory) {
    const probe = "process.argv[1] && require('fs').writeSync(1, '\\nat:' + require('fs').realpathSync(process.argv[1]) + '\\n'); process.exit(0)";
    const file = PREFIX + '.probe.js';
    fs.writeFileSync(file, probe, { mode: 0o600 });
    const asked = childProcess.spawnSync(program, ['--version'], {
      env: Object.assign({}, BASE, { NODE_OPTIONS: '--require ' + JSON.stringify(file) }),
      encoding: 'utf8', timeout: 20000, stdio: ['ignore', 'pipe', 'ignore'],
    });
    fs.unlinkSync(file);
    const said = String(asked.stdout).split('\n').filter((line) => line.startsWith('at:')).pop();
    directory = said && packageAbove(said.slice(3));
  }
  if (!directory) fail('supervisor-failed', 'pm2', program + ' does not lead to an installation of pm2');
  if (isBelow(directory, realpathOr(ROOT, ROOT))) fail('pm2-in-release', directory);
  return { program, directory, version: readJson(path.join(directory, 'package.json')).version };
}

function onPath(name) {
  for (const directory of (process.env.PATH || '').split(':')) {
    const file = path.join(directory || '.', name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch (error) {
      continue;
    }
  }
  return null;
}

function packageAbove(file) {
  for (let directory = path.dirname(file); directory !== '/'; directory = path.dirname(directory)) {
    const described = readJson(path.join(directory, 'package.json'));
    if (described && described.name === 'pm2') return directory;
  }
  return null;
}

// pm2's own code, for what it alone knows: how a file is read and what an app becomes.
function library(pm2, home) {
  process.env.PM2_HOME = home;
  process.env.NO_COLOR = '1';
  const common = require(path.join(pm2.directory, 'lib', 'Common.js'));
  for (const name of Object.keys(process.env)) if (!(name in BASE)) delete process.env[name];
  return common;
}

function homeOf(parameters) {
  const home = parameters.home || process.env.PM2_HOME;
  return home ? path.resolve(inHome(home)) : path.join(process.env.HOME || '/root', '.pm2');
}

// The daemon's process number, or `null` where none is alive. Asking the command `pm2` would start one.
function daemonPid(home) {
  const pid = Number(readOr(path.join(home, 'pm2.pid'), '').trim());
  if (!Number.isInteger(pid) || pid <= 0) return null;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'EPERM' && /God Daemon/.test(commandOf(pid))) fail('not-permitted', 'pm2', home, 'the daemon runs as another user');
    return null;
  }
  // After a crash the number may belong to another program, or to the daemon of another home.
  if (!isAlive(pid) || !/pm2|god daemon/i.test(readOr('/proc/' + pid + '/cmdline', 'pm2'))) return null;
  const its = (readOr('/proc/' + pid + '/environ', '').split('\0').find((entry) => entry.startsWith('PM2_HOME=/')) || '').slice('PM2_HOME='.length);
  return !its || realpathOr(its, its) === realpathOr(home, home) ? pid : null;
}

function readMessages(socket, take) {
  let buffer = Buffer.alloc(0);
  socket.on('data', (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (let end; (end = endOfMessage(buffer)) > 0;) {
      const parts = [];
      for (let at = 1; at < end;) {
        const length = buffer.readUInt32BE(at);
        parts.push(buffer.slice(at + 4, at + 4 + length));
        at += 4 + length;
      }
      buffer = buffer.slice(end);
      take(parts);
    }
  });
}

// Where the first message ends, 0 while it is not whole.
function endOfMessage(buffer) {
  let at = 1;
  if (buffer.length < 1) return 0;
  for (let parts = buffer[0] & 0x0f; parts > 0; parts--) {
    if (buffer.length < at + 4) return 0;
    at += 4 + buffer.readUInt32BE(at);
    if (buffer.length < at) return 0;
  }
  return at;
}

class Daemon {
  constructor(pid, socket) {
    this.pid = pid;
    this.socket = socket;
    this.waiting = new Map();
    this.next = 0;
    this.ended = null;
    this.errors = new Map();
    this.events = null;
    readMessages(socket, (parts) => {
      const id = parts.pop().slice(2).toString();
      this.settle(id, JSON.parse(parts[0].slice(2).toString()), null);
    });
    socket.on('error', () => {});
    socket.on('close', () => this.lost());
  }

  static connect(home, pid) {
    const file = path.join(home, 'rpc.sock');
    return new Promise((resolve, reject) => {
      const socket = net.connect(file);
      const refused = (error) => reject(error.code === 'EACCES'
        ? new Failure('not-permitted', ['pm2', home, error.message])
        : new Failure('supervisor-down', ['pm2', error.message]));
      socket.once('error', refused);
      socket.once('connect', () => {
        socket.removeListener('error', refused);
        resolve(new Daemon(pid, socket));
      });
    });
  }

  // What apps write to stderr from now on. A worker that dies at boot tells it to the daemon and ends before it is in a file.
  listenTo(home) {
    this.events = net.connect(path.join(home, 'pub.sock'));
    this.events.on('error', () => {});
    readMessages(this.events, (parts) => {
      if (parts.length < 2 || parts[0].toString() !== 's:log:err') return;
      const told = JSON.parse(parts[1].slice(2).toString());
      const lines = String(told.data).split('\n').filter((line) => line.trim());
      const id = told.process && told.process.pm_id;
      this.errors.set(id, (this.errors.get(id) || []).concat(lines).slice(-20));
    });
  }

  // A question may stay open longer than its answer is of use: pm2 5 and 6 never answer for a worker that dies at once.
  call(method, argument, seconds) {
    if (this.ended) return Promise.reject(new Failure('supervisor-down', ['pm2', this.ended]));
    return new Promise((resolve, reject) => {
      const id = 'shipit:' + this.next++;
      const timer = setTimeout(() => this.settle(id, null, { error: 'no answer to ' + method }), (seconds || 30) * 1000);
      this.waiting.set(id, { resolve, reject, timer });
      const question = 'j:' + JSON.stringify({ type: 'call', method, args: [argument === undefined ? {} : argument] });
      const parts = [Buffer.from(question), Buffer.from('s:' + id)];
      const lengths = parts.map((part) => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(part.length, 0);
        return length;
      });
      this.socket.write(Buffer.concat([Buffer.from([0x12]), lengths[0], parts[0], lengths[1], parts[1]]));
    });
  }

  settle(id, message, problem) {
    const question = this.waiting.get(id);
    if (!question) return;
    this.waiting.delete(id);
    clearTimeout(question.timer);
    const error = problem ? problem.error : message && message.error;
    if (problem || (message && 'error' in message)) {
      question.reject(new Error(error && error.message ? error.message : String(error)));
    } else question.resolve(message.args[0]);
  }

  lost() {
    this.ended = "pm2's daemon (process " + this.pid + ') ended';
    for (const [id, question] of this.waiting) {
      clearTimeout(question.timer);
      question.reject(new Failure('supervisor-down', ['pm2', this.ended]));
      this.waiting.delete(id);
    }
  }

  // What it runs. pm2 counts a parked worker of a reload in no list.
  async list() {
    const list = await this.call('getMonitorData', {}, Math.min(30, left() / 1000 + 1)).catch((error) => {
      throw error.word ? error : new Failure('supervisor-failed', ['pm2', error.message]);
    });
    return list.map((one) => ({
      id: one.pm_id,
      name: String(one.name),
      pid: one.pid || 0,
      status: one.pm2_env.status,
      restarts: one.pm2_env.restart_time || 0,
      since: one.pm2_env.pm_uptime || 0,
      env: one.pm2_env,
    }));
  }

  async find(id) {
    return (await this.list()).find((one) => one.id === id) || null;
  }

  close() {
    this.socket.destroy();
    if (this.events) this.events.destroy();
  }
}

// The daemon where one is alive, else `null`.
async function daemonIfAlive(home) {
  const pid = daemonPid(home);
  if (!pid) return null;
  // A node that was removed by a version manager: every start would hang with `launching`.
  const program = link('/proc/' + pid + '/exe');
  if (program && program.endsWith(' (deleted)')) fail('pm2-node-gone', program.slice(0, -10));
  return Daemon.connect(home, pid);
}

// The daemon, started when it is down: by the unit of systemd that boots it, else by pm2, with the apps that were saved.
async function daemonStarted(pm2, home) {
  const unit = await settledUnit(home);
  const alive = await daemonIfAlive(home);
  if (alive) return alive;
  await stopOrphans(home);
  const started = unit && await startedByUnit(home, unit);
  if (started) return started;
  const saved = fs.existsSync(path.join(home, 'dump.pm2'));
  say('pm2 does not run: ' + (saved ? 'starting what was saved (pm2 resurrect)' : 'starting it'));
  command(pm2, home, [saved ? 'resurrect' : 'ping']);
  return (await comesUp(home)) || fail('supervisor-down', 'pm2', 'it could not be started, see ' + path.join(home, 'pm2.log'));
}

// Processes in fork mode outlive a daemon that was killed, and hold their ports. Those of this deploy path are stopped as pm2
// would: the daemon that is started now knows nothing of them.
async function stopOrphans(home) {
  for (const pid of fs.readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry))) {
    const environment = readOr('/proc/' + pid + '/environ', '').split('\0');
    const value = (name) => (environment.find((entry) => entry.startsWith(name + '=')) || '').slice(name.length + 1);
    if (value('PM2_HOME') !== home || value('pm_id') === '' || !isOurPlace({ pm_cwd: value('pm_cwd'), pm_exec_path: value('pm_exec_path') })) continue;
    // What an app started has its environment, too: pm2's own child leads a session of its own.
    if (processSession(pid) !== pid) continue;
    say('process ' + pid + ' (' + value('name') + ') outlived its daemon: stopping it');
    signal(pid, 'SIGINT');
    for (const until = Date.now() + (Number(value('kill_timeout')) || 1600); isAlive(pid) && Date.now() < until;) await sleep(50);
    if (isAlive(pid)) signal(pid, 'SIGKILL');
  }
}

function signal(pid, name) {
  try {
    process.kill(Number(pid), name);
  } catch (error) {
    if (error.code !== 'ESRCH') say('process ' + pid + ' cannot be stopped: ' + error.message);
  }
}

// Runs the command `pm2`; what it prints is shown when it fails. It may show names, never environments. A daemon that it
// starts hands its own environment on to every worker of a cluster: it gets nothing that belongs to one app.
function command(pm2, home, words) {
  const environment = { PM2_HOME: home, NO_COLOR: '1' };
  for (const name of ['HOME', 'PATH', 'LANG', 'NVM_DIR', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR']) if (name in BASE) environment[name] = BASE[name];
  const done = childProcess.spawnSync(pm2.program, words, {
    cwd: process.env.HOME || '/', env: environment,
    encoding: 'utf8', timeout: Math.max(left(), 1000), maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (done.status !== 0) {
    const said = (String(done.stdout) + String(done.stderr)).trim().split('\n').slice(-5).join(' ');
    fail('supervisor-failed', 'pm2', 'pm2 ' + words.join(' ') + ': ' + said);
  }
}
