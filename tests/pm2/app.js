// The app that these tests run: an HTTP server that says which release it is. `release.json` beside it says how it behaves:
// id, boot (ms before it listens), crash (ms after its start, 0 is at once), hold (ms that a helper keeps the port).
const http = require('http');
const path = require('path');
const fs = require('fs');
const is = JSON.parse(fs.readFileSync(path.join(__dirname, 'release.json')));
const port = Number(process.env.PORT);
fs.appendFileSync(path.join(__dirname, 'runs'), process.pid + ' ' + process.env.NODE_APP_INSTANCE + '\n');
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
  // WebSockets, by hand: a text comes back. Those of /goodbye are told when this process is to end.
  const told = new Set();
  server.on('upgrade', (request, socket) => {
    const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
    const accept = require('crypto').createHash('sha1').update(key).digest('base64');
    socket.on('error', () => {});
    socket.on('close', () => told.delete(socket));
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' + accept + '\r\n\r\n');
    if (request.url === '/goodbye') told.add(socket);
    let read = Buffer.alloc(0);
    socket.on('data', (data) => {
      read = Buffer.concat([read, data]);
      // Short frames, with a mask.
      for (let end; read.length > 5 && (end = 6 + (read[1] & 127)) <= read.length; read = read.slice(end)) {
        const text = Buffer.from(read.slice(6, end)).map((byte, at) => byte ^ read[2 + at % 4]);
        if ((read[0] & 15) === 8) socket.end();
        else socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
      }
    });
  });
  setTimeout(() => server.listen(port, '127.0.0.1'), is.boot || 0);
  const end = () => {
    if (is.hold) return;
    server.close();
    // 1012: the service restarts.
    for (const socket of told) socket.write(Buffer.from([0x88, 2, 1012 >> 8, 1012 & 255]));
    if (server.closeIdleConnections) server.closeIdleConnections();
    // node's cluster hands out connections for a moment after a worker closed: whoever exits at once loses them.
    setTimeout(() => process.exit(0), 300);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  if (is.hold) process.on('disconnect', () => setTimeout(() => process.exit(0), is.hold));
}
