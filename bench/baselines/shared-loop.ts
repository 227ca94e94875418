// What Node itself costs with polls shared: the undici loop with one poll per url and period, whose line is written to every
// session as it is. Checks nothing, keeps no session: the least that a fan-out in Node can cost.
import type { Socket } from 'node:net';
import { Pool } from 'undici';
import { type Command, serveLines } from '../support/line-server.ts';

const backend = new Pool(process.env['BACKEND_URL']!, { connections: 128 });

const polls = new Map<string, Set<Socket>>();

function startPoll(url: string, periodMs: number): Set<Socket> {
  const readers = new Set<Socket>();
  const start = performance.now();
  let k = 0;
  const tick = async () => {
    const sent = performance.now();
    try {
      const { body } = await backend.request({ path: url, method: 'GET' });
      const text = await body.text();
      const took = (performance.now() - sent).toFixed(3);
      const line = Buffer.from(`{"type":"data","ts":${Date.now()},"svc_dur_ms":${took},"result":${text}}\n`);
      for (const socket of readers) socket.write(line);
    } catch (error) {
      const line = `{"error":"monitor_internal_error","message":${JSON.stringify(String(error))}}\n`;
      for (const socket of readers) socket.write(line);
    }
    const now = performance.now();
    k = Math.max(k + 1, Math.ceil((now - start) / periodMs));
    setTimeout(tick, start + k * periodMs - now);
  };
  void tick();
  return readers;
}

function join(socket: Socket, { url, period_ms: periodMs }: Command['payload']): void {
  const key = `${periodMs} ${url}`;
  const readers = polls.get(key) ?? startPoll(url, periodMs);
  polls.set(key, readers);
  readers.add(socket);
  socket.on('close', () => readers.delete(socket));
}

serveLines((socket) => ({ cmd, payload }) => {
  if (cmd !== 'MONITOR') return;
  socket.write('{"type":"monitor_ack"}\n');
  join(socket, payload);
});
