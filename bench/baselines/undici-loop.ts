// The first baseline: what undici and a deadline timer cost with no gateway around them. It answers the three commands
// of the load client and checks nothing: no framing limits, no schema, no watchdog, no back-pressure, polls not shared.
import type { Socket } from 'node:net';
import { Pool } from 'undici';
import { type Command, serveLines } from '../support/line-server.ts';

const backend = new Pool(process.env['BACKEND_URL']!, { connections: 128 });

function startMonitor(socket: Socket, url: string, periodMs: number): void {
  const start = performance.now();
  let k = 0;
  const tick = async () => {
    if (socket.destroyed) return;
    const sent = performance.now();
    try {
      const { body } = await backend.request({ path: url, method: 'GET' });
      const text = await body.text();
      const took = (performance.now() - sent).toFixed(3);
      socket.write(`{"type":"data","ts":${Date.now()},"svc_dur_ms":${took},"result":${text}}\n`);
    } catch (error) {
      socket.write(`{"error":"monitor_internal_error","message":${JSON.stringify(String(error))}}\n`);
    }
    // The next deadline still ahead: those that this poll outlasted are void.
    const now = performance.now();
    k = Math.max(k + 1, Math.ceil((now - start) / periodMs));
    setTimeout(tick, start + k * periodMs - now);
  };
  void tick();
}

async function relay(socket: Socket, { url, method, body, ack }: Command['payload']): Promise<void> {
  try {
    const headers = { 'content-type': 'application/json' };
    const answer = await backend.request({ path: url, method, headers, body: JSON.stringify(body) });
    const text = await answer.body.text();
    if (ack) socket.write(`{"type":"control_ack","status":${answer.statusCode}${text ? `,"result":${text}` : ''}}\n`);
  } catch (error) {
    socket.write(`{"type":"control_err","error":"control_err","message":${JSON.stringify(String(error))}}\n`);
  }
}

serveLines((socket) => {
  let controls = Promise.resolve();
  return ({ cmd, payload }) => {
    if (cmd === 'MONITOR') {
      socket.write('{"type":"monitor_ack"}\n');
      startMonitor(socket, payload.url, payload.period_ms);
    }
    if (cmd === 'CONTROL') controls = controls.then(() => relay(socket, payload));
  };
});
