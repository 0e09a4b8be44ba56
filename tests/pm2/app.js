// The app that these tests run: an HTTP server that says which release it is. `release.json` beside it says how it behaves:
// id, boot (ms before it listens), crash (ms after its start, 0 is at once), hold (ms that a helper keeps the port).
const http = require('http');
const path = require('path');
const fs = require('fs');
const is = JSON.parse(fs.readFileSync(path.join(__dirname, 'release.json')));
const port = Number(process.env.PORT);
fs.appendFileSync(path.join(__dirname, 'runs'), process.pid + '\n');
if (is.crash === 0) throw new Error('this release crashes at boot');
if (is.crash) setTimeout(() => { throw new Error('this release crashes late'); }, is.crash);

if (is.hold && process.argv[2] !== 'helper') {
  // The port belongs to a helper that outlives the app for a while, as a browser does.
  const helper = require('child_process').spawn(process.execPath, [__filename, 'helper'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true });
  helper.on('exit', () => process.exit(1));
} else {
  const server = http.createServer((request, response) => {
    const told = { release: is.id, pid: process.pid, env: {} };
    for (const name of Object.keys(process.env)) if (/^(APP_|SHIPIT_|NODE_APP|PORT|SSH_)/.test(name)) told.env[name] = process.env[name];
    setTimeout(() => response.end(JSON.stringify(told)), 20);
  });
  // As a WebSocket without frames: what comes is sent back.
  server.on('upgrade', (request, socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.on('data', (data) => socket.write(data));
  });
  setTimeout(() => server.listen(port, '127.0.0.1'), is.boot || 0);
  const end = () => {
    if (is.hold) return;
    server.close();
    if (server.closeIdleConnections) server.closeIdleConnections();
    // node's cluster hands out connections for a moment after a worker closed: whoever exits at once loses them.
    setTimeout(() => process.exit(0), 300);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  if (is.hold) process.on('disconnect', () => setTimeout(() => process.exit(0), is.hold));
}
