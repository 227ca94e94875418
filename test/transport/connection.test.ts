// A connection on a socket moved by hand: bytes become commands in order, whoever does not read is not read from, ends are clean.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { realClock } from '../../src/clock.ts';
import { Connection, type ConnectionHost, type ConnectionOptions } from '../../src/transport/connection.ts';
import { Turns } from '../../src/turns.ts';
import { waitUntil } from '../faults/support/wait.ts';
import { nameOf } from '../session/support/hand-outlet.ts';
import { World, type WorldOptions } from '../session/support/world.ts';
import { HandSocket, turn } from './support/hand-socket.ts';

const line = (cmd: string, payload: object): string => `${JSON.stringify({ cmd, payload })}\n`;
const HELLO = line('HANDSHAKE', { major: 1 });
const CONTROL = (path: string, more: object = {}): string => line('CONTROL', { url: path, method: 'POST', ...more });

const sockets: HandSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

function start({
  world: worldOptions,
  ...options
}: Partial<ConnectionOptions & ConnectionHost> & { world?: WorldOptions } = {}) {
  const world = new World(worldOptions);
  const socket = new HandSocket();
  sockets.push(socket);
  const crashes: unknown[] = [];
  let closed = 0;
  let released = 0;
  const traced: string[] = [];
  const all: ConnectionOptions & ConnectionHost = {
    id: 1,
    socket,
    carrier: socket,
    address: '192.0.2.1',
    throttle: undefined,
    place: { release: () => released++ },
    receiveLimits: {
      lineBytes: world.services.limits.rxBufferBytes,
      discardBytes: world.services.limits.rxDiscardBytes,
    },
    services: { ...world.services, clock: realClock },
    txBufferBytes: 10_000,
    turns: new Turns(),
    lingerMs: 200,
    trace: (id, direction, text) => traced.push(`${id} ${direction} ${text.toString().trim()}`),
    crashed: (error) => crashes.push(error),
    closed: () => closed++,
    ...options,
  };
  const connection = new Connection(all, all);
  return {
    world,
    socket,
    connection,
    crashes,
    traced,
    closed: () => closed,
    released: () => released,
    lines: () =>
      socket.text
        .split('\n')
        .slice(0, -1)
        .map((text) => nameOf(JSON.parse(text) as Record<string, unknown>)),
    sent: () => world.backend.sent('control'),
  };
}

describe('bytes to commands', () => {
  test('[OS-1.3] byte by byte or all at once', async () => {
    const text = `\n ${HELLO}${CONTROL('/a', { ack: true })}{broken\n${line('NO', {})}`;
    const whole = start();
    await whole.socket.receives(text);
    const drip = start();
    for (const byte of Buffer.from(text)) await drip.socket.receives(Buffer.from([byte]));
    const expected = ['handshake_ack', 'invalid_ndjson', 'invalid_cmd'];
    expect(whole.lines()).toEqual(expected);
    expect(drip.lines()).toEqual(expected);
    expect(whole.sent()).toEqual(['POST /a']);
    expect(drip.sent()).toEqual(['POST /a']);
  });

  test('counts bytes both ways and traces lines', async () => {
    const { socket, connection, traced } = start();
    await socket.receives(HELLO);
    expect(connection.bytes).toEqual({ received: HELLO.length, written: socket.text.length, waiting: 0 });
    expect(traced).toEqual([`1 in ${HELLO.trim()}`, `1 out ${socket.text.trim()}`]);
  });

  test('[OS-1.7] nothing behind a foreign first byte is executed', async () => {
    const { socket, lines, sent, closed } = start();
    await socket.receives(`POST / HTTP/1.1\r\n\r\n${HELLO}${CONTROL('/a')}`);
    await socket.receives(CONTROL('/b'));
    expect(lines()).toEqual(['invalid_ndjson!']);
    expect(sent()).toEqual([]);
    expect(socket.writableEnded).toBe(true);
    await socket.ends();
    await waitUntil(() => closed() === 1, 'it is closed');
  });

  test('what comes behind STOP session is dropped', async () => {
    const { socket, lines, sent } = start();
    await socket.receives(`${HELLO}${line('STOP', { target: 'session' })}${CONTROL('/a')}{{{\n`);
    await socket.receives(`${CONTROL('/b')}`);
    expect(lines()).toEqual(['handshake_ack', 'stop_ack']);
    expect(sent()).toEqual([]);
  });

  test('a flood takes several turns and loses nothing', async () => {
    const { socket, world, lines } = start({
      txBufferBytes: 1_000_000,
      world: { limits: { maxConsecutiveErrors: 1e6 } },
    });
    await socket.receives(HELLO);
    socket.push(Buffer.from('{}\n'.repeat(3000)));
    await turn();
    expect(lines().length).toBeLessThan(3001);
    await waitUntil(() => lines().length === 3001, 'all are answered');
    expect(world.failed).toHaveLength(3000);
  });

  test('a line whose decision costs much, for its rules or tokens, counts for as much', async () => {
    const turns: (() => void)[] = [];
    const units = { HANDSHAKE: 0, MONITOR: 0, CONTROL: 24, STOP: 0 };
    const { socket, world } = start({
      world: { access: { units } },
      turns: new Turns((fire) => turns.push(fire)),
    });
    await socket.receives(HELLO);
    turns.shift()?.();
    const gated: number[] = [];
    socket.push(Buffer.from(CONTROL('/a').repeat(10)));
    await turn();
    for (; turns.length > 0; turns.shift()?.()) gated.push(world.gated.length - 1);
    // A turn has a hundred units, a line takes one besides: with 75 spent there is still room for another.
    expect(gated).toEqual([4, 8, 10]);
  });
});

describe('[OS-1.6] ends of input', () => {
  test('half-closed: everything before is executed, then the end', async () => {
    const { socket, world, lines, closed, released } = start();
    await socket.receives(`${HELLO}${CONTROL('/a', { ack: true })}`);
    await socket.ends();
    expect(socket.destroyed).toBe(false);
    world.backend.last.reply();
    await turn();
    expect(lines()).toEqual(['handshake_ack', 'control_ack']);
    expect([socket.destroyed, socket.resets]).toEqual([true, 0]);
    await waitUntil(() => closed() === 1, 'it is closed');
    expect(released()).toBe(1);
  });

  test('half-closed with lines that wait: they are taken before the connection is closed', async () => {
    const { socket, lines } = start();
    await socket.receives(HELLO);
    socket.fast = false;
    await socket.receives(line('NO', {}));
    await socket.ends();
    expect(socket.destroyed).toBe(false);
    await socket.takeAll();
    expect(lines()).toEqual(['handshake_ack', 'invalid_cmd']);
    expect([socket.destroyed, socket.resets]).toEqual([true, 0]);
  });

  test('above TLS the last word is said: the stream is ended, not cut off', async () => {
    const { socket, lines } = start({ carrier: new HandSocket() });
    await socket.receives(HELLO);
    await socket.ends();
    await turn();
    expect(lines()).toEqual(['handshake_ack']);
    expect(socket.writableEnded).toBe(true);
  });

  test('bytes without a newline are an error, and the session still ends', async () => {
    const { socket, lines } = start();
    await socket.receives(`${HELLO}{"cmd"`);
    await socket.ends();
    expect(lines()).toEqual(['handshake_ack', 'invalid_ndjson']);
    expect([socket.destroyed, socket.resets]).toEqual([true, 0]);
  });

  test('half a byte order mark is foreign', async () => {
    const { socket, lines } = start();
    await socket.receives(Buffer.from([0xef, 0xbb]));
    await socket.ends();
    expect(lines()).toEqual(['invalid_ndjson!']);
  });

  test('a reset: nothing that waits is executed', async () => {
    const { socket, connection, sent, closed } = start();
    await socket.receives(`${HELLO}${CONTROL('/a')}${CONTROL('/b')}`);
    socket.destroy(new Error('ECONNRESET'));
    await turn();
    expect(connection.session.closeReason).toBe('connection_lost');
    expect(closed()).toBe(1);
    expect(sent()).toEqual(['POST /a']);
  });

  test('a reset while a flood is still being worked off', async () => {
    const { socket, sent, world } = start({ txBufferBytes: 1_000_000, world: { limits: { controlQueueDepth: 1e6 } } });
    await socket.receives(HELLO);
    world.backend.auto = (call) => call.reply();
    socket.push(Buffer.from(CONTROL('/a').repeat(3000)));
    await turn();
    const before = world.gated.length;
    expect(before).toBeLessThan(3000);
    socket.destroy();
    await turn();
    await turn();
    expect(world.gated).toHaveLength(before);
    expect(sent().length).toBeLessThanOrEqual(before);
  });

  test.each([
    ['nothing waits', true, {}],
    ['answers wait', false, {}],
    ['it is above TLS', true, { carrier: new HandSocket() }],
  ])('once it is gone nothing keeps it, where %s', async (_, fast, options) => {
    const { socket, closed } = start({ lingerMs: 60_000, ...options });
    await socket.receives(HELLO);
    socket.fast = fast;
    await socket.receives('no command\n{"half":');
    const timers = vi.spyOn(globalThis, 'setTimeout');
    socket.destroy(new Error('ECONNRESET'));
    await turn();
    expect(closed()).toBe(1);
    // The time that a socket may take to flush and end would keep the session and all that it has received.
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([]);
    timers.mockRestore();
  });

  test('what had to wait longer than the connection lasted sets no time for flushing either', async () => {
    const { socket, closed, world, connection } = start({ lingerMs: 60_000 });
    await socket.receives(`${HELLO}${CONTROL('/a')}`);
    socket.destroy(new Error('ECONNRESET'));
    await turn();
    expect(closed()).toBe(1);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    // The session has waited for it: only now it is over.
    world.backend.last.reply();
    await turn();
    expect(connection.session.closeReason).toBe('connection_lost');
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([]);
    timers.mockRestore();
  });

  test('a peer that is known to be dead', async () => {
    const { socket, connection, closed } = start();
    await socket.receives(HELLO);
    connection.abandon();
    await turn();
    expect(connection.session.closeReason).toBe('peer_dead');
    expect(closed()).toBe(1);
  });
});

describe('[OS-3.7] who does not read is not read from', () => {
  test('reading stops while too many answers wait, goes on when they are taken, and nothing is lost', async () => {
    const { socket, lines, connection } = start({
      txBufferBytes: 1000,
      world: { limits: { maxConsecutiveErrors: 1e6 } },
    });
    await socket.receives(HELLO);
    socket.fast = false;
    socket.push(Buffer.from('{}\n'.repeat(500)));
    await turn();
    await turn();
    expect(socket.isPaused()).toBe(true);
    // One turn's answers and the bound, not all five hundred.
    expect(connection.bytes.waiting).toBeLessThan(100 * 200 + 1000);
    let held = 0;
    while (lines().length < 501) {
      expect(++held).toBeLessThan(1000);
      await socket.takeOne();
      await turn();
    }
    expect(socket.isPaused()).toBe(false);
    expect(lines().filter((name) => name === 'missing_field')).toHaveLength(500);
  });

  test('the last lines of a session that nobody reads hold it no longer than the time to linger', async () => {
    const { socket, closed } = start();
    await socket.receives(HELLO);
    socket.fast = false;
    await socket.receives(`${line('STOP', { target: 'session' })}`);
    expect(closed()).toBe(0);
    expect(socket.destroyed).toBe(false);
    await waitUntil(() => closed() === 1, 'it is given up');
  });

  test('a peer that never ends its side is given up as well', async () => {
    const { socket, closed, lines } = start();
    await socket.receives(`${HELLO}${line('STOP', { target: 'session' })}`);
    expect(lines()).toEqual(['handshake_ack', 'stop_ack']);
    await waitUntil(() => closed() === 1, 'it is given up');
  });
});

describe('what goes wrong inside', () => {
  test('costs its session and nobody else', async () => {
    const boom = new Error('boom');
    const { socket, crashes, connection, closed } = start({
      world: {
        access: {
          route: () => {
            throw boom;
          },
        },
      },
    });
    await socket.receives(`${HELLO}${CONTROL('/a')}${CONTROL('/b')}`);
    expect(crashes).toEqual([boom]);
    expect(connection.session.closeReason).toBe('internal');
    expect(socket.writableEnded).toBe(true);
    await socket.ends();
    await waitUntil(() => closed() === 1, 'it is closed');
  });
});

describe('a throttled address', () => {
  test('its commands wait, in order, and none is lost', async () => {
    let free = 3;
    const waits: number[] = [];
    const { socket, lines } = start({
      throttle: () => {
        if (free > 0) {
          free--;
          return 0;
        }
        waits.push(1);
        free = 1;
        return 5;
      },
    });
    await socket.receives(
      `${HELLO}${line('NO', { id: 1 })}${line('NO', { id: 2 })}${line('NO', { id: 3 })}${line('STOP', { target: 'session' })}`,
    );
    await waitUntil(() => lines().length === 5, 'all are answered');
    expect(lines()).toEqual(['handshake_ack', 'invalid_cmd', 'invalid_cmd', 'invalid_cmd', 'stop_ack']);
    expect(waits.length).toBeGreaterThan(0);
    const ids = socket.text.match(/"id":\d/g);
    expect(ids).toEqual(['"id":1', '"id":2', '"id":3']);
  });

  test('its end of input waits behind them', async () => {
    let asked = 0;
    const { socket, lines } = start({ throttle: () => (asked++ % 2 === 0 ? 5 : 0) });
    await socket.receives(`${HELLO}${line('NO', {})}`);
    await socket.ends();
    await waitUntil(() => socket.destroyed, 'it ended');
    expect(lines()).toEqual(['handshake_ack', 'invalid_cmd']);
  });
});
