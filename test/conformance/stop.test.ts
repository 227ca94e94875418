// STOP monitor and STOP control: what ends, what may finish, what is answered, and what comes after.
import { expect } from 'vitest';
import { acked, control, handshake, monitor, stop } from '../faults/support/commands.ts';
import { createGate, type Gate, type Handler } from '../support/backend.ts';
import { check } from '../support/check.ts';

/** Answers everything but `/held…`, which waits for the gate. */
const held =
  (gate: Gate, status = 200): Handler =>
  async (request, reply) => {
    if (!request.path.startsWith('/held')) return reply.json('1');
    await gate.opened;
    return reply.json('"held"', status);
  };

check('stop.monitor', '[OS-3.5] no data follows the stop_ack of STOP monitor, and polling ends', async ({ pair }) => {
  const { backend, gateway } = await pair();
  const client = await gateway.ready();
  for (let round = 0; round < 5; round += 1) {
    client.send(monitor('/stream', 2));
    await client.expect('monitor_ack');
    for (let i = 0; i < 5; i += 1) await client.expect('data');
    client.send(stop('monitor', { id: round }));
    await client.until({ type: 'stop_ack', target: 'monitor', id: round, discarded: undefined });
    const polled = backend.requests.length;
    await client.expectSilence(100);
    expect(backend.requests.length).toBeLessThanOrEqual(polled + 1);
  }
});

check(
  'stop.monitor-poll-in-flight',
  '[OS-3.5] STOP monitor is answered at once while a poll is in flight, whose result is not sent',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate));
    const client = await gateway.ready();
    client.send(monitor('/held', 10));
    await client.expect('monitor_ack');
    await backend.waitFor(1);
    client.send(stop('monitor'));
    await client.expect({ type: 'stop_ack', target: 'monitor' });
    gate.open();
    await client.expectSilence(200);
    await client.fence();
  },
);

check(
  'stop.nothing',
  '[OS-3.5] STOP with nothing to stop is nothing_to_stop, and the session goes on',
  async ({ pair }) => {
    const { gateway } = await pair();
    const client = await gateway.ready();
    for (const target of ['monitor', 'control']) {
      client.send(stop(target, { id: target }));
      await client.expect({ error: 'nothing_to_stop', id: target, fatal: undefined });
    }
    client.send(monitor('/x', 1000));
    await client.expect('monitor_ack');
    await client.expect('data');
    client.send(stop('control'));
    await client.expect('nothing_to_stop');
    client.send(stop('monitor'));
    await client.expect('stop_ack');
    client.send(stop('monitor'));
    await client.expect('nothing_to_stop');
    client.send(acked('/done'));
    await client.expect('control_ack');
    client.send(stop('control'));
    await client.expect('nothing_to_stop');
  },
);

check(
  'stop.vendor',
  '[OS-4] vendor: STOP with nothing to stop is stop_ack; MONITOR with "stop":true is the same as STOP monitor',
  async ({ pair }) => {
    const { backend, gateway } = await pair(undefined, { PROTOCOL_PROFILE: 'vendor' });
    const client = await gateway.ready();
    for (const target of ['monitor', 'control']) {
      client.send(stop(target, { id: target }));
      await client.expect({ type: 'stop_ack', target, id: target });
    }
    client.send(monitor('/stream', 5));
    await client.expect('monitor_ack');
    await client.expect('data');
    client.send({ cmd: 'MONITOR', payload: { stop: true, id: 's' } });
    await client.until({ type: 'stop_ack', target: 'monitor', id: 's' });
    await client.expectSilence(100);
    client.send(monitor('/never', 5, { stop: true }));
    await client.expect({ type: 'stop_ack', target: 'monitor' });
    expect(backend.requests.some((request) => request.path === '/never')).toBe(false);
  },
);

check(
  'stop.strict-monitor-stop',
  '[OS-4] strict: MONITOR with "stop":true is checked like any MONITOR',
  async ({ pair }) => {
    const { gateway } = await pair();
    const client = await gateway.ready();
    client.send({ cmd: 'MONITOR', payload: { stop: true } });
    await client.expect({ error: 'missing_field', message: /url/ });
    client.send(monitor('/x', 1000, { stop: true }));
    await client.expect('monitor_ack');
    await client.expect('data');
  },
);

check(
  'stop.control-discards',
  '[OS-3.5] STOP control discards the waiting ones and says how many; the one in flight may finish',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate), { STOP_GRACE_MS: '20000' });
    const client = await gateway.ready();
    client.sendLines([acked('/held', { id: 'flying' }), ...[1, 2, 3].map((id) => acked(`/${id}`, { id }))]);
    await backend.waitFor(1);
    client.send(stop('control', { id: 'stop' }));
    await client.fence();
    gate.open();
    await client.expect({ type: 'control_ack', id: 'flying', result: 'held' });
    await client.expect({ type: 'stop_ack', target: 'control', id: 'stop', discarded: 3 });
    client.send(acked('/after', { id: 'after' }));
    await client.expect({ type: 'control_ack', id: 'after' });
    await client.fence();
    expect(backend.requests.map((request) => request.path)).toEqual(['/held', '/after']);
  },
);

check(
  'stop.control-in-flight-fails',
  '[OS-3.5] one that fails within the grace is reported before the stop_ack, which has no count when none was discarded',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate, 403), { STOP_GRACE_MS: '20000' });
    const client = await gateway.ready();
    client.send(control('/held', { id: 'flying' }));
    await backend.waitFor(1);
    client.send(stop('control'));
    await client.fence();
    gate.open();
    await client.expect({ type: 'control_err', id: 'flying', status: 403, outcome: undefined });
    await client.expect({ type: 'stop_ack', target: 'control', discarded: undefined });
  },
);

check(
  'stop.control-aborts',
  '[OS-3.5] past STOP_GRACE_MS the one in flight is aborted: its control_err with outcome unknown, then stop_failed',
  async ({ pair }) => {
    const { backend, gateway } = await pair(
      (request, reply) => (request.path === '/hangs' ? reply.hang() : reply.json('1')),
      { STOP_GRACE_MS: '200', BACKEND_TIMEOUT_MS: '60000' },
    );
    const client = await gateway.ready();
    client.sendLines([control('/hangs', { id: 'flying' }), control('/waits', { id: 'waits' })]);
    await backend.waitFor(1);
    client.send(stop('control', { id: 'stop' }));
    await client.expect({ type: 'control_err', id: 'flying', outcome: 'unknown', status: undefined });
    await client.expect({ error: 'stop_failed', id: 'stop', type: undefined, fatal: undefined, message: /control/ });
    client.send(acked('/after', { id: 'after' }));
    await client.expect({ type: 'control_ack', id: 'after' });
    expect(backend.requests.map((request) => request.path)).toEqual(['/hangs', '/after']);
  },
);

check(
  'stop.failed-counts-discarded',
  '[OS-3.5] the answer tells how many were discarded, also when it is stop_failed',
  async ({ pair }) => {
    const { backend, gateway } = await pair((_request, reply) => reply.hang(), {
      STOP_GRACE_MS: '100',
      BACKEND_TIMEOUT_MS: '60000',
    });
    const client = await gateway.ready();
    client.sendLines([control('/hangs', { id: 0 }), control('/waits', { id: 1 }), control('/waits', { id: 2 })]);
    await backend.waitFor(1);
    client.send(stop('control'));
    await client.expect({ type: 'control_err', id: 0, outcome: 'unknown' });
    await client.expect({ error: 'stop_failed', discarded: 2 });
  },
);

check('stop.no-grace', '[OS-3.5] with STOP_GRACE_MS=0 the one in flight is aborted at once', async ({ pair }) => {
  const { backend, gateway } = await pair((_request, reply) => reply.hang(), {
    STOP_GRACE_MS: '0',
    BACKEND_TIMEOUT_MS: '60000',
  });
  const client = await gateway.ready();
  client.send(control('/hangs', { id: 1 }));
  await backend.waitFor(1);
  client.send(stop('control'));
  await client.expect({ type: 'control_err', id: 1, outcome: 'unknown' });
  await client.expect('stop_failed');
});

check(
  'stop.control-meanwhile',
  '[OS-3.5] commands that arrive during the grace are processed; new CONTROLs wait behind it',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate), { STOP_GRACE_MS: '20000' });
    const client = await gateway.ready();
    client.sendLines([acked('/held', { id: 'flying' }), acked('/discarded', { id: 'discarded' })]);
    await backend.waitFor(1);
    client.sendLines([stop('control', { id: 'stop' }), acked('/new', { id: 'new' }), handshake({ id: 'again' })]);
    await client.expect({ error: 'busy_session_active', id: 'again' });
    client.send(monitor('/stream', 30_000, { id: 'm' }));
    await client.expect({ type: 'monitor_ack', id: 'm' });
    await client.expect({ type: 'data', id: 'm' });
    client.send(stop('monitor', { id: 'sm' }));
    await client.expect({ type: 'stop_ack', target: 'monitor', id: 'sm' });
    expect(backend.of('POST').map((request) => request.path)).toEqual(['/held']);
    gate.open();
    await client.expect({ type: 'control_ack', id: 'flying' });
    await client.expect({ type: 'stop_ack', target: 'control', id: 'stop', discarded: 1 });
    await client.expect({ type: 'control_ack', id: 'new' });
    expect(backend.of('POST').map((request) => request.path)).toEqual(['/held', '/new']);
  },
);

check(
  'stop.twice',
  '[OS-3.5] a second STOP control during the grace has its own answer, and each CONTROL is discarded once',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate), { STOP_GRACE_MS: '20000' });
    const client = await gateway.ready();
    client.sendLines([acked('/held', { id: 'flying' }), control('/a', { id: 'a' })]);
    await backend.waitFor(1);
    client.sendLines([stop('control', { id: 1 }), control('/b', { id: 'b' }), stop('control', { id: 2 })]);
    await client.fence();
    gate.open();
    const lines = [await client.next(), await client.next(), await client.next()];
    expect(lines[0]).toMatchObject({ type: 'control_ack', id: 'flying' });
    const answers = lines.slice(1);
    expect(answers.map((line) => line['id'])).toEqual([1, 2]);
    expect(answers.every((line) => line['type'] === 'stop_ack')).toBe(true);
    expect(answers.reduce((sum, line) => sum + Number(line['discarded'] ?? 0), 0)).toBe(2);
    await client.fence();
    expect(backend.requests.length).toBe(1);
  },
);

check(
  'stop.leaves-the-other',
  '[OS-3.5] STOP monitor leaves CONTROL alone, STOP control leaves MONITOR alone',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate), { STOP_GRACE_MS: '20000' });
    const client = await gateway.ready();
    client.send(monitor('/stream', 10));
    await client.expect('monitor_ack');
    client.sendLines([acked('/held', { id: 1 }), acked('/next', { id: 2 })]);
    await backend.waitUntil((requests) => requests.some((request) => request.path === '/held'));
    client.send(stop('monitor'));
    await client.until({ type: 'stop_ack', target: 'monitor' });
    gate.open();
    await client.expect({ type: 'control_ack', id: 1 });
    await client.expect({ type: 'control_ack', id: 2 });
    client.send(monitor('/stream', 10));
    await client.expect('monitor_ack');
    client.send(stop('control'));
    await client.until('nothing_to_stop');
    await client.expect('data');
    await client.expect('data');
  },
);

check(
  'stop.then-handshake',
  '[OS-3.1] HANDSHAKE is busy_session_active while MONITOR or CONTROL is active, and acknowledged after STOP',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(held(gate), { STOP_GRACE_MS: '20000' });
    const client = await gateway.ready();
    client.send(monitor('/stream', 30_000));
    await client.expect('monitor_ack');
    await client.expect('data');
    client.send(handshake({ id: 1 }));
    await client.expect({ error: 'busy_session_active', id: 1 });
    client.send(stop('monitor'));
    await client.expect('stop_ack');
    client.send(handshake({ id: 2 }));
    await client.expect({ type: 'handshake_ack', id: 2 });
    client.send(acked('/held'));
    await backend.waitUntil((requests) => requests.some((request) => request.path === '/held'));
    client.send(handshake({ id: 3 }));
    await client.expect({ error: 'busy_session_active', id: 3 });
    gate.open();
    await client.expect('control_ack');
    client.send(handshake({ id: 4 }));
    await client.expect({ type: 'handshake_ack', id: 4 });
  },
);
