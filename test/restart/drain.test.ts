// A gateway that is told to stop, as a process: what it still does, what it tells, and that it is gone in time.
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGate, type Handler, ScriptedBackend } from '../support/backend.ts';
import { TestClient } from '../support/client.ts';
import { type Bundle, buildGateway } from './support/bundle.ts';
import { type Generation, HeldSocket } from './support/held-socket.ts';

const CLOSING = { type: 'closing', reason: 'shutdown' } as const;
const REJECTED = { error: 'handshake_rejected', fatal: true } as const;
const DRAIN_TIMEOUT_MS = 10_000;
/** What a machine that is busy with other things may add to any time. */
const BUSY_MS = 5000;

let bundle: Bundle;
beforeAll(async () => {
  bundle = await buildGateway();
});
afterAll(() => bundle.remove());

interface Scene {
  readonly backend: ScriptedBackend;
  readonly held: HeldSocket;
  readonly gateway: Generation;
  /** Another gateway on the same socket and backend. */
  next(): Promise<Generation>;
  connect(): Promise<TestClient>;
  ready(): Promise<TestClient>;
}

async function scene(
  handler: Handler,
  env: Readonly<Record<string, string>>,
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  const backend = await ScriptedBackend.start(handler);
  const held = new HeldSocket();
  const clients: TestClient[] = [];
  const connect = async (): Promise<TestClient> => {
    const client = await TestClient.connect({ host: '127.0.0.1', port: held.port });
    clients.push(client);
    return client;
  };
  try {
    const start = () => held.start(bundle.path, { BACKEND_URL: backend.url, ...env });
    const gateway = await start();
    const ready = async (): Promise<TestClient> => {
      const client = await connect();
      await client.handshake();
      return client;
    };
    await play({ backend, held, gateway, next: start, connect, ready });
  } finally {
    for (const client of clients) client.destroy();
    await held.close();
    await backend.stop();
  }
}

const control = (id: string) => ({ cmd: 'CONTROL', payload: { url: `/${id}`, method: 'POST', id, ack: true } });
const monitor = (id: string) => ({ cmd: 'MONITOR', payload: { url: `/${id}`, method: 'GET', period_ms: 20, id } });
/** A CONTROL may take longer than the drain. */
const SHORT_DRAIN = { STOP_GRACE_MS: '60000', BACKEND_TIMEOUT_MS: '60000', DRAIN_TIMEOUT_MS: '1500' } as const;
/** A session with a CONTROL in flight that the backend never answers. */
async function hanging({ backend, ready }: Scene): Promise<TestClient> {
  const client = await ready();
  client.send(control('hangs'));
  await backend.waitFor(1);
  return client;
}
const isQuick: Handler = (_request, reply) => reply.json('1');

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('readiness goes down, HANDSHAKE is rejected, the CONTROL that runs is finished, exit code 0', async () => {
    const gate = createGate();
    const adminPort = await freePort();
    const readiness = async () => {
      const response = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
      return { status: response.status, body: (await response.json()) as { readonly because: readonly string[] } };
    };
    await scene(
      async (request, reply) => {
        if (request.method === 'POST') await gate.opened;
        reply.json('"done"');
      },
      { ADMIN_PORT: String(adminPort), STOP_GRACE_MS: '20000', DRAIN_TIMEOUT_MS: '30000' },
      async ({ backend, gateway, connect, ready }) => {
        const busy = await ready();
        const late = await connect();
        await late.fence();
        busy.sendLines([control('runs'), control('waits')]);
        await backend.waitUntil((requests) => requests.some(({ path }) => path === '/runs'));
        await expect.poll(async () => (await readiness()).status, { timeout: BUSY_MS }).toBe(200);
        gateway.child.kill(signal);
        await busy.expect({ type: 'control_err', id: 'waits', outcome: 'not_sent' });
        const down = await readiness();
        expect(down.status).toBe(503);
        expect(down.body.because).toContain('draining');
        late.send({ cmd: 'HANDSHAKE', payload: { major: 1 } });
        await late.expect(REJECTED);
        await late.expectClosed();
        gate.open();
        await busy.expect({ type: 'control_ack', id: 'runs', result: 'done' });
        await busy.expect(CLOSING);
        await busy.expectClosed();
        expect(await gateway.exited).toEqual({ code: 0, signal: null });
        expect(backend.of('POST').map(({ path }) => path)).toEqual(['/runs']);
      },
    );
  });

  test('every session gets a last line, whatever it does', async () => {
    await scene(isQuick, {}, async ({ gateway, connect, ready }) => {
      const silent = await connect();
      await silent.fence();
      const idle = await ready();
      const watching = await ready();
      watching.send(monitor('watched'));
      await watching.until('data');
      const leaving = await ready();
      leaving.send(monitor('half-closed'));
      await leaving.until('data');
      leaving.end();
      const clients = [silent, idle, watching, leaving];
      gateway.child.kill(signal);
      for (const client of clients) {
        await client.until(CLOSING);
        await client.expectClosed();
      }
      expect(await gateway.exited).toEqual({ code: 0, signal: null });
    });
  });
});

describe('a second signal while it drains', () => {
  test.each([
    ['SIGTERM', 'SIGTERM'],
    ['SIGTERM', 'SIGINT'],
    ['SIGINT', 'SIGINT'],
  ] as const)('%s, then %s: cuts nothing short', async (first, second) => {
    const gate = createGate();
    await scene(
      async (_request, reply) => {
        await gate.opened;
        reply.json('"done"');
      },
      { STOP_GRACE_MS: '20000', DRAIN_TIMEOUT_MS: '30000' },
      async ({ backend, gateway, ready }) => {
        const client = await ready();
        client.sendLines([control('runs'), control('waits')]);
        await backend.waitFor(1);
        gateway.child.kill(first);
        await client.expect({ type: 'control_err', id: 'waits', outcome: 'not_sent' });
        gateway.child.kill(second);
        gateway.child.kill(second);
        await client.expectSilence(300);
        gate.open();
        await client.expect({ type: 'control_ack', id: 'runs', result: 'done' });
        await client.expect(CLOSING);
        await client.expectClosed();
        expect(await gateway.exited).toEqual({ code: 0, signal: null });
      },
    );
  });
});

describe('a backend that hangs', () => {
  test('holds nothing up longer than STOP_GRACE_MS: what is not known is said, exit code 0', async () => {
    await scene(
      (_request, reply) => reply.hang(),
      { STOP_GRACE_MS: '1000', BACKEND_TIMEOUT_MS: '60000', DRAIN_TIMEOUT_MS: String(DRAIN_TIMEOUT_MS) },
      async ({ backend, gateway, ready }) => {
        const clients = [await ready(), await ready()];
        for (const client of clients) client.sendLines([control('hangs'), control('waits')]);
        const watching = await ready();
        watching.send(monitor('hangs'));
        await watching.expect('monitor_ack');
        await backend.waitFor(3);
        const begun = performance.now();
        gateway.child.kill('SIGTERM');
        for (const client of clients) {
          await client.expect({ type: 'control_err', id: 'waits', outcome: 'not_sent' });
          await client.expect({ type: 'control_err', id: 'hangs', outcome: 'unknown' });
          await client.expect(CLOSING);
          await client.expectClosed();
        }
        await watching.expect(CLOSING);
        expect(await gateway.exited).toEqual({ code: 0, signal: null });
        const tookMs = performance.now() - begun;
        process.stdout.write(`drain with a backend that hangs, STOP_GRACE_MS=1000: ${Math.round(tookMs)} ms\n`);
        expect(tookMs).toBeGreaterThan(900);
        expect(tookMs).toBeLessThan(DRAIN_TIMEOUT_MS + BUSY_MS);
      },
    );
  });

  test('nor longer than DRAIN_TIMEOUT_MS, however long STOP_GRACE_MS is', async () => {
    await scene(
      (_request, reply) => reply.hang(),
      SHORT_DRAIN,
      async (stage) => {
        const { gateway } = stage;
        const client = await hanging(stage);
        const begun = performance.now();
        gateway.child.kill('SIGTERM');
        expect(await gateway.exited).toEqual({ code: 0, signal: null });
        const tookMs = performance.now() - begun;
        process.stdout.write(`drain with a backend that hangs, DRAIN_TIMEOUT_MS=1500: ${Math.round(tookMs)} ms\n`);
        expect(tookMs).toBeLessThan(1500 + BUSY_MS);
        // What the client saw of it: the command in flight was answered, and a last line came.
        await client.expect({ type: 'control_err', id: 'hangs', outcome: 'unknown' });
        await client.expect(CLOSING);
      },
    );
  });

  test.each([
    ['control', [CLOSING]],
    ['session', []],
  ] as const)('also where STOP %s had given the CONTROL in flight longer', async (target, last) => {
    await scene(
      (_request, reply) => reply.hang(),
      SHORT_DRAIN,
      async (stage) => {
        const { gateway } = stage;
        const client = await hanging(stage);
        client.send({ cmd: 'STOP', payload: { target } });
        if (target === 'control') await client.fence();
        gateway.child.kill('SIGTERM');
        await client.expect({ type: 'control_err', id: 'hangs', outcome: 'unknown' });
        const { message } = await client.expect('stop_failed');
        expect(message).toContain('did not end in the time that a shutdown leaves');
        for (const event of last) await client.expect(event);
        await client.expectClosed();
        expect(await gateway.exited).toEqual({ code: 0, signal: null });
      },
    );
  });
});

test('a will is relayed within the time of a drain, also behind a CONTROL whose client is gone', async () => {
  await scene(
    (request, reply) => (request.path === '/hangs' ? reply.hang() : reply.json('1')),
    SHORT_DRAIN,
    async ({ backend, gateway, connect }) => {
      const client = await connect();
      await client.handshake({ will: { url: '/will', method: 'POST' } });
      client.send(control('hangs'));
      await backend.waitFor(1);
      client.reset();
      await expect.poll(() => gateway.output().includes('session ended'), { timeout: BUSY_MS }).toBe(true);
      gateway.child.kill('SIGTERM');
      expect(await gateway.exited).toEqual({ code: 0, signal: null });
      expect(backend.of('POST').map(({ path }) => path)).toEqual(['/hangs', '/will']);
    },
  );
});

describe('a socket that somebody else holds', () => {
  test('takes connections while a gateway drains; the next one serves them beside it', async () => {
    const gate = createGate();
    await scene(
      async (request, reply) => {
        if (request.path === '/old') await gate.opened;
        reply.json('"done"');
      },
      { STOP_GRACE_MS: '20000', DRAIN_TIMEOUT_MS: '30000' },
      async ({ backend, gateway, next, connect, ready }) => {
        const old = await ready();
        old.sendLines([control('old'), control('waits')]);
        await backend.waitFor(1);
        gateway.child.kill('SIGTERM');
        await old.expect({ type: 'control_err', id: 'waits' });
        const queued = await connect();
        queued.sendLines([{ cmd: 'HANDSHAKE', payload: { major: 1 } }, control('new')]);
        const following = await next();
        await queued.expect('handshake_ack');
        await queued.expect({ type: 'control_ack', id: 'new' });
        gate.open();
        await old.expect({ type: 'control_ack', id: 'old' });
        await old.expect(CLOSING);
        await old.expectClosed();
        expect(await gateway.exited).toEqual({ code: 0, signal: null });
        following.child.kill('SIGTERM');
        await queued.expect(CLOSING);
        await queued.expectClosed();
        expect(await following.exited).toEqual({ code: 0, signal: null });
      },
    );
  });
});
