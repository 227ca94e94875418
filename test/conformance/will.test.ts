// The will: a command the gateway relays once for a client that went away without STOP session.
import { expect } from 'vitest';
import { acked, control, handshake, monitor, stop } from '../faults/support/commands.ts';
import { pass } from '../faults/support/wait.ts';
import { createGate, type ScriptedBackend } from '../support/backend.ts';
import { check } from '../support/check.ts';
import type { TestClient } from '../support/client.ts';
import type { TestGateway } from '../support/gateway.ts';

const WILL = { method: 'POST', url: '/project/robot/stop', body: {} } as const;

const wills = (backend: ScriptedBackend) => backend.requests.filter((request) => request.path === WILL.url);

/** Each way to end a session but STOP session; the settings that bring it about. */
interface Ending {
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly end: (client: TestClient, gateway: TestGateway) => unknown;
}

const ENDINGS: readonly Ending[] = [
  { name: 'the client ends its side', end: (client) => client.end() },
  { name: 'the connection is reset', end: (client) => client.reset() },
  { name: 'the client vanishes', end: (client) => client.destroy() },
  { name: 'the idle watchdog', env: { IDLE_TIMEOUT_MS: '300' }, end: (client) => client.expect('session_timeout') },
  {
    name: 'the armed watchdog',
    env: { ARMED_TIMEOUT_MS: '300', BACKEND_TIMEOUT_MS: '60000' },
    end: (client) => client.send(monitor('/hangs', 50)),
  },
  {
    name: 'malformed lines in a row',
    env: { MAX_CONSECUTIVE_ERRORS: '3' },
    end: (client) => client.sendLines(['x', 'x', 'x']),
  },
  {
    name: 'a line without an end',
    env: { RX_BUFFER_BYTES: '1024', RX_DISCARD_BYTES: '1024' },
    end: (client) => client.sendRaw('x'.repeat(10_000)),
  },
  {
    name: 'answers that nobody takes',
    env: { ARMED_TIMEOUT_MS: '400' },
    end: (client) => {
      client.pause();
      // 30 MB of answers, more than any kernel keeps for one connection.
      client.sendLines(Array.from({ length: 60 }, () => acked('/big', { method: 'PUT' })));
    },
  },
  { name: 'the end of the gateway', end: (_client, gateway) => gateway.drain() },
];

for (const [index, { name, env, end }] of ENDINGS.entries()) {
  check(
    `will.ending-${index}`,
    `[OS-6.4] the will is relayed once, as it was written, when the session ends: ${name}`,
    async ({ pair }) => {
      const { backend, gateway } = await pair((request, reply) => {
        if (request.path === '/hangs') return reply.hang();
        return request.path === '/big' ? reply.oversize(500_000) : reply.json('1');
      }, env);
      const client = await gateway.connect();
      client.send(
        '{"cmd":"HANDSHAKE","payload":{"major":1,"will":{"method":"POST","url":"/project/robot/stop","args":{"n":1.0},"body":{"v": -0.0}}}}',
      );
      await client.expect('handshake_ack');
      expect(backend.requests).toEqual([]);
      const ended = end(client, gateway);
      await backend.waitUntil((requests) => requests.some((request) => request.method === 'POST'), 20_000);
      await ended;
      await pass(150);
      const relayed = backend.of('POST');
      expect(relayed.map((request) => [request.path, request.body.replaceAll(' ', '')])).toEqual([
        ['/project/robot/stop?n=1.0', '{"v":-0.0}'],
      ]);
      expect(relayed[0]?.headers['content-type']).toBe('application/json');
    },
  );
}

check(
  'will.stop-session',
  '[OS-6.4] after STOP session the will is not relayed, whichever way the connection goes',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    for (const leave of ['end', 'reset', 'destroy'] as const) {
      const client = await gateway.connect();
      await client.handshake({ will: WILL });
      client.send(stop('session'));
      await client.expect('stop_ack');
      client[leave]();
    }
    // Time enough for a will that should not be there: other sessions' commands go through meanwhile.
    const other = await gateway.ready();
    for (let i = 0; i < 10; i += 1) {
      other.send(acked('/other'));
      await other.expect('control_ack');
      await pass(20);
    }
    expect(wills(backend)).toEqual([]);
  },
);

check(
  'will.without',
  '[OS-6.4] a session without a will, or whose HANDSHAKE was refused, leaves nothing behind',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const plain = await gateway.ready();
    plain.reset();
    const refused = await gateway.connect();
    refused.send({ cmd: 'HANDSHAKE', payload: { major: 2, will: WILL } });
    await refused.expect('version_mismatch');
    refused.reset();
    const other = await gateway.ready();
    for (let i = 0; i < 10; i += 1) {
      other.send(acked('/other'));
      await other.expect('control_ack');
      await pass(20);
    }
    expect(wills(backend)).toEqual([]);
  },
);

check(
  'will.checked',
  '[OS-6.4] the will is checked at HANDSHAKE like a CONTROL: a wrong one is named and the session is not READY',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    for (const [will, code, named] of [
      ['text', 'invalid_type', /will/],
      [null, 'invalid_type', /will/],
      [[], 'invalid_type', /will/],
      [{}, 'missing_field', /url/],
      [{ url: '/x' }, 'missing_field', /method/],
      [{ ...WILL, url: 5 }, 'invalid_type', /url/],
      [{ ...WILL, url: 'x' }, 'invalid_url', /url/],
      [{ ...WILL, url: '//host/x' }, 'invalid_url', /url/],
      [{ ...WILL, url: '/../x' }, 'invalid_url', /url/],
      [{ ...WILL, method: 'GET' }, 'method_not_allowed', /method/],
      [{ ...WILL, method: 1 }, 'invalid_type', /method/],
      [{ ...WILL, args: [] }, 'invalid_type', /args/],
      [{ ...WILL, body: 'x' }, 'invalid_body', /body/],
      [{ ...WILL, body: null }, 'invalid_body', /body/],
    ] as const) {
      const client = await gateway.connect();
      client.send(handshake({ will, id: 'h' }));
      await client.expect({ error: code, id: 'h', message: named, fatal: undefined });
      client.send(control('/x', { id: 'c' }));
      await client.expect({ error: 'handshake_required', id: 'c' });
      client.reset();
    }
    expect(backend.requests).toEqual([]);
  },
);

check('will.checked-vendor', '[OS-4] vendor: the will is checked with the codes of that profile', async ({ pair }) => {
  const { gateway } = await pair(undefined, { PROTOCOL_PROFILE: 'vendor' });
  const client = await gateway.connect();
  for (const [will, code] of [
    [{}, 'missing_url'],
    [{ url: '/x' }, 'missing_method'],
    [{ ...WILL, url: 5 }, 'invalid_url'],
    [{ ...WILL, url: `/${'x'.repeat(2048)}` }, 'url_too_long'],
    [{ ...WILL, method: 'GET' }, 'invalid_method'],
    [{ ...WILL, args: 'x' }, 'invalid_args'],
    [{ ...WILL, body: 1 }, 'invalid_body'],
  ] as const) {
    client.send(handshake({ will }));
    await client.expect(code);
  }
  await client.handshake({ will: WILL });
});

check(
  'will.newest',
  '[OS-6.4] a later HANDSHAKE brings its own will; one that is refused leaves the will as it was',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.connect();
    await client.handshake({ will: { ...WILL, url: '/first' } });
    await client.handshake({ will: { ...WILL, url: '/second' } });
    client.send({ cmd: 'HANDSHAKE', payload: { major: 2, will: { ...WILL, url: '/refused' } } });
    await client.expect('version_mismatch');
    client.reset();
    await backend.waitFor(1);
    await pass(150);
    expect(backend.requests.map((request) => request.path)).toEqual(['/second']);
  },
);

check(
  'will.stop-failed',
  '[OS-6.4] STOP session ends without the will, also when it is answered by stop_failed',
  async ({ pair }) => {
    const { backend, gateway } = await pair(
      (request, reply) => (request.path === '/hangs' ? reply.hang() : reply.json('1')),
      { STOP_GRACE_MS: '100', BACKEND_TIMEOUT_MS: '60000' },
    );
    const client = await gateway.connect();
    await client.handshake({ will: WILL });
    client.send(control('/hangs'));
    await backend.waitFor(1);
    client.send(stop('session'));
    await client.expect('control_err');
    await client.expect('stop_failed');
    await client.expectClosed();
    client.end();
    await pass(200);
    expect(wills(backend)).toEqual([]);
  },
);

check('will.fails', '[OS-6.4] a will that fails is not tried again', async ({ pair }) => {
  for (const failure of ['error', 'reset'] as const) {
    const { backend, gateway } = await pair((request, reply) =>
      request.path === WILL.url ? (failure === 'error' ? reply.empty(500) : reply.reset()) : reply.json('1'),
    );
    const client = await gateway.connect();
    await client.handshake({ will: WILL });
    client.reset();
    await backend.waitUntil(() => wills(backend).length > 0);
    await pass(300);
    expect(wills(backend).length).toBe(1);
  }
});

check(
  'will.after-control',
  '[OS-6.4] the will follows the CONTROL in flight and goes instead of the waiting ones',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(
      async (request, reply) => {
        if (request.path === '/held') {
          expect(wills(backend)).toEqual([]);
          await gate.opened;
        }
        reply.json('1');
      },
      { STOP_GRACE_MS: '20000' },
    );
    const client = await gateway.connect();
    await client.handshake({ will: WILL });
    client.sendLines([control('/held'), control('/waits'), control('/waits')]);
    await backend.waitFor(1);
    client.reset();
    await pass(200);
    expect(wills(backend)).toEqual([]);
    gate.open();
    await backend.waitUntil(() => wills(backend).length > 0);
    expect(backend.requests.map((request) => request.path)).toEqual(['/held', WILL.url]);
  },
);

check(
  'will.shutdown-waits',
  '[OS-6.4] the gateway does not end before the wills of its sessions were relayed',
  async ({ pair }) => {
    const { backend, gateway } = await pair((_request, reply) => {
      setTimeout(() => reply.json('1'), 200);
    });
    const count = 10;
    for (let i = 0; i < count; i += 1) {
      const client = await gateway.connect();
      await client.handshake({ will: { ...WILL, args: { i } } });
      client.end();
      await client.expectClosed();
    }
    const open = await gateway.connect();
    await open.handshake({ will: { ...WILL, args: { i: count } } });
    await gateway.drain();
    expect(backend.of('POST').length).toBe(count + 1);
  },
);
