// A client that reads slowly, but reads: the kernel's buffers hide its progress from the socket, its own figures show it.
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { ScriptedBackend } from '../support/backend.ts';
import { startTestGateway } from '../support/gateway.ts';

const ARMED_MS = 2500;
const BYTES_A_SECOND = 400_000;

test('[OS-3.6] a client that goes on reading outlives ARMED_TIMEOUT_MS however slowly it reads', async (context) => {
  if (process.platform !== 'linux') context.skip('only Linux tells what a peer has acknowledged');
  const body = JSON.stringify({ filler: 'y'.repeat(40_000) });
  const backend = await ScriptedBackend.start((_request, reply) => reply.json(body));
  const gateway = await startTestGateway({ BACKEND_URL: backend.url, ARMED_TIMEOUT_MS: String(ARMED_MS) });
  const socket = connect({ port: gateway.port, host: gateway.host });
  try {
    let closed = false;
    socket.pause();
    socket.on('error', () => {});
    socket.on('close', () => {
      closed = true;
    });
    socket.write('{"cmd":"HANDSHAKE","payload":{"major":1}}\n');
    socket.write('{"cmd":"MONITOR","payload":{"url":"/big","method":"GET","period_ms":5}}\n');
    const begun = performance.now();
    let read = 0;
    // Several times as long as a session may be without anything delivered.
    while (performance.now() - begun < ARMED_MS * 4 && !closed) {
      const allowance = ((performance.now() - begun) / 1000) * BYTES_A_SECOND - read;
      const chunk =
        allowance > 0 ? (socket.read(Math.floor(Math.min(allowance, socket.readableLength))) as Buffer | null) : null;
      read += chunk?.length ?? 0;
      socket.read(0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect({ closed, sessions: gateway.target.sessions?.() }).toEqual({ closed: false, sessions: 1 });
    expect(read).toBeGreaterThan(0);
  } finally {
    socket.destroy();
    await gateway.stop();
    await backend.stop();
  }
});
