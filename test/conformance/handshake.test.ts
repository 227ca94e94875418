// The states of a session: what is refused before HANDSHAKE, which HANDSHAKE is acknowledged, and who is turned away.
import { expect } from 'vitest';
import { createGate } from '../support/backend.ts';
import { check } from '../support/check.ts';

check('handshake.exact', '[OS-2.1] HANDSHAKE is answered by exactly its acknowledgement', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  client.send('{"cmd":"HANDSHAKE","payload":{"major":1}}');
  expect((await client.nextLine()).text).toBe('{"type":"handshake_ack","ok":true,"version":"1.0.0"}');
});

check('handshake.extra-fields', '[OS-2.2] unknown fields of a command or payload are ignored', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  const payload = { major: 1, minor: 'x', patch: null, token: 7, args: 5, body: 'text', nested: { cmd: 'STOP' } };
  client.send({ v: 2, cmd: 'HANDSHAKE', error: 'no', type: 1, payload });
  expect((await client.nextLine()).text).toBe('{"type":"handshake_ack","ok":true,"version":"1.0.0"}');
});

check(
  'handshake.required',
  '[OS-3.1] MONITOR, CONTROL and STOP need a HANDSHAKE first; the session goes on',
  async (t) => {
    const { backend, gateway } = await t.pair();
    const client = await gateway.connect();
    const commands: [string, object][] = [
      ['MONITOR', { url: '/a', method: 'GET', period_ms: 2 }],
      ['CONTROL', { url: '/a', method: 'POST', ack: true }],
      ['STOP', { target: 'monitor' }],
      ['STOP', { target: 'control' }],
      ['STOP', { target: 'session' }],
    ];
    for (const [cmd, payload] of commands) {
      client.command(cmd, payload);
      await client.expect({ error: 'handshake_required', fatal: undefined, hint: /HANDSHAKE/ });
    }
    await client.handshake();
    await client.fence();
    expect(backend.requests).toEqual([]);
  },
);

check(
  'handshake.integer-spelling',
  '[OS-2.1] an integer may be spelled in any way that has no fractional part',
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.connect();
    for (const major of ['1', '1.0', '1.000', '1e0', '1E+0', '10e-1', '0.1e1', '100.0E-2']) {
      client.send(`{"cmd":"HANDSHAKE","payload":{"major":${major}}}`);
      await client.expect('handshake_ack');
    }
  },
);

check(
  'handshake.not-an-integer',
  '[OS-2.1] a number with a fractional part is no integer, however small the part',
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.connect();
    for (const major of ['1.5', '1e-1', '1.00000000000000000000000000000001', '10000000000000000.5', '1e-400']) {
      client.send(`{"cmd":"HANDSHAKE","payload":{"major":${major}}}`);
      await client.expect({ error: 'invalid_type', message: /major/ });
    }
  },
);

check(
  'handshake.version-mismatch',
  '[OS-3.1] a wrong major is answered by version_mismatch and may be tried again',
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.connect();
    for (const major of ['0', '2', '99', '-0', '-0.0', '1e3', '9007199254740993', '1e400']) {
      client.send(`{"cmd":"HANDSHAKE","payload":{"major":${major}}}`);
      await client.expect({ error: 'version_mismatch', fatal: undefined });
    }
    client.command('STOP', { target: 'session' });
    await client.expect('handshake_required');
    await client.handshake();
  },
);

check(
  'handshake.version-mismatch-hint',
  "[OS-3.1] version_mismatch names the server's major in its hint",
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.connect();
    client.command('HANDSHAKE', { major: 7 });
    await client.expect({ error: 'version_mismatch', hint: /\b1\b/ });
  },
);

check('handshake.only-major', '[OS-3.1] only MAJOR counts', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  client.command('HANDSHAKE', { major: 1, minor: 99, patch: 99, version: '9.9.9' });
  await client.expect('handshake_ack');
});

check('handshake.again-idle', '[OS-3.1] another HANDSHAKE is acknowledged when nothing is active', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  await client.handshake();
  await client.handshake();
});

check('handshake.again-wrong', '[OS-3.1] a wrong second HANDSHAKE leaves the session as it was', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  client.command('HANDSHAKE', { major: 2 });
  await client.expect('version_mismatch');
  client.command('HANDSHAKE', { major: 'one' });
  await client.expect('invalid_type');
  client.command('CONTROL', { url: '/still-ready', method: 'POST', ack: true });
  await client.expect('control_ack');
});

check('handshake.busy-monitor', '[OS-3.1] HANDSHAKE while MONITOR is active: busy_session_active', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  client.command('MONITOR', { url: '/a', method: 'GET', period_ms: 30_000 });
  await client.expect('monitor_ack');
  await client.expect('data');
  client.command('HANDSHAKE', { major: 1 });
  await client.expect({ error: 'busy_session_active', fatal: undefined });
  client.command('STOP', { target: 'monitor' });
  await client.expect('stop_ack');
  await client.handshake();
});

check('handshake.busy-control', '[OS-3.1] HANDSHAKE while a CONTROL is active: busy_session_active', async (t) => {
  const gate = createGate();
  const { backend, gateway } = await t.pair(async (_request, reply) => {
    await gate.opened;
    reply.empty();
  });
  const client = await gateway.ready();
  client.command('CONTROL', { url: '/slow', method: 'POST', ack: true });
  await backend.waitFor(1);
  client.command('HANDSHAKE', { major: 1 });
  await client.expect({ error: 'busy_session_active', fatal: undefined });
  gate.open();
  await client.expect('control_ack');
  await client.handshake();
});

check(
  'handshake.mismatch-before-busy',
  '[OS-2.3] version_mismatch is looked at before busy_session_active',
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.ready();
    client.command('MONITOR', { url: '/a', method: 'GET', period_ms: 30_000 });
    await client.expect('monitor_ack');
    await client.expect('data');
    client.command('HANDSHAKE', { major: 2 });
    await client.expect('version_mismatch');
  },
);

check(
  'handshake.full',
  '[OS-3.2] more than MAX_SESSIONS are turned away at once, counted from the connection on',
  async (t) => {
    const { gateway } = await t.pair(undefined, { MAX_SESSIONS: '2' });
    const first = await gateway.connect();
    await first.fence();
    await gateway.ready();
    const third = await gateway.connect();
    await third.expect({ error: 'handshake_rejected', fatal: true });
    await third.expectClosed();
    await first.handshake();
    first.command('STOP', { target: 'session' });
    await first.expect({ type: 'stop_ack', target: 'session' });
    await first.expectClosed();
    // The room it leaves is free once the gateway has seen the connection's own end.
    for (let attempt = 1; ; attempt += 1) {
      const next = await gateway.connect();
      next.command('HANDSHAKE', { major: 1 });
      if ((await next.next())['type'] === 'handshake_ack') break;
      expect(attempt, 'attempts to take the place that was left').toBeLessThan(1000);
    }
  },
);

check(
  'handshake.full-per-ip',
  '[OS-3.2] more than MAX_SESSIONS_PER_IP from one address are turned away, others are not',
  async (t) => {
    const { gateway } = await t.pair(undefined, { MAX_SESSIONS_PER_IP: '1' });
    const first = await gateway.ready();
    const second = await gateway.connect();
    await second.expect({ error: 'handshake_rejected', fatal: true });
    await second.expectClosed();
    const elsewhere = await gateway.connect({ localAddress: '127.0.0.2' });
    await elsewhere.handshake();
    await first.fence();
  },
);

check('handshake.draining', '[OS-3.2] a HANDSHAKE while the gateway drains is rejected', async (t) => {
  const { backend, gateway } = await t.pair((_request, reply) => reply.hang(), {
    BACKEND_TIMEOUT_MS: '2000',
    STOP_GRACE_MS: '20000',
    DRAIN_TIMEOUT_MS: '30000',
  });
  const client = await gateway.ready();
  client.command('CONTROL', { url: '/slow', method: 'POST' });
  await backend.waitFor(1);
  const idle = await gateway.ready();
  const drained = gateway.drain();
  // An idle session ends at once, which shows that draining has begun; the other one waits for its CONTROL.
  await idle.expect({ type: 'closing', reason: 'shutdown' });
  await idle.expectClosed();
  client.command('HANDSHAKE', { major: 1, id: 'late' });
  await client.until({ error: 'handshake_rejected', fatal: true, id: 'late' });
  await drained;
});

check('handshake.cells-closing', '[OS-3.5] lines after STOP session are ignored', async (t) => {
  const { backend, gateway } = await t.pair();
  const client = await gateway.ready();
  client.sendLines([
    { cmd: 'STOP', payload: { target: 'session' } },
    { cmd: 'HANDSHAKE', payload: { major: 1 } },
    { cmd: 'MONITOR', payload: { url: '/a', method: 'GET', period_ms: 2 } },
    { cmd: 'CONTROL', payload: { url: '/a', method: 'POST' } },
    { cmd: 'STOP', payload: { target: 'monitor' } },
    'not even JSON',
  ]);
  await client.expect({ type: 'stop_ack', target: 'session' });
  await client.expectClosed();
  const other = await gateway.ready();
  await other.fence();
  expect(backend.requests).toEqual([]);
});
