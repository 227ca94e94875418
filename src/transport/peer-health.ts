// Finds peers that are gone without a word (a pulled cable): the kernel goes on taking writes for them for a quarter of an hour.
import type { Socket } from 'node:net';
import { type Ends, peerKey, type TableName } from './peer-address.ts';
import { PeerSilence } from './peer-silence.ts';
import { KernelTables, type PeerFigures, type PeerTables, TableScan } from './peer-tables.ts';

export type PeerSocket = Ends & Pick<Socket, 'bytesWritten' | 'writableLength' | 'destroyed' | 'setKeepAlive'>;

interface PeerLog {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface PeerHealthOptions<Connection, Peer extends PeerSocket> {
  /** ARMED_TIMEOUT_MS: how long a peer may be silent although it is asked, ms. */
  readonly armedTimeoutMs: number;
  /** Everybody, with the TCP socket itself (below TLS). */
  readonly connections: () => Iterable<readonly [Connection, Peer]>;
  /** Whether stream events are due to it (MONITOR is active): an idle peer is asked, too, then. */
  readonly armed: (connection: Connection) => boolean;
  /** Called once for a peer that is gone. */
  readonly dead: (connection: Connection, socket: Peer) => void;
  readonly log: PeerLog;
  /** Where the figures come from; default the kernel's own tables, which only Linux has. */
  readonly tables?: PeerTables | undefined;
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number;
}

interface Watched<Connection, Peer> {
  readonly connection: Connection;
  readonly socket: Peer;
  readonly peer: Known;
  readonly armed: boolean;
  /** Bytes given to the kernel, surely, before the tables were read. */
  readonly handed: number;
}

interface Known {
  readonly table: TableName;
  readonly key: string;
  keepAlive: boolean;
  /** Absent while nothing is expected of the peer. */
  silence: PeerSilence | undefined;
  /** As many bytes as were written when the last of them had been acknowledged. */
  settled: number;
}

/** Between two looks at the tables, ms; shorter when ARMED_TIMEOUT_MS is short, and when a peer's time is about to be up. */
const LOOK_EVERY_MS = 500;
const LOOK_SOONEST_MS = 100;
/** Reading takes at most a fifth of the time, however long the tables are. */
const REST_PER_READING = 4;

/**
 * Watches what the kernel says about unacknowledged bytes, retransmissions and probes. A peer is dead when nothing was heard of
 * it for ARMED_TIMEOUT_MS although bytes that were sent to it, or probes of its silence, called for an answer. One that
 * acknowledges but does not read is alive: that is the watchdog's business [OS-3.6]. Costs nothing while nobody is owed anything.
 *
 * Elsewhere than on Linux there are no such tables, and this does nothing. Then the kernel's own limits hold: its keep-alive ends
 * a silent connection after about 15 s, its retransmissions end one with unacknowledged bytes after minutes, and the watchdog
 * ends a session once the send buffers are full.
 */
export class PeerHealth<Connection extends object, Peer extends PeerSocket> {
  readonly #options: PeerHealthOptions<Connection, Peer>;
  readonly #now: () => number;
  readonly #keepAliveMs: number;
  readonly #known = new WeakMap<Connection, Known>();
  #tables: PeerTables | undefined;
  #timer: NodeJS.Timeout | undefined;
  #warned = false;

  constructor(options: PeerHealthOptions<Connection, Peer>) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#keepAliveMs = keepAliveFor(options.armedTimeoutMs);
  }

  /** The timer does not keep the process alive. */
  start(platform: NodeJS.Platform = process.platform): void {
    const { tables, log } = this.#options;
    if (tables === undefined && platform !== 'linux') {
      log.debug({ platform }, 'dead peers are noticed late: only Linux tells what a peer has acknowledged');
      return;
    }
    this.#tables = tables ?? new KernelTables();
    this.#schedule(LOOK_EVERY_MS);
  }

  /** Nobody is called dead afterwards. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#tables?.close();
    this.#tables = undefined;
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(() => void this.look(), ms);
    this.#timer.unref();
  }

  /** Looks at the tables once and judges; the timer's work, called by itself in tests. */
  async look(): Promise<void> {
    const tables = this.#tables;
    if (tables === undefined) return;
    const { armedTimeoutMs, log } = this.#options;
    const began = this.#now();
    const watched = this.#watched();
    const seen: Watched<Connection, Peer>[] = [];
    const names = new Set([...watched.values()].map(({ peer }) => peer.table));
    const scan = new TableScan((key, figures) => {
      const found = watched.get(key);
      if (found === undefined) return;
      this.#observe(found, figures);
      seen.push(found);
    });
    try {
      await tables.read(names, (bytes) => scan.push(bytes));
    } catch (error) {
      if (!this.#warned) log.warn({ error }, 'the kernel’s socket tables cannot be read: dead peers are noticed late');
      this.#warned = true;
    }
    if (this.#tables !== tables) return;
    const next = this.#judge(seen);
    const now = this.#now();
    const soonest = Math.max(LOOK_SOONEST_MS, (now - began) * REST_PER_READING);
    const usual = Math.min(LOOK_EVERY_MS, armedTimeoutMs / 10);
    this.#schedule(Math.max(soonest, Math.min(usual, next - now)));
  }

  /** Everybody of whom an answer can be expected, by key. */
  #watched(): Map<string, Watched<Connection, Peer>> {
    const watched = new Map<string, Watched<Connection, Peer>>();
    for (const [connection, socket] of this.#options.connections()) {
      const peer = this.#peer(connection, socket);
      if (peer === undefined) continue;
      const armed = this.#options.armed(connection);
      const { bytesWritten } = socket;
      if (socket.destroyed || (!armed && bytesWritten === peer.settled)) {
        peer.silence = undefined;
        continue;
      }
      if (armed && !peer.keepAlive) {
        peer.keepAlive = true;
        socket.setKeepAlive(true, this.#keepAliveMs);
      }
      peer.silence ??= new PeerSilence(this.#now(), bytesWritten);
      watched.set(peer.key, { connection, socket, peer, armed, handed: bytesWritten - socket.writableLength });
    }
    return watched;
  }

  #peer(connection: Connection, socket: Peer): Known | undefined {
    const known = this.#known.get(connection);
    if (known !== undefined) return known;
    const place = peerKey(socket);
    if (place === undefined) return undefined;
    const peer: Known = { ...place, keepAlive: false, silence: undefined, settled: 0 };
    this.#known.set(connection, peer);
    return peer;
  }

  #observe({ socket, peer, armed, handed }: Watched<Connection, Peer>, figures: PeerFigures): void {
    const most = socket.bytesWritten;
    peer.silence!.observe(figures, { least: handed, most }, this.#now(), armed ? this.#keepAliveMs : undefined);
    if (figures.waiting === 0) peer.settled = handed;
  }

  /** Calls the dead dead; answers when the next one may be. */
  #judge(seen: readonly Watched<Connection, Peer>[]): number {
    const { armedTimeoutMs, dead, log } = this.#options;
    const now = this.#now();
    let next = Number.POSITIVE_INFINITY;
    for (const { connection, socket, peer } of seen) {
      const deadline = peer.silence?.deadline(armedTimeoutMs) ?? Number.POSITIVE_INFINITY;
      if (deadline > now) {
        next = Math.min(next, deadline);
        continue;
      }
      const { silence } = peer;
      peer.silence = undefined;
      if (silence === undefined || socket.destroyed) continue;
      const { waiting, retransmits, probes } = silence.figures;
      const address = socket.remoteAddress;
      const silentMs = Math.round(silence.silentMs(now));
      log.debug({ address, silentMs, waiting, retransmits, probes }, 'a peer does not answer any more');
      dead(connection, socket);
    }
    return next;
  }
}

/**
 * How long an armed session may be silent before the kernel asks whether its peer is there, ms, so that a slow MONITOR notices as
 * soon as a fast one: two fifths of the time leave room for several questions. Whole seconds from 1 to 5, the kernel knows no finer.
 */
const keepAliveFor = (armedTimeoutMs: number): number =>
  Math.min(5000, Math.max(1000, Math.floor((armedTimeoutMs * 0.4) / 1000) * 1000));
