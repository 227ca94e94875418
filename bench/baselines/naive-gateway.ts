// The second baseline: the twenty-line gateway an average engineer would write in an afternoon, setInterval and fetch.
// It is deliberately not improved: overlapping polls, results in any order, everything parsed and printed again.
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const backend = process.env['BACKEND_URL']!;

const server = createServer((socket) => {
  const write = (event: object) => socket.write(`${JSON.stringify(event)}\n`);
  let timer: NodeJS.Timeout | undefined;
  socket.on('close', () => clearInterval(timer)).on('error', () => socket.destroy());
  const lines = createInterface({ input: socket }).on('error', () => socket.destroy());
  lines.on('line', async (line) => {
    const { cmd, payload } = JSON.parse(line);
    if (cmd === 'HANDSHAKE') write({ type: 'handshake_ack', ok: true, version: '1.0.0' });
    if (cmd === 'MONITOR') {
      write({ type: 'monitor_ack' });
      timer = setInterval(async () => {
        const sent = Date.now();
        const result = await (await fetch(backend + payload.url)).json();
        write({ type: 'data', ts: Date.now(), svc_dur_ms: Date.now() - sent, result });
      }, payload.period_ms);
    }
    if (cmd === 'CONTROL') {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify(payload.body);
      const answer = await fetch(backend + payload.url, { method: payload.method, headers, body });
      await answer.text();
      if (!answer.ok) write({ type: 'control_err', error: 'control_err', status: answer.status });
      else if (payload.ack) write({ type: 'control_ack', status: answer.status });
    }
  });
});

server.listen(Number(process.env['PORT']), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
process.on('unhandledRejection', () => undefined);
