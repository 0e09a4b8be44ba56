// Run by node on the operator's machine: evaluates a file of pm2's and writes what it exports to descriptor 3, each value with
// its kind. What the file itself prints goes elsewhere. Values of `env` that are the operator's variables keep their names.
'use strict';
const fs = require('fs');
const path = require('path');
const file = path.resolve(process.argv[1]);
const before = Object.assign({}, process.env);
const asked = new Set();
process.env = new Proxy(process.env, {
  get(target, name) {
    if (typeof name === 'string' && Object.hasOwn(before, name)) asked.add(name);
    return target[name];
  },
});
let count = 0;
// Nothing is left that could end what the file waits for.
process.on('beforeExit', () => process.reallyExit(13));

// A text that holds variables which the file asked for: exactly one, or one that is long enough to be meant.
function parts(key, text) {
  const known = [...asked].filter((name) => before[name] && process.env[name] === before[name]);
  const whole = known.filter((name) => before[name] === text);
  const same = whole.find((name) => name === key) || whole.find((name) => name.toUpperCase() === key.toUpperCase());
  if (same || (whole.length && text.length >= 8)) return [['v', same || whole[0]]];
  const inside = known.find((name) => before[name].length >= 8 && text.includes(before[name]));
  if (!inside) return null;
  return text.split(before[inside]).flatMap((piece, at) => (at ? [['v', inside], ['t', piece]] : [['t', piece]]));
}

function tagged(value, keys) {
  if ((count += 1) > 20000 || keys.length > 64) throw new Error('it holds more values than a configuration does');
  if (value === undefined) return ['u'];
  if (value === null) return ['0'];
  if (typeof value === 'function' || typeof value === 'symbol') return ['f'];
  if (typeof value === 'number' || typeof value === 'bigint') return ['n', String(value)];
  if (typeof value === 'boolean') return ['b', value];
  if (typeof value === 'string') {
    const found = keys[0] === 'deploy' && keys[keys.length - 2] === 'env' && parts(keys[keys.length - 1], value);
    return found ? ['e', found] : ['s', value];
  }
  if (typeof value.then === 'function') return ['p'];
  if (Array.isArray(value)) return ['l', value.map((item) => tagged(item, keys.concat('')))];
  if (value instanceof Date || value instanceof URL) return ['s', String(value)];
  return ['o', Object.keys(value).map((key) => [key, tagged(value[key], keys.concat(key))])];
}

// Of the whole file: the deploy section, and of each app what tells how it runs.
function wanted(exports) {
  if (exports === null || typeof exports !== 'object' || typeof exports.then === 'function') return exports;
  const apps = Array.isArray(exports.apps) ? exports.apps : exports.apps && [exports.apps];
  const kept = ['name', 'script', 'cwd', 'exec_mode', 'instances', 'watch', 'cron_restart', 'autorestart'];
  const app = (one) => Object.fromEntries(kept.filter((key) => one && one[key] != null).map((key) => [key, one[key]]));
  return Object.keys(exports).length ? { deploy: exports.deploy, apps: (apps || []).map(app) } : undefined;
}

function answer(what) {
  let bytes = Buffer.from(JSON.stringify(what) + '\n');
  while (bytes.length) bytes = bytes.subarray(fs.writeSync(3, bytes));
  process.reallyExit(0);
}

async function evaluate() {
  if (/\.json5?$/.test(file)) {
    // As pm2 reads it: an expression, which may not take long.
    const text = '(' + fs.readFileSync(file, 'utf8') + '\n)';
    return { exports: require('vm').runInThisContext(text, { filename: file, timeout: 5000 }) };
  }
  let exports;
  try {
    if (/\.mjs$/.test(file)) throw Object.assign(new Error('a module'), { code: 'ERR_REQUIRE_ESM' });
    exports = require('module').createRequire(file)(file);
  } catch (error) {
    const module = error && (error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_REQUIRE_ASYNC_MODULE');
    if (!module) throw error;
    exports = await import(require('url').pathToFileURL(file).href);
  }
  const isModule = exports && (exports.__esModule || exports[Symbol.toStringTag] === 'Module');
  return { exports: isModule && exports.default !== undefined ? exports.default : exports };
}

function thrown(error) {
  const stack = String((error && error.stack) || '');
  const at = stack.split('\n').find((line) => line.includes(file + ':'));
  const line = at && Number(at.slice(at.indexOf(file + ':') + file.length + 1).split(':')[0]);
  const said = error instanceof Error || (error && error.message) ? `${error.name || 'Error'}: ${error.message}` : String(error);
  return { line: line || undefined, message: 'threw ' + said.split('\n')[0].slice(0, 400) };
}

evaluate()
  .then((found) => {
    const exports = tagged(wanted(found.exports), []);
    answer({ exports, asked: [...asked].sort() });
  })
  .catch((error) => answer({ thrown: thrown(error) }));
