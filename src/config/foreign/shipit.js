// Run by node on the operator's machine: hands the function of a shipitfile a shipit that only remembers, and writes to
// descriptor 3 what it was told, with the lines. Plugins of shipit-js are not loaded: they would only add tasks.
'use strict';
const fs = require('fs');
const path = require('path');
const Module = require('module');
const { pathToFileURL } = require('url');
const file = path.resolve(process.argv[1]);
const calls = [];
const load = Module._load;
Module._load = function (name, ...rest) {
  return /^shipit(-|$)/.test(name) ? plugin(name) : load.call(this, name, ...rest);
};
// An `import` goes another way; where node cannot change that (before 18.19 and 20.6), it loads what it names.
globalThis[Symbol.for('shipit.plugin')] = plugin;
if (Module.register) {
  const resolve = `export const resolve = (name, context, next) => (/^shipit(-|$)/.test(name)
    ? { url: 'data:text/javascript,' + encodeURIComponent('export default globalThis[Symbol.for("shipit.plugin")](' + JSON.stringify(name) + ')'), shortCircuit: true }
    : next(name, context))`;
  Module.register('data:text/javascript,' + encodeURIComponent(resolve));
}
process.on('beforeExit', () => process.reallyExit(13));

// Whatever is asked of a plugin is there, may be called, and does nothing.
function plugin(name) {
  said('require', name);
  return nothing;
}

const nothing = new Proxy(function () {}, {
  get: (target, name) => (name === 'then' || typeof name === 'symbol' ? undefined : name === 'prototype' ? target.prototype : nothing),
  apply: () => nothing,
  construct: () => nothing,
});

function lineOf(stack) {
  const places = [file, pathToFileURL(file).href];
  for (const line of String(stack || '').split('\n')) {
    const place = places.find((place) => line.includes(place + ':'));
    if (place) return Number(line.slice(line.indexOf(place + ':') + place.length + 1).split(':')[0]) || undefined;
  }
  return undefined;
}

function said(call, name) {
  if (calls.length < 1000) calls.push({ call, name: typeof name === 'string' ? name : '', line: lineOf(new Error().stack) });
}

function answer(what) {
  let bytes = Buffer.from(JSON.stringify(what) + '\n');
  while (bytes.length) bytes = bytes.subarray(fs.writeSync(3, bytes));
  process.reallyExit(0);
}

// JSON has no functions, and would drop them without a word.
function plain(value) {
  return JSON.parse(JSON.stringify(value, (key, own) => (typeof own === 'function' || own === undefined || own instanceof RegExp ? { __notPlain: true } : own)));
}

// Newer nodes can `require` one, and would not ask our `resolve` then.
function isModule() {
  if (!/\.js$/.test(file)) return /\.mjs$/.test(file);
  for (let directory = path.dirname(file); ; directory = path.dirname(directory)) {
    const manifest = path.join(directory, 'package.json');
    if (fs.existsSync(manifest)) return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
    if (directory === path.dirname(directory)) return false;
  }
}

async function exported() {
  try {
    if (isModule()) throw Object.assign(new Error('a module'), { code: 'ERR_REQUIRE_ESM' });
    return Module.createRequire(file)(file);
  } catch (error) {
    const module = error && (error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_REQUIRE_ASYNC_MODULE');
    if (!module) throw error;
    return import(pathToFileURL(file).href).catch((error) => { throw named(error) || error; });
  }
}

// Names that a plugin exports are not known: nothing of it is loaded.
function named(error) {
  if (!(error instanceof SyntaxError)) return null;
  const text = fs.readFileSync(file, 'utf8');
  const found = /^[ \t]*import\b[^;'"]*\{[^}]*\}\s*from\s*['"](shipit(?:-[\w-]*)?)['"]/m.exec(text);
  if (!found) return null;
  const line = text.slice(0, found.index).split('\n').length;
  return { line, message: 'imports names of ' + found[1] + ', which is not loaded here: import it as a whole, `import plugin from "' + found[1] + '"`, and use `plugin.name`' };
}

async function evaluate() {
  let config = {};
  const known = {
    initConfig: (given) => { config = Object.assign(config, given); return shipit; },
    config: {},
    environment: 'default',
  };
  const shipit = new Proxy(known, {
    get: (target, name) => {
      // Awaiting it must not wait for it.
      if (name in target || name === 'then' || typeof name === 'symbol') return target[name];
      return (first) => { said(name, first); return shipit; };
    },
  });
  let given = await exported();
  if (given && given.default) given = given.default;
  if (typeof given !== 'function') throw new Error('it exports no function: module.exports = shipit => { … }');
  await given(shipit);
  return { config: plain(config), calls };
}

function thrown(error) {
  if (error && error.line && error.message) return error;
  const message = String((error && error.message) || error).split('\n')[0].slice(0, 400);
  return { line: lineOf(error && error.stack), message: 'threw ' + message };
}

evaluate().then(answer).catch((error) => answer({ thrown: thrown(error) }));
