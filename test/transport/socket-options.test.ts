// What a session's socket is set to: a line must not wait for the one before to be acknowledged, nor a silent peer go unasked.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { waitUntil } from '../faults/support/wait.ts';
import { startTestGateway } from '../support/gateway.ts';

/** The handle below a socket, whose methods are the only place where these options can be seen. */
interface Handle {
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, delay: number): number;
}

type Option = keyof Handle;

const undo: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** What the handles of `port` are told from here on, whoever's they are. */
async function recordOptions(): Promise<{ option: Option; on: boolean; delay: number | undefined; port: number }[]> {
  const seen: Awaited<ReturnType<typeof recordOptions>> = [];
  const prototype = Object.getPrototypeOf(await someHandle()) as Handle & {
    getsockname(out: { port?: number }): number;
  };
  for (const option of ['setNoDelay', 'setKeepAlive'] as const) {
    const original = prototype[option] as (...args: unknown[]) => number;
    const spy = function (this: typeof prototype, on: boolean, delay?: number): number {
      const own: { port?: number } = {};
      this.getsockname(own);
      seen.push({ option, on, delay, port: own.port ?? 0 });
      return original.call(this, on, delay);
    };
    Object.assign(prototype, { [option]: spy });
    undo.push(() => {
      Object.assign(prototype, { [option]: original });
    });
  }
  return seen;
}

async function someHandle(): Promise<object> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket: Socket & { _handle?: object } = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(socket, 'connect');
  const handle = socket._handle;
  socket.destroy();
  server.close();
  if (!handle) throw new Error('a connected socket has no handle: this test has to look for the options elsewhere');
  return handle;
}

test('[OS-1.1] TCP_NODELAY and keep-alive are on for each accepted connection', async () => {
  const gateway = await startTestGateway();
  undo.push(() => gateway.stop());
  const seen = await recordOptions();
  await gateway.connect();
  const ofServer = (option: Option) => seen.find((call) => call.option === option && call.port === gateway.port);
  await waitUntil(() => ofServer('setKeepAlive') !== undefined, 'the connection is set up');
  expect(ofServer('setNoDelay')).toMatchObject({ on: true });
  const keepAlive = ofServer('setKeepAlive');
  expect(keepAlive).toMatchObject({ on: true });
  // In seconds: without a delay of its own the kernel would first ask after two hours.
  expect(keepAlive!.delay).toBeGreaterThan(0);
  expect(keepAlive!.delay).toBeLessThanOrEqual(60);
});
