// The pm2 adapter: makes the apps of one release run under pm2. The files of this folder are put together in the order of
// their names and run as one script by the host's node (12 and later), without any package:
//
//   node ADAPTER STEP ROOT RELEASE META PARAMS RUN ACTION LIMIT
//
// It talks to pm2's daemon over its socket, not through the command `pm2`: the daemon can give an app a new folder, script
// or environment in one reload, the command cannot; no banner precedes the answers, and no daemon is started by a question.
// Values of environment variables are never printed: they hold passwords.
'use strict';

const childProcess = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const net = require('net');
const path = require('path');
const vm = require('vm');

const [STEP, ROOT, RELEASE, META, PARAMS, RUN, ACTION, LIMIT] = process.argv.slice(2);
const STARTED = Date.now();
// The caller ends this process at the limit: it has to know first why.
const DEADLINE = STARTED + Math.max(Number(LIMIT) || 600, 4) * 1000 - 2000;
const CURRENT = path.join(String(ROOT), 'current');
// Notes are called by what they are of, and not by its place in the list of supervisors: the release before may have another.
const PREFIX = STEP === 'evaluate' ? '' : notesOf(readParametersOf(PARAMS));
const MAX_ANSWERS = 60 * 1024;

// What apps get: the environment that this process was started with. pm2's own library changes it later.
const BASE = Object.assign({}, process.env);
for (const name of ['PWD', 'OLDPWD', 'SHLVL', '_', 'PM2_HOME', 'NODE_APP_INSTANCE', 'pm_id']) delete BASE[name];

// A step that failed for a reason that the user can be told.
class Failure extends Error {
  constructor(word, fields) {
    super(word + ' ' + fields.join(' '));
    this.word = word;
    this.fields = fields;
  }
}

function fail(word, ...fields) {
  throw new Failure(word, fields);
}

let answered = 0;

function answer(...fields) {
  const line = fields.map((field) => String(field).replace(/[\t\r\n]+/g, ' ').slice(0, 2000)).join('\t') + '\n';
  answered += Buffer.byteLength(line);
  if (answered > MAX_ANSWERS && fields[0] !== 'reason') return;
  // On a full disk the exit code still says how it went.
  try {
    fs.appendFileSync(path.join(RUN, 'answer'), line, { mode: 0o600 });
  } catch (error) {
    say('cannot write the answer: ' + error.message);
  }
}

function warn(word, ...fields) {
  answer('warning', word, ...fields);
}

function say(line) {
  process.stdout.write(line + '\n');
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function left() {
  return Math.max(DEADLINE - Date.now(), 0);
}

function stopIfAsked() {
  if (fs.existsSync(path.join(RUN, 'stop'))) fail('stopped');
}

function readOr(file, otherwise) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    return otherwise;
  }
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    return null;
  }
}

// Only this user may read it: it holds environment variables.
function writePrivate(file, text) {
  const beside = file + '.' + process.pid;
  fs.writeFileSync(beside, text, { mode: 0o600 });
  fs.renameSync(beside, file);
}

function realpathOr(file, otherwise) {
  try {
    return fs.realpathSync(file);
  } catch (error) {
    return otherwise;
  }
}

function isBelow(file, directory) {
  return file === directory || file.startsWith(directory.endsWith('/') ? directory : directory + '/');
}

function readParameters() {
  return readParametersOf(PARAMS);
}

function readParametersOf(file) {
  const parameters = { only: [], jobs: [], apps: [], strategy: 'reload', 'stable-for': '5' };
  for (const line of fs.readFileSync(file, 'utf8').split('\n').slice(1)) {
    const at = line.indexOf('\t');
    if (at < 0) continue;
    const [key, value] = [line.slice(0, at), line.slice(at + 1)];
    if (key === 'only' || key === 'jobs') parameters[key].push(value);
    // What follows an app is about that one.
    else if (key === 'app') parameters.apps.push({ name: value });
    else if (key.startsWith('app-')) parameters.apps[parameters.apps.length - 1][key.slice(4)] = value;
    else parameters[key] = value;
  }
  return parameters;
}

function notesOf(parameters) {
  const hash = (text) => crypto.createHash('sha256').update(text).digest('hex').slice(0, 12);
  return path.join(RUN, 'adapter.pm2.' + hash(homeOf(parameters)) + '.' + hash(JSON.stringify([parameters.only, parameters.file || ''])));
}

// The supervisors of a release that are pm2, each with its parameters: `{file, parameters}`.
function pm2Of(meta) {
  const names = fs.existsSync(meta) ? fs.readdirSync(meta).filter((name) => /^supervisor\.[0-9]{2}$/.test(name)).sort() : [];
  const files = names.map((name) => path.join(meta, name)).filter((file) => readOr(file, '').split('\n')[0] === 'pm2');
  return files.map((file) => ({ file, parameters: readParametersOf(file) }));
}

// The notes of this one, else those of the same daemon that no supervisor of this release has: a release that names other
// apps, or another file, made them.
function notes(suffix) {
  if (fs.existsSync(PREFIX + suffix)) return [PREFIX + suffix];
  const known = pm2Of(META).map((one) => notesOf(one.parameters) + suffix);
  const start = path.basename(PREFIX).replace(/[^.]*$/, '');
  const files = fs.readdirSync(RUN).filter((name) => name.startsWith(start) && name.endsWith(suffix)).map((name) => path.join(RUN, name));
  return files.filter((file) => !known.includes(file));
}

function readBefore() {
  const all = notes('.before').map(readJson).filter(Boolean);
  return all.length > 0 ? { processes: [].concat(...all.map((one) => one.processes)) } : null;
}

function inHome(file) {
  return file === '~' || file.startsWith('~/') ? path.join(process.env.HOME || '/', file.slice(1)) : file;
}

// Facts about a process from /proc, `null` where there is none.
function processStart(pid) {
  const stat = readOr('/proc/' + pid + '/stat', null);
  return stat && stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function processSession(pid) {
  const stat = readOr('/proc/' + pid + '/stat', '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
}

function isAlive(pid) {
  if (!pid) return false;
  const stat = readOr('/proc/' + pid + '/stat', null);
  return stat !== null && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

function link(file) {
  try {
    return fs.readlinkSync(file);
  } catch (error) {
    return null;
  }
}

// The release that a process runs from: its name, `other`, or `-` where that cannot be seen.
function releaseOf(pid) {
  const cwd = pid ? link('/proc/' + pid + '/cwd') : null;
  if (!cwd) return '-';
  // Of a release that another tool made the name is a link.
  const own = RELEASE ? path.join(ROOT, 'releases', RELEASE) : '';
  if (own && link(own) !== null && isBelow(cwd, realpathOr(own, own))) return RELEASE;
  const releases = path.join(realpathOr(ROOT, ROOT), 'releases');
  return isBelow(cwd, releases) && cwd !== releases ? path.relative(releases, cwd).split('/')[0].replace(/ \(deleted\)$/, '') : 'other';
}

// Who listens on a TCP port: `[{pid, name}]`; a holder of another user is `{pid: null, name: 'a process of another user'}`.
function holdersOf(port) {
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return [];
  const found = [];
  for (const pid of fs.readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry))) {
    if (socketsOf(pid).some((inode) => inodes.has(inode))) found.push({ pid: Number(pid), name: commandOf(pid) });
  }
  return found.length > 0 ? found : [{ pid: null, name: 'a process of another user' }];
}

function listeningInodes(port) {
  const inodes = new Set();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readOr(table, '').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] !== '0A') continue;
      const at = parseInt(fields[1].slice(fields[1].lastIndexOf(':') + 1), 16);
      if (port === undefined || at === Number(port)) inodes.add(fields[9]);
    }
  }
  return inodes;
}

function socketsOf(pid) {
  try {
    return fs.readdirSync('/proc/' + pid + '/fd')
      .map((entry) => link('/proc/' + pid + '/fd/' + entry))
      .filter((to) => to && to.startsWith('socket:['))
      .map((to) => to.slice(8, -1));
  } catch (error) {
    return [];
  }
}

function commandOf(pid) {
  return readOr('/proc/' + pid + '/cmdline', '').replace(/\0/g, ' ').trim().slice(0, 120) || readOr('/proc/' + pid + '/comm', '').trim();
}
