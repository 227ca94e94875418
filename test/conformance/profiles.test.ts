// The two profiles, row by row of the table of section 4.
import { expect } from 'vitest';
import { PROFILES } from '../../protocol/profiles.ts';
import { check } from '../support/check.ts';

interface Row {
  readonly name: string;
  readonly cmd: string;
  readonly payloads: readonly object[];
  readonly strict: string;
  readonly vendor: string;
  /** The field that the message names, in both profiles. */
  readonly field: string;
}

const monitor = { url: '/a', method: 'GET', period_ms: 100 };
const control = { url: '/a', method: 'POST' };
const without = (payload: object, name: string) =>
  Object.fromEntries(Object.entries(payload).filter(([key]) => key !== name));
const missing = (cmd: string, payload: object, field: string): Row => ({
  name: `${cmd.toLowerCase()}-${field}-missing`,
  cmd,
  payloads: [without(payload, field)],
  strict: 'missing_field',
  vendor: `missing_${field}`,
  field,
});
const wrong = (
  name: string,
  cmd: string,
  field: string,
  values: readonly unknown[],
  strict: string,
  vendor: string,
) => {
  const good = cmd === 'MONITOR' ? monitor : cmd === 'CONTROL' ? control : {};
  return { name, cmd, payloads: values.map((value) => ({ ...good, [field]: value })), strict, vendor, field };
};

const ROWS: readonly Row[] = [
  missing('HANDSHAKE', { major: 1 }, 'major'),
  missing('MONITOR', monitor, 'url'),
  missing('MONITOR', monitor, 'method'),
  missing('MONITOR', monitor, 'period_ms'),
  missing('CONTROL', control, 'url'),
  missing('CONTROL', control, 'method'),
  missing('STOP', { target: 'monitor' }, 'target'),
  wrong('major-type', 'HANDSHAKE', 'major', ['1', null, 1.5, true, {}], 'invalid_type', 'invalid_major_type'),
  wrong('major-negative', 'HANDSHAKE', 'major', [-1, -1000], 'invalid_value', 'invalid_version'),
  wrong('monitor-url-type', 'MONITOR', 'url', [5, null, {}], 'invalid_type', 'invalid_url'),
  wrong('control-url-type', 'CONTROL', 'url', [5, null, []], 'invalid_type', 'invalid_url'),
  wrong('monitor-url-long', 'MONITOR', 'url', [`/${'x'.repeat(2048)}`], 'invalid_url', 'url_too_long'),
  wrong('control-url-long', 'CONTROL', 'url', [`/${'é'.repeat(1024)}`], 'invalid_url', 'url_too_long'),
  wrong('monitor-url-rules', 'MONITOR', 'url', ['a', '/../b'], 'invalid_url', 'invalid_url'),
  wrong('monitor-method-type', 'MONITOR', 'method', [5, null], 'invalid_type', 'invalid_method'),
  wrong('control-method-type', 'CONTROL', 'method', [5, null], 'invalid_type', 'invalid_method'),
  wrong('monitor-method', 'MONITOR', 'method', ['POST', 'get'], 'invalid_method', 'invalid_method'),
  wrong('control-method', 'CONTROL', 'method', ['GET', 'PATCH', 'post'], 'method_not_allowed', 'invalid_method'),
  wrong('period-type', 'MONITOR', 'period_ms', ['100', 2.5, null, true], 'invalid_type', 'invalid_period'),
  wrong('monitor-args', 'MONITOR', 'args', [[], 'x', null, 5], 'invalid_type', 'invalid_args'),
  wrong('control-args', 'CONTROL', 'args', [[], 'x', null, 5], 'invalid_type', 'invalid_args'),
  wrong('control-body', 'CONTROL', 'body', ['x', null, 5], 'invalid_body', 'invalid_body'),
  wrong('target-type', 'STOP', 'target', [5, null, ['monitor']], 'invalid_type', 'invalid_target'),
  wrong('target-value', 'STOP', 'target', ['all', ''], 'invalid_target', 'invalid_target'),
];

for (const profile of PROFILES) {
  for (const row of ROWS) {
    check(
      `profiles.${row.name}-${profile}`,
      `[OS-4] ${profile}: ${row.cmd}, ${row.name}: ${row[profile]}`,
      async (t) => {
        const { gateway } = await t.pair(undefined, { PROTOCOL_PROFILE: profile });
        const client = await gateway.ready();
        for (const payload of row.payloads) {
          client.command(row.cmd, payload);
          await client.expect({ error: row[profile], fatal: undefined, message: new RegExp(row.field) });
          await client.handshake();
        }
      },
    );
  }
}

const OUTSIDE: readonly (readonly [string, number])[] = [
  ['1', 2],
  ['0', 2],
  ['-7', 2],
  ['30001', 30_000],
  ['1e9', 30_000],
  ['1e400', 30_000],
];

check('profiles.period-range-strict', '[OS-4] strict: a period_ms outside 2–30000 is invalid_period', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  for (const [period] of OUTSIDE) {
    client.send(`{"cmd":"MONITOR","payload":{"url":"/a","method":"GET","period_ms":${period}}}`);
    await client.expect({ error: 'invalid_period', message: /period_ms/ });
    await client.handshake();
  }
});

check('profiles.period-range-vendor', '[OS-4] vendor: a period_ms outside 2–30000 is clamped, and told', async (t) => {
  const { gateway } = await t.pair(undefined, { PROTOCOL_PROFILE: 'vendor' });
  const client = await gateway.ready();
  for (const [period, effective] of OUTSIDE) {
    client.send(`{"cmd":"MONITOR","payload":{"url":"/a","method":"GET","period_ms":${period}}}`);
    await client.until({ type: 'monitor_ack', period_ms: effective });
  }
});

for (const profile of PROFILES) {
  check(
    `profiles.period-edges-${profile}`,
    `[OS-4] ${profile}: 2 and 30000 are inside, however they are spelled`,
    async (t) => {
      const { gateway } = await t.pair(undefined, { PROTOCOL_PROFILE: profile });
      const client = await gateway.ready();
      for (const period of ['2', '30000', '2.0', '3e4', '0.2e1']) {
        client.send(`{"cmd":"MONITOR","payload":{"url":"/a","method":"GET","period_ms":${period}}}`);
        await client.until('monitor_ack');
        client.command('STOP', { target: 'monitor' });
        await client.until('stop_ack');
      }
    },
  );
}

check(
  'profiles.monitor-active-strict',
  '[OS-4] strict: MONITOR while one is active: monitor_already_active',
  async (t) => {
    const { gateway } = await t.pair((request, reply) => reply.json({ path: request.path }));
    const client = await gateway.ready();
    client.command('MONITOR', { ...monitor, period_ms: 5 });
    await client.expect('monitor_ack');
    client.command('MONITOR', { ...monitor, url: '/other', period_ms: 5 });
    await client.until({ error: 'monitor_already_active', fatal: undefined });
    for (let n = 0; n < 5; n += 1) await client.expect({ type: 'data', result: { path: '/a' } });
  },
);

check(
  'profiles.monitor-active-vendor',
  '[OS-4] vendor: MONITOR while one is active replaces it, and none of its data follows',
  async (t) => {
    const { gateway } = await t.pair((request, reply) => reply.json({ path: request.path }), {
      PROTOCOL_PROFILE: 'vendor',
    });
    const client = await gateway.ready();
    client.command('MONITOR', { ...monitor, url: '/0', period_ms: 2, id: 0 });
    await client.expect('monitor_ack');
    for (let n = 1; n <= 10; n += 1) {
      await client.until({ type: 'data', id: n - 1 });
      client.command('MONITOR', { ...monitor, url: `/${n}`, period_ms: 2, id: n });
      await client.until({ type: 'monitor_ack', id: n });
      for (let k = 0; k < 3; k += 1) await client.expect({ type: 'data', id: n, result: { path: `/${n}` } });
    }
  },
);

for (const target of ['monitor', 'control'] as const) {
  check(
    `profiles.nothing-${target}-strict`,
    `[OS-4] strict: STOP ${target} with nothing to stop: nothing_to_stop`,
    async (t) => {
      const { gateway } = await t.pair();
      const client = await gateway.ready();
      client.command('STOP', { target });
      await client.expect({ error: 'nothing_to_stop', fatal: undefined });
      await client.fence();
    },
  );

  check(
    `profiles.nothing-${target}-vendor`,
    `[OS-4] vendor: STOP ${target} with nothing to stop: stop_ack`,
    async (t) => {
      const { gateway } = await t.pair(undefined, { PROTOCOL_PROFILE: 'vendor' });
      const client = await gateway.ready();
      client.command('STOP', { target });
      expect((await client.nextLine()).text).toBe(`{"type":"stop_ack","target":"${target}"}`);
      await client.fence();
    },
  );
}

check(
  'profiles.control-err-strict',
  '[OS-4] strict: a CONTROL failure carries type, error, message, status and body',
  async (t) => {
    const { gateway } = await t.pair((_request, reply) => reply.json('{"err_code":-1.0}', 403));
    const client = await gateway.ready();
    client.command('CONTROL', { ...control, id: 'c' });
    const { text } = await client.expectLine({
      type: 'control_err',
      error: 'control_err',
      message: /./,
      status: 403,
      body: { err_code: -1 },
      outcome: undefined,
      id: 'c',
    });
    expect(text).toContain('"body":{"err_code":-1.0}');
  },
);

check(
  'profiles.control-err-vendor',
  '[OS-4] vendor: a CONTROL failure carries type, status and body only, and id when given',
  async (t) => {
    const answers: ((reply: Parameters<NonNullable<Parameters<typeof t.pair>[0]>>[1]) => void)[] = [
      (reply) => reply.json('{"err_code":-1.0}', 403),
      (reply) => reply.json('{"err_code":-1.0}', 403),
      (reply) => reply.empty(500),
      (reply) => reply.text('broken', 502),
      (reply) => reply.reset(),
    ];
    const { gateway } = await t.pair((request, reply) => answers[request.index]?.(reply), {
      PROTOCOL_PROFILE: 'vendor',
    });
    const client = await gateway.ready();
    client.command('CONTROL', control);
    const expected = [
      ['{"type":"control_err","status":403,"body":{"err_code":-1.0}}'],
      ['{"type":"control_err","status":403,"body":{"err_code":-1.0},"id":1.0}'],
      ['{"type":"control_err","status":500,"id":2}'],
      ['{"type":"control_err","status":502,"body":"broken","id":3}'],
      ['{"type":"control_err","id":4}'],
    ];
    client.send('{"cmd":"CONTROL","payload":{"url":"/a","method":"POST","id":1.0}}');
    for (let id = 2; id < 5; id += 1) client.command('CONTROL', { ...control, id });
    for (const [text] of expected) expect(members((await client.nextLine()).text)).toEqual(members(text!));
  },
);

/** The members of a flat line with their own spelling, whatever their order. */
function members(text: string): string[] {
  return text
    .slice(1, -1)
    .split(/,(?=")/)
    .sort();
}

check('profiles.stop-true-vendor', '[OS-4] vendor: MONITOR with "stop":true is STOP monitor', async (t) => {
  const { gateway } = await t.pair(undefined, { PROTOCOL_PROFILE: 'vendor' });
  const client = await gateway.ready();
  client.command('MONITOR', { ...monitor, period_ms: 2 });
  await client.until('data');
  client.command('MONITOR', { stop: true, id: 'enough' });
  await client.until({ type: 'stop_ack', target: 'monitor', id: 'enough' });
  await client.handshake();
  await client.fence();
  client.command('MONITOR', { ...monitor, stop: true });
  await client.expect({ type: 'stop_ack', target: 'monitor' });
  client.command('MONITOR', { stop: true, id: {} });
  await client.expect({ error: 'invalid_type', message: /payload\.id/ });
  client.command('MONITOR', { stop: true, id: 'x'.repeat(65) });
  await client.expect({ error: 'invalid_value', message: /payload\.id/ });
  client.command('MONITOR', { stop: false });
  await client.expect('missing_url');
});

check('profiles.stop-true-strict', '[OS-4] strict: MONITOR with "stop":true is checked like any MONITOR', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  client.command('MONITOR', { stop: true });
  await client.expect({ error: 'missing_field', message: /url/ });
  client.command('MONITOR', { ...monitor, stop: true });
  await client.expect('monitor_ack');
  await client.expect('data');
});

check(
  'profiles.control-method-hint',
  '[OS-2.1] the hint of a wrong method fits the command it answers, in both profiles',
  async (t) => {
    for (const PROTOCOL_PROFILE of PROFILES) {
      const { gateway } = await t.pair(undefined, { PROTOCOL_PROFILE });
      const client = await gateway.connect();
      client.sendRaw('{"cmd":"HANDSHAKE","payload":{"major":1}}\n');
      await client.expect('handshake_ack');
      client.sendRaw('{"cmd":"CONTROL","payload":{"url":"/a","method":"GET"}}\n');
      const { hint } = await client.next();
      expect(hint).toMatch(/CONTROL takes (the methods )?POST, PUT (and|or) DELETE/);
    }
  },
);
