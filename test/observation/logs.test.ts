// What a gateway writes to its log: each session's begin and end, faults without floods, text from outside defused, no secrets.
import { afterEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { type Gateway, startGateway } from '../../src/gateway.ts';
import { createLogger, type LogLevel } from '../../src/log.ts';
import { eventually } from '../admin/support.ts';
import { ScriptedBackend } from '../support/backend.ts';
import { TestClient } from '../support/client.ts';
import { TEST_DEFAULTS } from '../support/gateway.ts';

type Entry = Readonly<Record<string, unknown>>;

interface Logged {
  readonly gateway: Gateway;
  readonly backend: ScriptedBackend;
  /** As it was written. */
  text(): string;
  entries(message: string): Entry[];
  connect(localAddress?: string): Promise<TestClient>;
}

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A gateway with the real log, into memory. */
async function start(level: LogLevel, env: Readonly<Record<string, string>> = {}): Promise<Logged> {
  const backend = await ScriptedBackend.start();
  cleanups.push(() => backend.stop());
  const loaded = loadConfig({ ...TEST_DEFAULTS, BACKEND_URL: backend.url, ...env });
  if (!('config' in loaded)) throw new Error(loaded.faults.join('; '));
  const written: string[] = [];
  const log = createLogger({ level, pretty: false, destination: { write: (line) => void written.push(line) } });
  const gateway = await startGateway(loaded.config, log);
  cleanups.push(() => gateway.close());
  return {
    gateway,
    backend,
    text: () => written.join(''),
    entries: (message) => written.map((line) => JSON.parse(line) as Entry).filter(({ msg }) => msg === message),
    async connect(localAddress) {
      const client = await TestClient.connect({
        host: '127.0.0.1',
        port: gateway.port,
        ...(localAddress === undefined ? {} : { localAddress }),
      });
      cleanups.push(() => client.destroy());
      return client;
    },
  };
}

const ended = (logged: Logged, count: number): Promise<Entry[]> =>
  eventually(
    () => logged.entries('session ended'),
    (entries) => entries.length >= count,
  );

describe('sessions', () => {
  test('one line when it begins, one when it ends: reason, duration, counts', async () => {
    const logged = await start('info');
    const client = await logged.connect();
    await client.handshake();
    client.send('{');
    await client.expect({ error: 'invalid_ndjson' });
    client.command('CONTROL', { url: '/a', method: 'POST', ack: true });
    await client.expect('control_ack');
    client.command('MONITOR', { url: '/m', method: 'GET', period_ms: 30_000 });
    await client.until('data');
    client.command('STOP', { target: 'session' });
    await client.expect('stop_ack');
    await client.expectClosed();
    const [end, ...more] = await ended(logged, 1);
    expect(more).toEqual([]);
    expect(end).toMatchObject({
      level: 'info',
      address: '127.0.0.1',
      reason: 'stop_session',
      lines: 5,
      events: 1,
      skipped: 0,
      errors: 1,
      controls: 1,
    });
    expect(end?.['durationMs']).toBeGreaterThanOrEqual(0);
    const begun = logged.entries('session began');
    expect(begun).toHaveLength(1);
    expect(begun[0]).toMatchObject({ level: 'info', session: end?.['session'], address: '127.0.0.1' });
  });

  test.each([
    ['connection_lost', (client: TestClient) => client.reset()],
    ['end_of_input', (client: TestClient) => client.end()],
    ['not_ndjson', (client: TestClient) => client.send('GET / HTTP/1.1')],
  ])('%s', async (reason, leave) => {
    const logged = await start('info');
    const client = await logged.connect();
    if (reason !== 'not_ndjson') await client.handshake();
    leave(client);
    expect((await ended(logged, 1)).map((entry) => entry['reason'])).toEqual([reason]);
  });

  test('who it was: the name of the credential, at the end', async () => {
    const logged = await start('info', { AUTH_TOKENS: 'cell-3:tok-0123456789' });
    const client = await logged.connect();
    await client.handshake({ token: 'tok-0123456789' });
    client.end();
    const [end] = await ended(logged, 1);
    expect(end).toMatchObject({ credential: 'cell-3', reason: 'end_of_input' });
  });
});

describe('trace', () => {
  test('each line in and out, cut short, control characters visible', async () => {
    const logged = await start('trace');
    const client = await logged.connect();
    await client.handshake();
    client.send(`{"cmd":"\u009b31m\u202eEVIL\t","payload":{},"x":"${'y'.repeat(5000)}"}`);
    await client.expect({ error: 'invalid_ndjson' });
    const lines = await eventually(
      () => logged.entries('line'),
      (found) => found.length >= 4,
    );
    const all = lines.map((entry) => [typeof entry['in'], typeof entry['out'], typeof entry['session']].join());
    expect(all).toEqual([
      'string,undefined,number',
      'undefined,string,number',
      'string,undefined,number',
      'undefined,string,number',
    ]);
    const shown = String(lines[2]?.['in']);
    expect(shown).toContain('\\x9b31m\\u202eEVIL\\t');
    expect(shown.length).toBeLessThan(400);
    expect(shown).toMatch(/of \d+ bytes/);
    expect(String(lines[3]?.['out'])).toContain('invalid_ndjson');
    // Only pino's own line ends.
    expect(logged.text()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u0080-\u009f\u2028\u202e]/);
  });

  test('no line is traced at debug', async () => {
    const logged = await start('debug');
    const client = await logged.connect();
    await client.handshake();
    expect(logged.entries('handshake')).toHaveLength(1);
    expect(logged.entries('line')).toEqual([]);
  });
});

describe('secrets', () => {
  test('tokens and backend headers never appear, whatever goes wrong, at the most talkative level', async () => {
    const logged = await start('trace', {
      AUTH_TOKENS: 'cell-3:sesame-AAAA-1111,cell-4:sesame-BBBB-2222',
      BACKEND_HEADERS: '{"authorization":"Bearer sesame-CCCC-3333","x-api-key":"sesame-DDDD-4444"}',
      PROTOCOL_PROFILE: 'strict',
    });
    const { backend } = logged;
    const client = await logged.connect();
    await client.handshake({ token: 'sesame-AAAA-1111' });
    for (const path of ['/refused', '/reset', '/garbage']) {
      backend.handler = (_request, reply) => {
        if (path === '/refused') return reply.json({ error: 'no' }, 401);
        if (path === '/reset') return reply.reset();
        return reply.garbage();
      };
      client.command('CONTROL', { url: path, method: 'POST' });
      await client.expect('control_err');
    }
    client.command('MONITOR', { url: '/m', method: 'GET', period_ms: 10 });
    await client.until('monitor_internal_error');
    expect(backend.requests[0]?.headers['authorization']).toBe('Bearer sesame-CCCC-3333');
    // Broken lines with a token in them are shown too.
    client.send('{"cmd":"HANDSHAKE","payload":{"major":1,"token":"sesame-AAAA-1111"');
    await client.until({ error: 'invalid_ndjson' });
    client.command('HANDSHAKE', { major: 1, token: ['sesame-BBBB-2222'] });
    await client.until({ error: 'handshake_rejected' });
    await ended(logged, 1);
    for (const message of ['CONTROL failed', 'poll failed', 'HANDSHAKE with wrong or missing credentials', 'line'])
      expect(logged.entries(message).length, message).toBeGreaterThan(0);
    expect(logged.text()).not.toMatch(/sesame/);
  });
});

describe('faults that repeat', () => {
  test('wrong credentials from 200 addresses: each session has its two lines, the fault a handful', async () => {
    const logged = await start('info', { AUTH_TOKENS: 'right-0123456789' });
    const addresses = Array.from({ length: 200 }, (_, n) => `127.0.${1 + (n >> 7)}.${1 + (n & 127)}`);
    await Promise.all(
      addresses.map(async (address) => {
        const client = await logged.connect(address);
        client.command('HANDSHAKE', { major: 1, token: 'wrong' });
        await client.expect({ error: 'handshake_rejected' });
        await client.expectClosed();
      }),
    );
    const ends = await ended(logged, 200);
    expect(new Set(ends.map((entry) => entry['address'])).size).toBe(200);
    expect(logged.entries('session began')).toHaveLength(200);
    const faults = logged.entries('HANDSHAKE with wrong or missing credentials');
    expect(faults.length).toBeGreaterThan(0);
    // At most 17 in ten seconds; twice that, should this machine need longer.
    expect(faults.length).toBeLessThanOrEqual(34);
    expect(logged.gateway.telemetry.authenticationFailures).toBe(200);
  });

  test('200 refused connections from 200 addresses', async () => {
    const logged = await start('info', { MAX_SESSIONS: '1' });
    await (await logged.connect()).handshake();
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const client = await logged.connect(`127.0.${1 + (n >> 7)}.${1 + (n & 127)}`);
        await client.expect({ error: 'handshake_rejected' });
      }),
    );
    expect(logged.gateway.telemetry.closes.full).toBe(200);
    expect(logged.entries('connection refused').length).toBeLessThanOrEqual(34);
    expect(logged.entries('session began')).toHaveLength(1);
  });

  test('monitors of 100 paths that fail, and 500 CONTROLs that are refused', async () => {
    const logged = await start('info');
    logged.backend.handler = (_request, reply) => reply.json({ error: 'no' }, 500);
    const control = await logged.connect();
    await control.handshake();
    const clients = await Promise.all(Array.from({ length: 100 }, () => logged.connect()));
    await Promise.all(
      clients.map(async (client, n) => {
        await client.handshake();
        client.command('MONITOR', { url: `/m/${n}`, method: 'GET', period_ms: 20 });
        await client.until('monitor_internal_error');
      }),
    );
    for (let n = 0; n < 500; n += 100) {
      control.sendLines(
        Array.from({ length: 100 }, (_, i) => ({
          cmd: 'CONTROL',
          payload: { url: `/c/${n + i}`, method: 'POST' },
        })),
      );
      for (let i = 0; i < 100; i++) await control.expect('control_err');
    }
    expect(logged.entries('poll failed').length).toBeGreaterThan(0);
    expect(logged.entries('poll failed').length).toBeLessThanOrEqual(34);
    // One kind of refusal: one line, and another should this take longer than ten seconds.
    expect(logged.entries('CONTROL failed').length).toBeGreaterThan(0);
    expect(logged.entries('CONTROL failed').length).toBeLessThanOrEqual(4);
    expect(logged.gateway.telemetry.controls.refused).toBe(500);
    // An error status is an answer: the backend is there.
    expect(logged.entries('backend unreachable')).toEqual([]);
  });

  test('a backend that goes is told once, and once when it is back', async () => {
    const logged = await start('info');
    const client = await logged.connect();
    await client.handshake();
    client.command('MONITOR', { url: '/m', method: 'GET', period_ms: 10 });
    await client.until('data');
    logged.backend.handler = (_request, reply) => reply.reset();
    await client.until('monitor_internal_error');
    logged.backend.handler = (_request, reply) => reply.json({});
    await client.until('data');
    expect(logged.entries('backend unreachable')).toHaveLength(1);
    expect(logged.entries('backend unreachable')[0]).toMatchObject({ level: 'warn' });
    expect(logged.entries('backend reachable again')).toHaveLength(1);
    expect(logged.entries('poll failed')[0]).toMatchObject({ path: '/m', failures: 1 });
    expect(logged.entries('poll recovered')[0]).toMatchObject({ path: '/m' });
  });
});
