// Plays to PeerHealth, on a clock driven by hand, what a kernel said: peers, their rows of the table, and who was called dead when.
import { vi } from 'vitest';
import type { TableName } from '../../src/transport/peer-address.ts';
import type { PeerCounters } from '../../src/transport/peer-counters.ts';
import { PeerHealth } from '../../src/transport/peer-health.ts';
import type { PeerTables } from '../../src/transport/peer-tables.ts';
import type { PeerSocket } from '../../src/transport/watch-list.ts';
import { createMemoryLog } from '../support/log.ts';
import type { Recording } from './peer-health-recordings.ts';

export const ARMED_TIMEOUT_MS = 5000;

export interface Peer {
  readonly name: string;
  armed: boolean;
  readonly socket: { -readonly [Key in keyof PeerSocket]: PeerSocket[Key] } & { keepAlive: number | undefined };
  /** Of the row: `tx:rx tr:when retrnsmt timeout`; undefined when the tables have none. */
  row: string | undefined;
}

export function peer(name: string, remotePort = 5000): Peer {
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

export function watch(peers: Peer[], armedTimeoutMs = ARMED_TIMEOUT_MS, counters?: PeerCounters) {
  const dead: { readonly name: string; readonly at: number }[] = [];
  const readings: { readonly at: number; readonly names: readonly TableName[] }[] = [];
  const advanced: string[] = [];
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
    advanced: ({ name }) => advanced.push(name),
    dead: ({ name }) => {
      dead.push({ name, at: performance.now() });
      peers.splice(
        peers.findIndex((known) => known.name === name),
        1,
      );
    },
    log,
    tables,
    counters,
  });
  health.start();
  return { dead, readings, advanced, log, health };
}

/** Plays what the kernel said; the time of the last byte that was acknowledged, between two entries. */
export async function play(
  recording: Recording,
  subject: Peer,
): Promise<{ readonly after: number; readonly before: number }> {
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
