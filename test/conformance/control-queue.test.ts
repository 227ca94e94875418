// The queue of waiting CONTROLs: its two limits, what is refused, and what is reported when the session ends.
import { expect } from 'vitest';
import { acked, control, monitor } from '../faults/support/commands.ts';
import { createGate, type Gate, type Handler } from '../support/backend.ts';
import { check } from '../support/check.ts';

/** Answers everything but `/held…`, which waits for the gate. */
const held =
  (gate: Gate): Handler =>
  async (request, reply) => {
    if (request.path.startsWith('/held')) await gate.opened;
    reply.json('1');
  };

check(
  'control-queue.depth',
  '[OS-3.4] CONTROL_QUEUE_DEPTH may wait behind the one in flight; the next is control_busy and never executed',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate), { CONTROL_QUEUE_DEPTH: '3' });
    const client = await gateway.ready();
    client.send(control('/held', { id: 'flying' }));
    await backend.waitFor(1);
    client.sendLines(Array.from({ length: 5 }, (_, i) => acked(`/${i}`, { id: i })));
    await client.expect({ error: 'control_busy', id: 3, type: undefined, message: /./ });
    await client.expect({ error: 'control_busy', id: 4 });
    gate.open();
    for (const id of [0, 1, 2]) await client.expect({ type: 'control_ack', id });
    client.send(acked('/after', { id: 'after' }));
    await client.expect({ type: 'control_ack', id: 'after' });
    expect(backend.requests.map((request) => request.path)).toEqual(['/held', '/0', '/1', '/2', '/after']);
  },
);

check(
  'control-queue.at-once',
  '[OS-3.4] a burst in one segment fills the queue exactly: one in flight and CONTROL_QUEUE_DEPTH waiting',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate));
    const client = await gateway.ready();
    client.sendLines(Array.from({ length: 260 }, (_, i) => control(`/held/${i}`, { id: i })));
    for (const id of [257, 258, 259]) await client.expect({ error: 'control_busy', id });
    await client.fence();
    gate.open();
    await backend.waitFor(257);
    client.send(acked('/last'));
    await client.expect('control_ack');
    expect(backend.requests.map((request) => request.path)).toEqual([
      ...Array.from({ length: 257 }, (_, i) => `/held/${i}`),
      '/last',
    ]);
  },
);

check('control-queue.none', '[OS-3.4] with CONTROL_QUEUE_DEPTH=0 only one may be under way', async ({ pair }) => {
  const gate = createGate();
  const { backend, gateway } = await pair(held(gate), { CONTROL_QUEUE_DEPTH: '0' });
  const client = await gateway.ready();
  client.sendLines([acked('/held', { id: 1 }), acked('/x', { id: 2 })]);
  await client.expect({ error: 'control_busy', id: 2 });
  gate.open();
  await client.expect({ type: 'control_ack', id: 1 });
  expect(backend.requests.length).toBe(1);
});

check(
  'control-queue.bytes',
  '[OS-3.4] CONTROL_QUEUE_BYTES of lines wait; one that does not fit is control_busy, a smaller one still fits',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate), { CONTROL_QUEUE_BYTES: '4000' });
    const client = await gateway.ready();
    client.send(control('/held'));
    await backend.waitFor(1);
    const big = (id: number) => acked(`/${id}`, { id, body: { pad: 'x'.repeat(1000) } });
    client.sendLines([big(1), big(2), big(3), big(4), acked('/5', { id: 5 })]);
    await client.expect({ error: 'control_busy', id: 4 });
    await client.fence();
    gate.open();
    for (const id of [1, 2, 3, 5]) await client.expect({ type: 'control_ack', id });
    expect(backend.requests.map((request) => request.path)).toEqual(['/held', '/1', '/2', '/3', '/5']);
  },
);

check(
  'control-queue.busy-is-no-error-row',
  '[OS-1.8] control_busy does not count as a malformed line',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate), { CONTROL_QUEUE_DEPTH: '1', MAX_CONSECUTIVE_ERRORS: '4' });
    const client = await gateway.ready();
    client.send(control('/held'));
    await backend.waitFor(1);
    client.sendLines(Array.from({ length: 12 }, (_, i) => control(`/${i}`, { id: i })));
    for (let id = 1; id < 12; id += 1) await client.expect({ error: 'control_busy', id, fatal: undefined });
    gate.open();
    await client.fence();
  },
);

check(
  'control-queue.fatal-error',
  '[OS-3.4] when a fatal error ends the session, the waiting ones are reported not_sent before its last line',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate), { MAX_CONSECUTIVE_ERRORS: '2', STOP_GRACE_MS: '300' });
    const client = await gateway.ready();
    client.sendLines([control('/held', { id: 'flying' }), control('/a', { id: 'a' }), control('/b', { id: 'b' })]);
    await backend.waitFor(1);
    client.sendLines(['nonsense', 'nonsense', control('/late', { id: 'late' })]);
    await client.expect({ error: 'invalid_ndjson', fatal: undefined });
    const rest = [];
    for (;;) {
      const line = await client.next();
      rest.push(line);
      if (line['fatal'] === true) break;
    }
    expect(rest.pop()).toMatchObject({ error: 'invalid_ndjson', fatal: true });
    await client.expectClosed();
    const outcomes = rest.map((line) => [line['type'], line['id'], line['outcome']]);
    expect(outcomes.filter(([, id]) => id !== 'flying')).toEqual([
      ['control_err', 'a', 'not_sent'],
      ['control_err', 'b', 'not_sent'],
    ]);
    // The one in flight never got an answer.
    expect(outcomes.filter(([, id]) => id === 'flying')).toEqual([['control_err', 'flying', 'unknown']]);
    gate.open();
    expect(backend.requests.map((request) => request.path)).toEqual(['/held']);
  },
);

check(
  'control-queue.watchdog',
  '[OS-3.4] when its watchdog ends the session, the waiting ones are reported not_sent before its last line',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate), {
      IDLE_TIMEOUT_MS: '500',
      STOP_GRACE_MS: '200',
      BACKEND_TIMEOUT_MS: '30000',
    });
    const client = await gateway.ready();
    client.sendLines([control('/held', { id: 'flying' }), control('/a', { id: 'a' }), control('/b', { id: 'b' })]);
    await backend.waitFor(1);
    const lines = [];
    for (;;) {
      const line = await client.next();
      lines.push(line);
      if (line['fatal'] === true) break;
    }
    await client.expectClosed();
    expect(lines.pop()).toMatchObject({ error: 'session_timeout', fatal: true });
    const outcomes = Object.fromEntries(lines.map((line) => [line['id'], line['outcome']]));
    expect(outcomes).toEqual({ flying: 'unknown', a: 'not_sent', b: 'not_sent' });
    gate.open();
    expect(backend.requests.map((request) => request.path)).toEqual(['/held']);
  },
);

check(
  'control-queue.monitor-does-not-count',
  '[OS-3.4] a running MONITOR takes no place in the queue',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate), { CONTROL_QUEUE_DEPTH: '1' });
    const client = await gateway.ready();
    client.send(monitor('/stream', 10));
    await client.expect('monitor_ack');
    client.send(acked('/held', { id: 1 }));
    await backend.waitUntil((requests) => requests.some((request) => request.path === '/held'));
    client.sendLines([acked('/x', { id: 2 }), acked('/y', { id: 3 })]);
    await client.until({ error: 'control_busy', id: 3 });
    gate.open();
    await client.until({ type: 'control_ack', id: 1 });
    await client.until({ type: 'control_ack', id: 2 });
  },
);
