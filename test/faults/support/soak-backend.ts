// Runs as a child process: a backend that mostly works, fails now and then, and keeps nothing of what it saw.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { mixed } from './fates.ts';

const seed = Number(process.env['SEED']);
let count = 0;

const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  count += 1;
  const dice = mixed(seed, count) % 1000;
  const serve = () => {
    request.resume();
    if (dice < 10) return request.socket.resetAndDestroy();
    if (dice < 20) return request.socket.end('HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n{"ha');
    if (dice < 24) return undefined;
    if (dice < 60) return response.writeHead(500, { 'content-type': 'application/json' }).end('{"err_code":-1}');
    if (dice < 70) return response.writeHead(503, { 'retry-after': '0' }).end();
    if (request.url?.startsWith('/big')) return response.end(`"${'x'.repeat(100_000)}"`);
    return response.end(`{"n":${count}.0}`);
  };
  if (dice > 900) setTimeout(serve, dice - 900);
  else serve();
});

server.listen(0, '127.0.0.1', 1024, () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit(0));
