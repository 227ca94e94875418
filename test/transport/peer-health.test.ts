// Dead peers by recordings of a real kernel, on a clock driven by hand: who is given up, when, and who must not be.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { TableName } from '../../src/transport/peer-address.ts';
import { PeerHealth, type PeerSocket } from '../../src/transport/peer-health.ts';
import type { PeerTables } from '../../src/transport/peer-tables.ts';
import { createMemoryLog } from '../support/log.ts';
import {
  NOT_READING,
  OWN_LINK_DOWN,
  PULLED,
  PULLED_SILENT,
  PULLED_SLOW,
  type Recording,
  SHORT_OUTAGE,
} from './peer-health-recordings.ts';

const ARMED_TIMEOUT_MS = 5000;

interface Peer {
  readonly name: string;
  armed: boolean;
  readonly socket: { -readonly [Key in keyof PeerSocket]: PeerSocket[Key] } & { keepAlive: number | undefined };
  /** Of the row: `tx:rx tr:when retrnsmt timeout`; undefined when the tables have none. */
  row: string | undefined;
}

function peer(name: string, remotePort = 5000): Peer {
  const socket = {
    localAddress: '127.0.0.1',
    localPort: 49000,
    remoteAddress: '127.0.0.2',
    remotePort,
    bytesWritten: 0,
    writableLength: 0,
    destroyed: false,
    keepAlive: undefined as number | undefined,
    setKeepAlive(_on?: boolean, ms?: number) {
      this.keepAlive = ms;
      return this as never;
    },
  };
  return { name, armed: true, socket, row: '00000000:00000000 02:000000C8 00000000 0' };
}

const lineOf = ({ row, socket }: Peer): string => {
  const [queues, timer, retransmits, probes] = row!.split(' ');
  const port = socket.remotePort!.toString(16).toUpperCase().padStart(4, '0');
  return `   7: 0100007F:BF68 0200007F:${port} 01 ${queues} ${timer} ${retransmits}     0        ${probes} 4711 2 0000000000000000 20 0 0 10 -1\n`;
};

function watch(peers: Peer[], armedTimeoutMs = ARMED_TIMEOUT_MS) {
  const dead: { readonly name: string; readonly at: number }[] = [];
  const readings: { readonly at: number; readonly names: readonly TableName[] }[] = [];
  const log = createMemoryLog();
  const tables: PeerTables = {
    async read(names, take) {
      readings.push({ at: performance.now(), names: [...names] });
      for (const known of peers) if (known.row !== undefined) take(Buffer.from(lineOf(known)));
    },
    close() {},
  };
  const health = new PeerHealth<Peer, PeerSocket>({
    armedTimeoutMs,
    connections: () => peers.map((known) => [known, known.socket] as const),
    armed: ({ armed }) => armed,
    dead: ({ name }) => {
      dead.push({ name, at: performance.now() });
      peers.splice(
        peers.findIndex((known) => known.name === name),
        1,
      );
    },
    log,
    tables,
  });
  health.start();
  return { dead, readings, log, health };
}

/** Plays what the kernel said; the time of the last byte that was acknowledged, between two entries. */
async function play(recording: Recording, subject: Peer): Promise<{ readonly after: number; readonly before: number }> {
  const begun = performance.now();
  let acknowledged = -1;
  let delivered = { after: 0, before: 0 };
  let previous = 0;
  for (const [at, bytesWritten, writableLength, row] of recording) {
    await vi.advanceTimersByTimeAsync(begun + at - performance.now());
    Object.assign(subject.socket, { bytesWritten, writableLength });
    subject.row = row;
    const arrived = bytesWritten - writableLength - Number.parseInt(row, 16);
    if (arrived > acknowledged) delivered = { after: begun + previous, before: begun + at };
    acknowledged = Math.max(acknowledged, arrived);
    previous = at;
  }
  return delivered;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a peer whose cable was pulled is gone within ARMED_TIMEOUT_MS + 1 s of the last delivered byte', () => {
  test.each([
    ['fast MONITOR', PULLED],
    ['slow MONITOR', PULLED_SLOW],
    ['own interface down', OWN_LINK_DOWN],
  ])('%s', async (_what, recording) => {
    const subject = peer('pulled');
    const { dead, health } = watch([subject]);
    const delivered = await play(recording, subject);
    health.stop();
    expect(dead.map(({ name }) => name)).toEqual(['pulled']);
    expect(dead[0]!.at).toBeGreaterThanOrEqual(delivered.after + ARMED_TIMEOUT_MS);
    expect(dead[0]!.at).toBeLessThanOrEqual(delivered.after + ARMED_TIMEOUT_MS + 1000);
  });

  test('nothing to send for long: keep-alive probes ask instead', async () => {
    const subject = peer('silent');
    const { dead, health } = watch([subject]);
    await play(PULLED_SILENT, subject);
    health.stop();
    expect(subject.socket.keepAlive).toBe(2000);
    // The first unanswered probe left 2 s after the peer was last heard.
    const firstProbe = PULLED_SILENT.find(([, , , row]) => row.endsWith(' 1'))![0];
    expect(dead.map(({ name }) => name)).toEqual(['silent']);
    expect(dead[0]!.at).toBeGreaterThan(firstProbe - 250 - 2000 + ARMED_TIMEOUT_MS);
    expect(dead[0]!.at).toBeLessThan(firstProbe - 2000 + ARMED_TIMEOUT_MS + 1000);
  });

  test('with a session that is not armed, unacknowledged answers count, silence does not', async () => {
    const owed = peer('owed', 1);
    const silent = peer('silent', 2);
    owed.armed = silent.armed = false;
    owed.socket.bytesWritten = silent.socket.bytesWritten = 100;
    const { dead, health } = watch([owed, silent]);
    await vi.advanceTimersByTimeAsync(1000);
    owed.socket.bytesWritten = 200;
    for (let second = 1; second <= 10; second++) {
      owed.row = `00000064:00000000 01:00000030 ${String(second).padStart(8, '0')} 0`;
      silent.row = `00000000:00000000 02:00000030 00000000 ${second}`;
      await vi.advanceTimersByTimeAsync(1000);
    }
    health.stop();
    expect(dead.map(({ name }) => name)).toEqual(['owed']);
    expect(dead[0]!.at).toBeGreaterThan(1000 + ARMED_TIMEOUT_MS - 1);
    expect(dead[0]!.at).toBeLessThan(1000 + ARMED_TIMEOUT_MS + 1001);
    expect(silent.socket.keepAlive).toBeUndefined();
  });

  test('is called dead once, and the log says what showed it', async () => {
    const subject = peer('pulled');
    const { log, dead, health } = watch([subject]);
    await play(PULLED, subject);
    health.stop();
    expect(dead.length).toBe(1);
    expect(log.entries.map(({ level, fields }) => [level, fields])).toEqual([
      [
        'debug',
        {
          address: '127.0.0.2',
          silentMs: expect.any(Number),
          waiting: expect.any(Number),
          retransmits: expect.any(Number),
          probes: 0,
        },
      ],
    ]);
  });
});

describe('who lives is left alone', () => {
  test.each([
    ['a client that acknowledges but does not read', NOT_READING],
    ['an outage that is over soon', SHORT_OUTAGE],
  ])('%s', async (_what, recording) => {
    const subject = peer('alive');
    const { dead, readings, health } = watch([subject]);
    await play(recording, subject);
    health.stop();
    expect(readings.length).toBeGreaterThan(8);
    expect(dead).toEqual([]);
  });

  test('a client that answers every probe of its closed window, however far apart they are', async () => {
    const subject = peer('full');
    subject.socket.bytesWritten = 100_000;
    const { dead, health } = watch([subject]);
    for (let minute = 0; minute < 10; minute++) {
      subject.row = '0000C350:00000000 04:00001770 00000000 0';
      await vi.advanceTimersByTimeAsync(58_000);
      // The first probe of two got lost.
      subject.row = '0000C350:00000000 04:00000040 00000000 1';
      await vi.advanceTimersByTimeAsync(20_000);
      subject.row = '0000C350:00000000 04:00000040 00000000 2';
      await vi.advanceTimersByTimeAsync(1000);
    }
    health.stop();
    expect(dead).toEqual([]);
  });

  test('a client with a closed window that is away for less than ARMED_TIMEOUT_MS', async () => {
    const subject = peer('full');
    subject.socket.bytesWritten = 100_000;
    const { dead, health } = watch([subject]);
    for (const [probes, ms] of [
      [0, 60_000],
      [1, 500],
      [2, 1000],
      [3, 2500],
      [0, 60_000],
    ] as const) {
      subject.row = `0000C350:00000000 04:00000040 00000000 ${probes}`;
      await vi.advanceTimersByTimeAsync(ms);
    }
    health.stop();
    expect(dead).toEqual([]);
  });

  test('a client whose answers to probes fall between two readings', async () => {
    const subject = peer('full');
    subject.socket.bytesWritten = 100_000;
    const { dead, health } = watch([subject]);
    for (let round = 0; round < 20; round++) {
      subject.row = `0000C350:00000000 04:00000040 00000000 ${round % 2 === 0 ? 4 : 3}`;
      await vi.advanceTimersByTimeAsync(2000);
    }
    health.stop();
    expect(dead).toEqual([]);
  });

  test('a congested client, of which one cannot tell what it took, that is asked and answers in time', async () => {
    const subject = peer('congested');
    Object.assign(subject.socket, { bytesWritten: 100_000, writableLength: 65_536 });
    const { dead, health } = watch([subject]);
    for (const [retransmits, ms] of [
      [0, 8000],
      [1, 500],
      [2, 1500],
      [0, 8000],
    ] as const) {
      subject.row = `00008000:00000000 01:00000030 0000000${retransmits} 0`;
      await vi.advanceTimersByTimeAsync(ms);
    }
    health.stop();
    expect(dead).toEqual([]);
  });

  test('a lossy link on which some bytes come through', async () => {
    const subject = peer('lossy');
    const { dead, health } = watch([subject]);
    for (let round = 0; round < 30; round++) {
      subject.socket.bytesWritten += 1000;
      for (const retransmits of [1, 2, 3]) {
        subject.row = `00001000:00000000 01:00000030 0000000${retransmits} 0`;
        await vi.advanceTimersByTimeAsync(1400);
      }
    }
    health.stop();
    expect(dead).toEqual([]);
  });

  test('writes that happen while the tables are read are no sign of life', async () => {
    const subject = peer('pulled');
    subject.socket.bytesWritten = 1000;
    const { dead, health } = watch([subject]);
    await vi.advanceTimersByTimeAsync(1000);
    // Some bytes are written before the kernel is asked, others before its answer is judged, each time a different number.
    let written = 1000;
    Object.defineProperty(subject.socket, 'bytesWritten', { get: () => written });
    Object.defineProperty(subject, 'row', {
      get: () => {
        written += Math.floor(50 * Math.abs(Math.sin(written)));
        const waiting = (written - 1000).toString(16).padStart(8, '0');
        written += Math.floor(50 * Math.abs(Math.cos(written)));
        return `${waiting}:00000000 01:00000030 00000003 0`;
      },
    });
    await vi.advanceTimersByTimeAsync(9000);
    health.stop();
    expect(dead.length).toBe(1);
    expect(dead[0]!.at).toBeLessThan(1000 + ARMED_TIMEOUT_MS + 1000);
  });

  test('a connection the tables do not show', async () => {
    const subject = peer('elsewhere');
    subject.row = undefined;
    const { dead, health } = watch([subject]);
    await vi.advanceTimersByTimeAsync(30_000);
    health.stop();
    expect(dead).toEqual([]);
  });
});

describe('what it costs', () => {
  test('two readings a second while somebody is owed something, none otherwise', async () => {
    const peers = [peer('armed', 1), peer('idle', 2)];
    peers[1]!.armed = false;
    const { readings, health } = watch(peers);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(readings.length).toBeGreaterThanOrEqual(18);
    expect(readings.length).toBeLessThanOrEqual(20);
    expect(readings.every(({ names }) => names.join() === 'tcp')).toBe(true);
    peers[0]!.armed = false;
    await vi.advanceTimersByTimeAsync(1000);
    const before = readings.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(readings.slice(before).every(({ names }) => names.length === 0)).toBe(true);
    health.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    const stopped = readings.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(readings.length).toBe(stopped);
  });

  test('slow readings come less often', async () => {
    const subject = peer('armed');
    let readings = 0;
    const health = new PeerHealth<Peer, PeerSocket>({
      armedTimeoutMs: ARMED_TIMEOUT_MS,
      connections: () => [[subject, subject.socket]],
      armed: () => true,
      dead: () => {},
      log: createMemoryLog(),
      tables: {
        read: () => {
          readings++;
          return new Promise((resolve) => setTimeout(resolve, 1000));
        },
        close() {},
      },
    });
    health.start();
    await vi.advanceTimersByTimeAsync(50_000);
    health.stop();
    expect(readings).toBe(10);
  });

  test('tables that cannot be read are told once, and tried again', async () => {
    const log = createMemoryLog();
    const subject = peer('armed');
    let readings = 0;
    const health = new PeerHealth<Peer, PeerSocket>({
      armedTimeoutMs: ARMED_TIMEOUT_MS,
      connections: () => [[subject, subject.socket]],
      armed: () => true,
      dead: () => {},
      log,
      tables: {
        read: () => {
          readings++;
          return Promise.reject(new Error('no such file'));
        },
        close() {},
      },
    });
    health.start();
    await vi.advanceTimersByTimeAsync(5000);
    health.stop();
    expect(readings).toBeGreaterThan(5);
    expect(log.entries.map(({ level }) => level)).toEqual(['warn']);
  });

  test('elsewhere than on Linux nothing is done, and that is said once', async () => {
    const log = createMemoryLog();
    const health = new PeerHealth<Peer, PeerSocket>({
      armedTimeoutMs: ARMED_TIMEOUT_MS,
      connections: () => {
        throw new Error('asked for connections');
      },
      armed: () => true,
      dead: () => {},
      log,
    });
    health.start('darwin');
    await vi.advanceTimersByTimeAsync(60_000);
    health.stop();
    expect(log.entries.map(({ level, fields }) => [level, fields])).toEqual([['debug', { platform: 'darwin' }]]);
  });
});
