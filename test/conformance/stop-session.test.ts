// STOP session: both activities end, one answer, everything is flushed, and then the connection ends.
import { expect } from 'vitest';
import { acked, control, handshake, monitor, stop } from '../faults/support/commands.ts';
import { pass } from '../faults/support/wait.ts';
import { createGate } from '../support/backend.ts';
import { check } from '../support/check.ts';

check(
  'stop-session.idle',
  '[OS-3.5] STOP session is answered by stop_ack, then the server ends the connection; later lines are ignored',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.ready();
    client.sendLines([
      stop('session', { id: 'bye' }),
      control('/late', { id: 1 }),
      monitor('/late', 10, { id: 2 }),
      handshake({ id: 3 }),
      stop('session', { id: 4 }),
      'not even JSON',
    ]);
    await client.expect({ type: 'stop_ack', target: 'session', id: 'bye', discarded: undefined });
    await client.expectClosed();
    expect(backend.requests).toEqual([]);
  },
);

check(
  'stop-session.ends-connection',
  '[OS-3.5] the server ends the connection although the client keeps its side open',
  async ({ pair }) => {
    const { gateway } = await pair();
    const client = await gateway.ready();
    client.send(stop('session'));
    await client.expect('stop_ack');
    await client.expectClosed();
    // The client's own side is still open: what it sends now is answered by nobody.
    client.send(handshake());
    await pass(100);
    expect(client.unread).toEqual([]);
  },
);

check(
  'stop-session.monitor',
  '[OS-3.5] STOP session ends the MONITOR: no data follows the stop_ack',
  async ({ pair }) => {
    const { gateway } = await pair();
    const client = await gateway.ready();
    client.send(monitor('/stream', 2));
    await client.expect('monitor_ack');
    for (let i = 0; i < 10; i += 1) await client.expect('data');
    client.send(stop('session'));
    await client.until({ type: 'stop_ack', target: 'session' });
    await client.expectClosed();
  },
);

check(
  'stop-session.control',
  '[OS-3.5] STOP session discards the waiting CONTROLs, lets the one in flight finish, then answers',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(
      async (request, reply) => {
        if (request.path === '/held') await gate.opened;
        reply.json('"held"');
      },
      { STOP_GRACE_MS: '20000' },
    );
    const client = await gateway.ready();
    client.send(monitor('/stream', 20));
    await client.expect('monitor_ack');
    client.sendLines([acked('/held', { id: 'flying' }), control('/a', { id: 'a' }), control('/b', { id: 'b' })]);
    await backend.waitUntil((requests) => requests.some((request) => request.path === '/held'));
    client.sendLines([stop('session', { id: 'bye' }), control('/late', { id: 'late' })]);
    // A second session's command is answered after the gateway has read the first one's lines.
    const other = await gateway.ready();
    other.send(acked('/other'));
    await other.expect('control_ack');
    gate.open();
    await client.until({ type: 'control_ack', id: 'flying', result: 'held' });
    await client.until({ type: 'stop_ack', target: 'session', id: 'bye', discarded: 2 });
    await client.expectClosed();
    expect(backend.of('POST').map((request) => request.path)).toEqual(['/held', '/other']);
  },
);

check(
  'stop-session.aborts',
  '[OS-3.5] past STOP_GRACE_MS: the control_err of the one in flight, stop_failed naming the target, the end',
  async ({ pair }) => {
    const { backend, gateway } = await pair((_request, reply) => reply.hang(), {
      STOP_GRACE_MS: '200',
      BACKEND_TIMEOUT_MS: '60000',
    });
    const client = await gateway.ready();
    client.send(control('/hangs', { id: 'flying' }));
    await backend.waitFor(1);
    client.send(stop('session', { id: 'bye' }));
    await client.expect({ type: 'control_err', id: 'flying', outcome: 'unknown' });
    await client.expect({ error: 'stop_failed', id: 'bye', message: /session/ });
    await client.expectClosed();
  },
);

check(
  'stop-session.half-closed',
  '[OS-1.6] STOP session as the last line before the client ends its side is answered all the same',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.connect();
    client.sendLines([handshake(), acked('/one', { id: 1 })]);
    await client.expect('handshake_ack');
    await client.expect({ type: 'control_ack', id: 1 });
    client.send(stop('session'));
    client.end();
    await client.expect({ type: 'stop_ack', target: 'session' });
    await client.expectClosed();
    expect(backend.requests.length).toBe(1);
  },
);

check(
  'stop-session.one-segment',
  '[OS-3.5] a whole session in one segment: CONTROLs still waiting at STOP session are counted as discarded',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.connect();
    client.sendLines([handshake(), ...Array.from({ length: 5 }, (_, i) => acked(`/${i}`, { id: i })), stop('session')]);
    client.end();
    await client.expect('handshake_ack');
    const lines = [];
    for (;;) {
      const line = await client.next();
      lines.push(line);
      if (line['type'] === 'stop_ack') break;
    }
    await client.expectClosed();
    const executed = lines.filter((line) => line['type'] === 'control_ack').map((line) => line['id']);
    expect(executed.length + Number(lines.at(-1)?.['discarded'] ?? 0)).toBe(5);
    expect(backend.requests.map((request) => request.path)).toEqual(executed.map((id) => `/${id}`));
  },
);

check(
  'stop-session.flushed',
  '[OS-3.5] everything that waits for a slow reader is flushed before the connection ends',
  async ({ pair }) => {
    const { gateway } = await pair((_request, reply) => reply.oversize(200_000));
    const client = await gateway.ready();
    client.pause();
    const count = 40;
    client.sendLines(Array.from({ length: count }, (_, i) => acked('/big', { id: i })));
    client.send(acked('/last', { id: 'last' }));
    await pass(300);
    client.resume();
    for (let i = 0; i < count; i += 1) await client.expect({ type: 'control_ack', id: i });
    await client.expect({ type: 'control_ack', id: 'last' });
    client.sendLines([...Array.from({ length: 20 }, (_, i) => handshake({ id: i })), stop('session')]);
    client.pause();
    await pass(100);
    client.resume();
    for (let i = 0; i < 20; i += 1) await client.expect({ type: 'handshake_ack', id: i });
    await client.expect({ type: 'stop_ack', target: 'session' });
    await client.expectClosed();
  },
);
