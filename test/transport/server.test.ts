// From accept to close on real sockets: who is admitted, who is told no, and that every place is given back exactly once.
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Admission } from '../../src/access/admissions.ts';
import { realClock } from '../../src/clock.ts';
import { PreparationError } from '../../src/transport/preparation.ts';
import { plainAddress, Server, type ServerOptions } from '../../src/transport/server.ts';
import { pass, waitUntil } from '../faults/support/wait.ts';
import { World } from '../session/support/world.ts';
import { TestClient } from '../support/client.ts';

interface Started {
  readonly server: Server;
  readonly told: string[];
  readonly places: { taken: number; released: number };
  connect(): Promise<TestClient>;
}

const running: Server[] = [];
const clients: TestClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  for (const server of running.splice(0)) {
    server.stopListening();
    server.destroy();
  }
});

async function start(options: Partial<ServerOptions> = {}): Promise<Started> {
  const world = new World();
  const told: string[] = [];
  const places = { taken: 0, released: 0 };
  const server = new Server({
    listen: { host: '127.0.0.1', port: 0 },
    services: { ...world.services, clock: realClock },
    txBufferBytes: 10_000,
    lingerMs: 1000,
    prepare: undefined,
    admit: () => {
      places.taken++;
      return { admitted: true, release: () => places.released++ };
    },
    throttle: () => undefined,
    trace: undefined,
    observer: {
      opened: ({ session }) => told.push(`opened ${session.address}`),
      closed: ({ session }) => told.push(`closed ${session.closeReason}`),
      refused: (address, reason, isTold) => told.push(`refused ${address} ${reason}${isTold ? '' : ' without a word'}`),
      unprepared: (address, error) => told.push(`unprepared ${address} ${error.reason}`),
      crashed: (error) => told.push(`crashed ${String(error)}`),
      acceptFailed: (error) => told.push(`failed ${error.message}`),
    },
    ...options,
  });
  running.push(server);
  await server.listen();
  const connect = async (): Promise<TestClient> => {
    const client = await TestClient.connect({ host: '127.0.0.1', port: server.port });
    clients.push(client);
    return client;
  };
  return { server, told, places, connect };
}

/** With an admission that is asked for and answered by the test. */
async function startAsking() {
  let seen: Socket | undefined;
  let admit: ((admission: Admission) => void) | undefined;
  const started = await start({
    prepare: async (socket, address) => {
      seen = socket;
      return { socket, address };
    },
    admit: () =>
      new Promise((resolve) => {
        admit = resolve;
      }),
  });
  const asked = async () => {
    await waitUntil(() => seen !== undefined && admit !== undefined, 'it was asked');
    return { seen: seen!, admit: admit! };
  };
  return { ...started, asked };
}

const REFUSED: Admission = { admitted: false, reason: 'full', message: 'no room' };

describe('admission', () => {
  test('a place for each connection, given back when it closes, however it closes', async () => {
    const { server, told, places, connect } = await start();
    const [stopped, reset, ended] = [await connect(), await connect(), await connect()];
    await waitUntil(() => server.connections.size === 3, 'three are open');
    await stopped.handshake();
    stopped.command('STOP', { target: 'session' });
    await stopped.expect('stop_ack');
    reset.socket.resetAndDestroy();
    ended.socket.end();
    await waitUntil(() => server.connections.size === 0, 'all are closed');
    expect(places).toEqual({ taken: 3, released: 3 });
    expect(told.filter((line) => line.startsWith('opened'))).toHaveLength(3);
    expect(told.filter((line) => line.startsWith('closed')).sort()).toEqual([
      'closed connection_lost',
      'closed end_of_input',
      'closed stop_session',
    ]);
  });

  test('[OS-3.2] who is not admitted is told so at once, without being read, then the end', async () => {
    const { server, told, connect } = await start({ admit: () => REFUSED });
    const client = await connect();
    client.command('HANDSHAKE', { major: 1 });
    await client.expect({ error: 'handshake_rejected', message: 'no room', fatal: true });
    await client.expectClosed();
    expect(server.connections.size).toBe(0);
    expect(told).toEqual(['refused 127.0.0.1 full']);
  });

  test('[OS-3.2] the refusal reaches one who has sent much already: what it sent is read and dropped', async () => {
    const { connect } = await start({ admit: () => REFUSED });
    for (let i = 0; i < 5; i++) {
      const client = await connect();
      let failed: Error | undefined;
      client.socket.on('error', (error) => {
        failed = error;
      });
      client.pause();
      for (let k = 0; k < 20; k++) client.socket.write('x'.repeat(10_000));
      await pass(20);
      client.resume();
      await client.expect({ error: 'handshake_rejected' });
      await client.expectClosed();
      expect(failed).toBeUndefined();
    }
  });

  test('the answer may take its time: nothing is lost meanwhile', async () => {
    let admit: ((admission: Admission) => void) | undefined;
    const { connect, told } = await start({
      admit: () =>
        new Promise((resolve) => {
          admit = resolve;
        }),
    });
    const client = await connect();
    client.command('HANDSHAKE', { major: 1 });
    await waitUntil(() => admit !== undefined, 'it was asked');
    expect(told).toEqual([]);
    admit!({ admitted: true, release: () => {} });
    await client.expect('handshake_ack');
  });

  test.each([
    ['nothing', false, 'closed end_of_input'],
    ['a HANDSHAKE', true, 'closed end_of_input'],
  ])('one who says %s and ends before the answer is there: a session that ends at once', async (_, speaks, ending) => {
    const places = { released: 0 };
    const asking = await startAsking();
    const { connect, server, told } = asking;
    const client = await connect();
    if (speaks) client.command('HANDSHAKE', { major: 1 });
    client.end();
    // All that it says has come, and its end behind it where there is nothing to read first.
    const { seen, admit } = await asking.asked();
    await waitUntil(() => (speaks ? seen.readableLength > 0 : seen.readableEnded), 'it has come');
    admit({ admitted: true, release: () => places.released++ });
    if (speaks) await client.expect('handshake_ack');
    await client.expectClosed();
    await waitUntil(() => places.released === 1, 'the place is given back');
    expect(server.connections.size).toBe(0);
    expect(told).toEqual([expect.stringMatching(/^opened /), ending]);
  });

  test.each([
    [undefined, ''],
    [async () => new Promise<never>(() => {}), ' without a word'],
  ])('only so many may wait for it, prepared first: %s', async (prepare, word) => {
    const { connect, server, told } = await start({ maxPending: 2, prepare, admit: () => new Promise(() => {}) });
    const waiting = [await connect(), await connect()];
    await waitUntil(() => server.unsettled === 2, 'two wait');
    const third = await connect();
    if (!prepare) await third.expect({ error: 'handshake_rejected', fatal: true });
    await third.expectClosed();
    expect(told).toEqual([`refused 127.0.0.1 full${word}`]);
    for (const client of waiting) expect(client.ended).toBe(false);
  });

  test('one who has gone again by then gives its place back', async () => {
    const { connect, server, told, places } = await start({
      prepare: async (socket, address) => {
        socket.destroy();
        return { socket, address };
      },
    });
    const client = await connect();
    await client.expectClosed();
    await waitUntil(() => places.released === 1, 'the place is given back');
    expect(places.taken).toBe(1);
    expect(server.connections.size).toBe(0);
    expect(told).toEqual([]);
  });

  test('one who has gone by the time that it is refused leaves nothing behind', async () => {
    const asking = await startAsking();
    const { connect, server, told } = asking;
    const client = await connect();
    const { seen, admit } = await asking.asked();
    client.reset();
    seen.resume();
    await waitUntil(() => seen.closed, 'it has gone');
    admit(REFUSED);
    await waitUntil(() => server.unsettled === 0, 'it is settled');
    expect(told).toEqual(['refused 127.0.0.1 full without a word']);
  });

  test('one whose admission comes when the server listens no more is told so', async () => {
    let admit: ((admission: Admission) => void) | undefined;
    let released = 0;
    const { connect, server, told } = await start({
      prepare: async (socket, address) => ({ socket, address }),
      admit: () =>
        new Promise((resolve) => {
          admit = resolve;
        }),
    });
    const client = await connect();
    await waitUntil(() => admit !== undefined, 'it was asked');
    server.stopListening();
    admit!({ admitted: true, release: () => released++ });
    await waitUntil(() => released === 1, 'the place is given back');
    await client.expectClosed({ discard: true });
    expect(server.connections.size).toBe(0);
    expect(told.filter((line) => !line.startsWith('refused'))).toEqual([]);
  });

  test('an admission that fails costs its connection only', async () => {
    let asked = 0;
    const { connect, told } = await start({
      admit: () => {
        if (asked++ === 0) throw new Error('boom');
        return { admitted: true, release: () => {} };
      },
    });
    const first = await connect();
    await first.expectClosed();
    const second = await connect();
    await second.handshake();
    expect(told[0]).toBe('crashed Error: boom');
  });
});

describe('preparation', () => {
  test('what cannot be prepared is closed without a word and takes no place', async () => {
    const { connect, told, places } = await start({
      prepare: () => Promise.reject(new PreparationError('tls', 'the TLS handshake failed')),
    });
    const client = await connect();
    await client.expectClosed();
    expect(client.lines).toEqual([]);
    expect(told).toEqual(['unprepared 127.0.0.1 tls']);
    expect(places.taken).toBe(0);
  });

  test('the address that preparation tells is the one that is admitted and shown', async () => {
    const asked: string[] = [];
    const { connect, told } = await start({
      prepare: async (socket) => ({ socket, address: '203.0.113.7' }),
      admit: (address) => {
        asked.push(address);
        return { admitted: true, release: () => {} };
      },
    });
    const client = await connect();
    await client.handshake();
    expect(asked).toEqual(['203.0.113.7']);
    expect(told).toEqual(['opened 203.0.113.7']);
  });

  test('those that are being prepared end when the server listens no more', async () => {
    let preparing = 0;
    const { connect, server } = await start({
      prepare: () => {
        preparing++;
        return new Promise(() => {});
      },
    });
    const client = await connect();
    await waitUntil(() => preparing === 1, 'it is being prepared');
    server.stopListening();
    await client.expectClosed();
  });
});

describe('listening', () => {
  test('a port in use is told, not thrown later', async () => {
    const { server } = await start();
    await expect(start({ listen: { host: '127.0.0.1', port: server.port } })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  test('listening no more leaves those that are there alone', async () => {
    const { server, connect } = await start();
    const client = await connect();
    await client.handshake();
    server.stopListening();
    expect(server.listening).toBe(false);
    client.command('STOP', { target: 'session' });
    await client.expect('stop_ack');
  });

  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::FFFF:10.0.0.1', '10.0.0.1'],
    ['::1', '::1'],
    ['::ffff:7f00:1', '::ffff:7f00:1'],
    ['fe80::ffff:1.2.3.4', 'fe80::ffff:1.2.3.4'],
  ])('%s is shown as %s', (address, shown) => {
    expect(plainAddress(address)).toBe(shown);
  });
});
