// The ecosystem file: which one, evaluated once in the release, and its apps with paths below `current`. pm2 is never given
// the file itself: it would remember the folder of this release for ever.

const FILES = ['ecosystem.config.js', 'ecosystem.config.cjs', 'ecosystem.config.mjs', 'ecosystem.json', 'ecosystem.json5',
  'ecosystem.yml', 'ecosystem.yaml', 'pm2.config.js', 'pm2.config.cjs', 'pm2.config.mjs', 'pm2.json', 'process.json'];
const LOGS = ['log_file', 'log', 'out_file', 'out', 'output', 'out_log', 'error_file', 'error', 'err', 'err_file', 'err_log'];

function releaseDirectory() {
  return path.join(ROOT, 'releases', RELEASE);
}

// The file's absolute path, or `null` where the release has none.
function findFile(parameters) {
  const release = releaseDirectory();
  if (parameters.file) {
    const file = path.resolve(release, inHome(parameters.file));
    if (!fs.existsSync(file)) fail('bad-pm2-file', parameters.file, 'it does not exist');
    // What `current` names now is the release before this one.
    return isBelow(file, CURRENT) ? path.join(release, path.relative(CURRENT, file)) : file;
  }
  const found = FILES.find((name) => fs.existsSync(path.join(release, name)));
  if (found) return path.join(release, found);
  const described = readJson(path.join(release, 'package.json'));
  return described && (described.pm2 || described.apps) ? path.join(release, 'package.json') : null;
}

// What the file holds. Code runs in a process of its own: it may print, exit or never end. Links are kept, so that a file
// that lies in `shared` finds itself in the release.
function evaluate(file, pm2, home, parameters) {
  const shown = parameters.file || path.basename(file);
  if (/\.ya?ml$/.test(file)) {
    try {
      return library(pm2, home).parseConfig(fs.readFileSync(file, 'utf8'), file);
    } catch (error) {
      fail('bad-pm2-file', shown, firstLine(error.message));
    }
  }
  const done = childProcess.spawnSync(process.execPath,
    ['--preserve-symlinks', '--preserve-symlinks-main', process.argv[1], 'evaluate', file], {
      cwd: releaseDirectory(), env: Object.assign({}, BASE, { PM2_HOME: home, PWD: releaseDirectory() }),
      timeout: 10000, killSignal: 'SIGKILL', maxBuffer: 16 * 1024 * 1024, stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
  const printed = Buffer.concat([done.stdout || Buffer.alloc(0), done.stderr || Buffer.alloc(0)]).toString().trim();
  const result = String((done.output && done.output[3]) || '');
  if (printed && result) say(shown + ' printed:\n' + printed.slice(-4096));
  if (!result && done.error && done.error.code === 'ETIMEDOUT') fail('bad-pm2-file', shown, 'it did not end within 10 s');
  if (!result) fail('bad-pm2-file', shown, 'it ended the process (exit code ' + done.status + ')' + (printed ? ': ' + firstLine(printed) : ''));
  // What the file left running has no say any more.
  const told = JSON.parse(result);
  if (told.error) fail('bad-pm2-file', shown, told.error);
  return told.value;
}

function firstLine(text) {
  return String(text).split('\n').find((line) => line.trim()) || 'no message';
}

// The child of `evaluate`: the value goes out on a descriptor that the file does not know.
async function evaluateHere(file) {
  let told;
  try {
    let value;
    if (/\.[cm]?js$/.test(file)) value = await load(file);
    // As pm2 does: JSON with comments, and expressions.
    else value = vm.runInThisContext('(' + fs.readFileSync(file, 'utf8') + '\n)', { filename: file });
    if (value && typeof value.then === 'function') value = await value;
    if (value === null || typeof value !== 'object') throw new Error('it exports no apps');
    if (!value.apps && !value.pm2 && value.default) value = value.default;
    told = { value };
  } catch (error) {
    told = { error: place(error, file) + firstLine(error && error.message ? error.message : error) };
  }
  const text = Buffer.from(JSON.stringify(told));
  for (let at = 0; at < text.length;) at += fs.writeSync(3, text, at);
  process.exit(0);
}

async function load(file) {
  try {
    return require(file);
  } catch (error) {
    if (error.code !== 'ERR_REQUIRE_ESM' && error.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return import(require('url').pathToFileURL(file).href);
  }
}

// `line 3: ` where the error happened in the file.
function place(error, file) {
  const stack = String(error && error.stack);
  const at = stack.indexOf(file + ':');
  const line = at < 0 ? 0 : parseInt(stack.slice(at + file.length + 1), 10);
  return line > 0 ? 'line ' + line + ': ' : '';
}

// The apps of the file, as pm2 would see them for this environment, with paths below `current`.
function appsOf(value, file, pm2, parameters) {
  const shown = parameters.file || path.basename(file);
  let apps = value.apps || value.pm2 || (Array.isArray(value) || value.script || value.cmd ? value : null);
  if (!apps) apps = [];
  apps = (Array.isArray(apps) ? apps : [apps]).map((app) => Object.assign({}, app));
  for (const site of value.static || []) apps.push(staticSite(site, pm2));
  if (apps.length === 0) fail('bad-pm2-file', shown, 'it names no app');
  apps = apps.map((app) => settle(app, value.deploy, file, pm2, parameters));
  for (const wanted of parameters.only.concat(parameters.jobs)) {
    if (!apps.some((app) => app.name === wanted)) fail('no-pm2-app', wanted, shown);
  }
  if (parameters.only.length > 0) apps = apps.filter((app) => parameters.only.includes(app.name));
  for (const app of apps) {
    if (app.watch && String(app.watch) !== 'false') fail('pm2-watch', app.name);
    // `autorestart: false` alone is no job: people have it on servers, too.
    app.job = parameters.jobs.includes(app.name) || Boolean(app.cron_restart && app.cron_restart !== '0' && app.autorestart === false);
  }
  return apps;
}

function staticSite(site, pm2) {
  return {
    name: site.name || 'static-page-server-' + site.port,
    script: path.join(pm2.directory, 'lib', 'API', 'Serve.js'),
    env: {
      PM2_SERVE_PORT: site.port, PM2_SERVE_HOST: site.host, PM2_SERVE_PATH: site.path, PM2_SERVE_SPA: site.spa,
      PM2_SERVE_DIRECTORY: site.directory, PM2_SERVE_BASIC_AUTH: site.basic_auth !== undefined,
      PM2_SERVE_BASIC_AUTH_USERNAME: site.basic_auth ? site.basic_auth.username : undefined,
      PM2_SERVE_BASIC_AUTH_PASSWORD: site.basic_auth ? site.basic_auth.password : undefined,
    },
  };
}

// One app: name, environment, folder and script settled; nothing depends on where pm2 is called later.
function settle(app, deploy, file, pm2, parameters) {
  app = moved(app);
  if (!app.script) app.script = app.cmd || app.command || app.exec;
  for (const alias of ['cmd', 'command', 'exec']) delete app[alias];
  if (typeof app.script !== 'string') fail('bad-pm2-file', parameters.file || path.basename(file), 'an app has no script');
  if (!app.name) app.name = path.basename(app.script).replace(/(.)\.[^.]*$/, '$1');
  app.name = String(app.name);
  const environment = parameters.env || (app['env_' + parameters.environment] ? parameters.environment : undefined);
  const ofDeploy = environment && deploy && deploy[environment] && deploy[environment].env;
  if (app.port && !(app.env && app.env.PORT)) app.env = Object.assign({}, app.env, { PORT: app.port });
  const merged = Object.assign({}, ofDeploy ? moved(ofDeploy) : {}, app.env, environment ? app['env_' + environment] : {});
  app.env = {};
  for (const name of Object.keys(merged)) {
    if (merged[name] === undefined || merged[name] === null) continue;
    app.env[name] = typeof merged[name] === 'object' ? JSON.stringify(merged[name]) : merged[name];
  }
  for (const key of Object.keys(app)) if (key.startsWith('env_')) delete app[key];
  if (app.append_env_to_name && environment) app.name += '-' + environment;
  delete app.append_env_to_name;
  if (!app.namespace) app.namespace = 'default';
  if (app.script === 'serve') app.script = path.join(pm2.directory, 'lib', 'API', 'Serve.js');
  settleFolder(app, file, parameters);
  return app;
}

// pm2 takes the folder in which it is called; people call it in the folder of the file, or in the root of the release.
function settleFolder(app, file, parameters) {
  const release = releaseDirectory();
  const ofFile = isBelow(file, release) ? path.join(CURRENT, path.relative(release, path.dirname(file))) : CURRENT;
  const places = [ofFile, CURRENT].map((base) => (app.cwd ? path.resolve(base, inHome(app.cwd)) : base));
  const has = (cwd) => fs.existsSync(ofRelease(path.resolve(cwd, app.script)));
  const isCommand = /\s/.test(app.script) || (!app.script.includes('/') && onPath(app.script) && !places.some(has));
  app.cwd = places.find((cwd) => (isCommand ? fs.existsSync(ofRelease(cwd)) : has(cwd))) || places[0];
  const shown = parameters.file || path.basename(file);
  if (!fs.existsSync(ofRelease(app.cwd))) fail('bad-pm2-file', shown, 'app ' + app.name + ': the folder ' + ofRelease(app.cwd) + ' does not exist');
  if (!isCommand && !has(app.cwd)) fail('bad-pm2-file', shown, 'app ' + app.name + ': the script ' + ofRelease(path.resolve(app.cwd, app.script)) + ' does not exist');
  for (const key of ['interpreter', 'exec_interpreter']) {
    if (/^\.{1,2}\//.test(app[key] || '')) app[key] = path.resolve(app.cwd, app[key]);
  }
  for (const key of LOGS) {
    if (typeof app[key] === 'string' && !['NULL', '/dev/null'].includes(app[key])) app[key] = path.resolve(app.cwd, inHome(app[key]));
  }
}

// A path below `current` as it is before the switch.
function ofRelease(file) {
  return isBelow(file, CURRENT) ? path.join(releaseDirectory(), path.relative(CURRENT, file)) : file;
}

// A value with every path of a release, or of the work tree that pm2-deploy keeps, below `current`.
function moved(value) {
  if (typeof value === 'string') return movedText(value);
  if (Array.isArray(value)) return value.map(moved);
  if (value === null || typeof value !== 'object') return value;
  const copy = {};
  for (const key of Object.keys(value)) copy[key] = moved(value[key]);
  return copy;
}

function movedText(text) {
  const roots = [ROOT, realpathOr(ROOT, ROOT)];
  for (const root of roots) {
    const escaped = root.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const pinned = new RegExp('(^|[^A-Za-z0-9_./-])' + escaped + '/(?:releases/[^/\\s:;,"\']+|source)(?=$|[/\\s:;,"\'])', 'g');
    text = text.replace(pinned, (whole, before) => before + CURRENT);
  }
  return text;
}
