// The app `api` where pm2 runs it: what runs is what it was started from, as hook.sh writes it down.
const fs = require('fs'), path = require('path'), http = require('http');
const file = path.join(process.env.HOME, 'running.api'), owner = file + '.pid';
fs.writeFileSync(owner, String(process.pid));
fs.writeFileSync(file + '.new', path.basename(fs.realpathSync(__dirname)) + '\n');
fs.renameSync(file + '.new', file);
const server = http.createServer((request, answer) => answer.end('api')).listen(0, '127.0.0.1');
process.on('SIGINT', () => {
  if (fs.readFileSync(owner, 'utf8') === String(process.pid)) fs.rmSync(file, { force: true });
  server.close(() => process.exit(0));
});
