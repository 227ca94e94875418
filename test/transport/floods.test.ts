// Whatever floods a connection, a turn of the event loop does a bounded part of it: turns are moved by hand, and the work is counted.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Connection, type ConnectionHost, type ConnectionOptions } from '../../src/transport/connection.ts';
import { Turns } from '../../src/turns.ts';
import { World } from '../session/support/world.ts';
import { HandSocket, turn } from './support/hand-socket.ts';

/** What a turn may do: so many lines, or so many bytes and one piece more, which is at most a chunk or a line. */
const LINES = 100;
const BYTES = 51_200;
const PIECE = 65_536;

const line = (cmd: string, payload: object): string => `${JSON.stringify({ cmd, payload })}\n`;
const HELLO = line('HANDSHAKE', { major: 1 });
const FENCE = line('FENCE', { id: 'fence' });

const sockets: HandSocket[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Connections that share turns; what was done since the last look is counted. */
function house() {
  const world = new World({ limits: { maxConsecutiveErrors: 1e9 } });
  let due: (() => void)[] = [];
  let lines = 0;
  let lineBytes = 0;
  const host: ConnectionHost = {
    services: world.services,
    receiveLimits: { lineBytes: 65_536, discardBytes: 1e9 },
    txBufferBytes: 1e9,
    turns: new Turns((fire) => due.push(fire)),
    lingerMs: 200,
    trace: (_id, direction, text) => {
      if (direction === 'out') return;
      lines++;
      lineBytes += text.length;
    },
    crashed: (error) => {
      throw error;
    },
    closed: () => {},
  };
  return {
    open(throttle?: ConnectionOptions['throttle']) {
      const socket = new HandSocket();
      sockets.push(socket);
      const connection = new Connection(
        { id: sockets.length, socket, carrier: socket, address: '192.0.2.1', throttle, place: { release: () => {} } },
        host,
      );
      return { socket, connection };
    },
    async nextTurn(): Promise<void> {
      const fires = due;
      due = [];
      for (const fire of fires) fire();
      world.clock.turn();
      await turn();
    },
    clock: world.clock,
    /** Requests to the backend so far. */
    calls: () => world.backend.calls.length,
    /** Lines handled since the last look, and their bytes. */
    handled() {
      const done = { lines, lineBytes };
      lines = 0;
      lineBytes = 0;
      return done;
    },
  };
}

const chunks = (count: number, ...texts: string[]): Buffer[] => {
  const all = texts.map((text) => Buffer.from(text));
  return Array.from({ length: count }, () => all).flat();
};
const filled = (text: string): Buffer[] => Array.from({ length: 20 }, () => Buffer.alloc(PIECE, text));
const long = `{"a":"${'a'.repeat(60_000)}`;

const FLOODS: [string, Buffer[]][] = [
  ['commands', chunks(5, HELLO.repeat(1000))],
  ['malformed lines', chunks(5, '{}\n'.repeat(1000))],
  ['lines that are no JSON', filled(`{${'x'.repeat(400)}\n`)],
  ['lines of 3 kB', filled(`{${'x'.repeat(3000)}\n`)],
  ['long lines', chunks(20, `${long}"}\n`)],
  ['long lines behind a blank one', chunks(20, `\n${long}"}\n`)],
  ['long lines in two pieces', chunks(20, long, '"}\n')],
  ...['\n', '\r\n', ' \n', '\t \r\n', `${' '.repeat(511)}\n`, `${' '.repeat(700)}\r\n`].map(
    (text): [string, Buffer[]] => [`blank lines, ${text.length} × ${JSON.stringify(text.slice(-4))}`, filled(text)],
  ),
  ['blank lines as long as a line may be', chunks(20, `${' '.repeat(65_535)}\n`)],
  ['blank lines beyond that', chunks(20, `${' '.repeat(70_000)}\n`)],
  ['a line without an end', [Buffer.from('{'), ...filled('x')]],
  ['white space without an end', filled(' ')],
  ['overlong lines', chunks(20, `{${'x'.repeat(65_530)}`, 'x'.repeat(20), '\n')],
  ['blank lines, a byte at a time', chunks(2000, '\n')],
  ['a line, a byte at a time', chunks(2000, '{')],
  ['malformed lines, a byte at a time', chunks(1000, '{', '}', '\n')],
];

describe('[OS-3.1] one turn does a bounded part of a flood', () => {
  describe.each([true, false])('after a first command: %s', (greeted) => {
    test.each(FLOODS)('%s', async (_name, flood) => {
      const { open, nextTurn, handled } = house();
      const flooding = open();
      const other = open();
      await other.socket.receives(HELLO);
      if (greeted) await flooding.socket.receives(HELLO);
      await nextTurn();
      handled();

      let received = flooding.connection.bytes.received;
      let asked = 1;
      const isDripping = flood.every((chunk) => chunk.length === 1);
      for (const chunk of flood) flooding.socket.push(chunk);
      flooding.socket.push(`\n${FENCE}`);
      await turn();
      for (let turns = 0, isOver = false; !isOver; turns++) {
        isOver = flooding.socket.text.includes('"fence"');
        expect(turns).toBeLessThan(2000);
        const { lines, lineBytes } = handled();
        expect(lines).toBeLessThanOrEqual(LINES);
        expect(lineBytes).toBeLessThanOrEqual(BYTES + PIECE);
        // A chunk is taken once the one before is done; in the same turn one may wait that was begun in the turn before.
        const taken = flooding.connection.bytes.received - received;
        received = flooding.connection.bytes.received;
        expect(taken).toBeLessThanOrEqual(BYTES + 2 * PIECE);
        if (isDripping) expect(taken).toBeLessThanOrEqual(LINES + 1 + FENCE.length);
        // Whoever comes meanwhile is answered in the turn after next at the latest.
        if (turns % 3 === 0) {
          expect(other.socket.text.split('\n')).toHaveLength(++asked);
          await other.socket.receives(HELLO);
        }
        await nextTurn();
      }
    });
  });

  test('monitors that begin and end: each counts for more than its line, and the backend is asked no more often than by one of 2 ms', async () => {
    const { open, nextTurn, handled, calls, clock } = house();
    const { socket } = open();
    await socket.receives(HELLO);
    await nextTurn();
    const start = line('MONITOR', { method: 'GET', url: '/m', period_ms: 2 });
    const begun = clock.now();
    handled();
    socket.push((start + line('STOP', { target: 'monitor' })).repeat(200) + start + FENCE);
    await turn();
    for (let turns = 0; !socket.text.includes('"fence"'); turns++) {
      expect(turns).toBeLessThan(400);
      expect(handled().lines).toBeLessThanOrEqual(10);
      clock.advance(0.4);
      await nextTurn();
      expect(calls()).toBeLessThanOrEqual(1 + (clock.now() - begun) / 2);
    }
    expect(socket.text.match(/monitor_ack/g)).toHaveLength(201);
    // The last one stays, and is polled.
    const before = calls();
    clock.advance(2);
    expect(calls()).toBe(before + 1);
  });

  test('lines that end all at once, on fifty connections', async () => {
    const { open, nextTurn, handled } = house();
    const all = Array.from({ length: 50 }, () => open());
    for (const { socket } of all) socket.push(long);
    for (let i = 0; i < 100; i++) await nextTurn();
    handled();
    for (const { socket } of all) socket.push('"}\n');
    await turn();
    const turns = await worstOf(all.length, nextTurn, handled);
    expect(turns).toBeGreaterThanOrEqual(25);
  });

  test('lines whose time has come all at once, on fifty connections of a throttled address', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { open, nextTurn, handled } = house();
    const all = Array.from({ length: 50 }, () => {
      const waits = [1000, 0];
      return open(() => waits.shift() ?? 0);
    });
    for (const { socket } of all) socket.push(`${long}"}\n`);
    for (let i = 0; i < 100; i++) await nextTurn();
    expect(handled().lines).toBe(0);
    vi.advanceTimersByTime(1000);
    await worstOf(all.length, nextTurn, handled);
  });
});

/** Goes on until `count` lines are handled, each turn within its bound. Resolves with the turns that took. */
async function worstOf(
  count: number,
  nextTurn: () => Promise<void>,
  handled: () => { readonly lines: number; readonly lineBytes: number },
): Promise<number> {
  let turns = 0;
  for (let left = count; left > 0; turns++) {
    expect(turns).toBeLessThan(1000);
    const { lines, lineBytes } = handled();
    expect(lineBytes).toBeLessThanOrEqual(BYTES + PIECE);
    left -= lines;
    await nextTurn();
  }
  return turns;
}
