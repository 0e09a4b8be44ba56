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
  if (!/^shipit(-|$)/.test(name)) return load.call(this, name, ...rest);
  said('require', name);
  return () => undefined;
};
process.on('beforeExit', () => process.reallyExit(13));

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

async function exported() {
  try {
    if (/\.mjs$/.test(file)) throw Object.assign(new Error('a module'), { code: 'ERR_REQUIRE_ESM' });
    return Module.createRequire(file)(file);
  } catch (error) {
    const module = error && (error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_REQUIRE_ASYNC_MODULE');
    if (!module) throw error;
    return import(pathToFileURL(file).href);
  }
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
  const message = String((error && error.message) || error).split('\n')[0].slice(0, 400);
  return { line: lineOf(error && error.stack), message: 'threw ' + message };
}

evaluate().then(answer).catch((error) => answer({ thrown: thrown(error) }));
