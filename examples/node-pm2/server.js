// Says which commit it was made of; when it is told to end it answers what it was asked before.
const fs = require('fs');
const http = require('http');
const path = require('path');

const revision = fs.readFileSync(path.join(__dirname, 'REVISION'), 'utf8').trim();
const server = http.createServer((request, response) => response.end(`shop ${revision}\n`));
server.listen(Number(process.env.PORT), '127.0.0.1');
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    server.close();
    server.closeIdleConnections();
    setTimeout(() => process.exit(0), 300);
  });
}
