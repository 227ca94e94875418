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
  /** Called for a peer that has acknowledged more bytes since the last look. */
  readonly advanced?: (connection: Connection) => void;
  /** Called once for a peer that is gone. */
  readonly dead: (connection: Connection, socket: Peer) => void;
  readonly log: PeerLog;
  /** Where the figures come from; default the kernel's own tables, which only Linux has. */
  readonly tables?: PeerTables | undefined;
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number;
}

/** What is remembered of a connection from its first look on. */
interface Known<Connection, Peer> {
  readonly connection: Connection;
  readonly socket: Peer;
  readonly table: TableName;
  readonly key: string;
  /** The look in which it was last one of those that are watched. */
  look: number;
  armed: boolean;
  isProbed: boolean;
  /** Bytes given to the kernel, surely, before the tables were read. */
  handed: number;
  /** As many bytes as were written when the last of them had been acknowledged. */
  settled: number;
  /** Absent while nothing is expected of the peer. */
  silence: PeerSilence | undefined;
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
  readonly #known = new WeakMap<Connection, Known<Connection, Peer>>();
  readonly #byKey = new Map<string, Known<Connection, Peer>>();
  #look = 0;
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
    this.#byKey.clear();
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(() => void this.#lookAround(), ms);
    this.#timer.unref();
  }

  async #lookAround(): Promise<void> {
    const tables = this.#tables!;
    const { armedTimeoutMs, log } = this.#options;
    const began = this.#now();
    const names = this.#choose(began);
    const suspects: Known<Connection, Peer>[] = [];
    let now = began;
    const scan = new TableScan((key, figures) => {
      const known = this.#byKey.get(key);
      if (known?.silence !== undefined && known.look === this.#look && this.#observe(known, figures, now)) {
        suspects.push(known);
      }
    });
    try {
      await tables.read(names, (bytes) => {
        now = this.#now();
        scan.push(bytes);
      });
    } catch (error) {
      if (!this.#warned) log.warn({ error }, 'the kernel’s socket tables cannot be read: dead peers are noticed late');
      this.#warned = true;
    }
    if (this.#tables !== tables) return;
    const next = this.#judge(suspects);
    const ended = this.#now();
    const soonest = Math.max(LOOK_SOONEST_MS, (ended - began) * REST_PER_READING);
    const usual = Math.min(LOOK_EVERY_MS, armedTimeoutMs / 10);
    this.#schedule(Math.max(soonest, Math.min(usual, next - ended)));
  }

  /** Picks everybody of whom an answer can be expected; answers which tables they stand in. */
  #choose(now: number): Set<TableName> {
    const names = new Set<TableName>();
    const look = ++this.#look;
    let count = 0;
    for (const [connection, socket] of this.#options.connections()) {
      const known = this.#known.get(connection) ?? this.#remember(connection, socket);
      if (known === undefined || socket.destroyed) continue;
      const armed = this.#options.armed(connection);
      const { bytesWritten } = socket;
      if (!armed && bytesWritten === known.settled) {
        known.silence = undefined;
        continue;
      }
      if (armed && !known.isProbed) {
        known.isProbed = true;
        socket.setKeepAlive(true, this.#keepAliveMs);
      }
      known.look = look;
      known.armed = armed;
      known.handed = bytesWritten - socket.writableLength;
      known.silence ??= new PeerSilence(now, bytesWritten);
      if (this.#byKey.get(known.key) !== known) this.#byKey.set(known.key, known);
      names.add(known.table);
      count++;
    }
    if (this.#byKey.size > 2 * count) this.#forget();
    return names;
  }

  #remember(connection: Connection, socket: Peer): Known<Connection, Peer> | undefined {
    const place = peerKey(socket);
    if (place === undefined) return undefined;
    const { table, key } = place;
    const known: Known<Connection, Peer> = {
      connection,
      socket,
      table,
      key,
      look: 0,
      armed: false,
      isProbed: false,
      handed: 0,
      settled: 0,
      silence: undefined,
    };
    this.#known.set(connection, known);
    return known;
  }

  /** Lets go of everybody who is not watched any more; seldom, so that it costs little per look. */
  #forget(): void {
    for (const [key, { look }] of this.#byKey) if (look !== this.#look) this.#byKey.delete(key);
  }

  /** True when the peer is asked and may be given up. */
  #observe(known: Known<Connection, Peer>, figures: PeerFigures, now: number): boolean {
    const { socket, handed } = known;
    const silence = known.silence!;
    const advanced = silence.observe(
      figures,
      { least: handed, most: socket.bytesWritten },
      now,
      known.armed ? this.#keepAliveMs : undefined,
    );
    if (advanced && figures.waiting > 0) this.#options.advanced?.(known.connection);
    if (figures.waiting === 0) known.settled = handed;
    return silence.deadline(this.#options.armedTimeoutMs) !== undefined;
  }

  /** Calls the dead dead; answers when the next one may be. */
  #judge(suspects: readonly Known<Connection, Peer>[]): number {
    const { armedTimeoutMs, dead, log } = this.#options;
    const now = this.#now();
    let next = Number.POSITIVE_INFINITY;
    for (const known of suspects) {
      const { connection, socket, silence } = known;
      const deadline = silence?.deadline(armedTimeoutMs);
      if (silence === undefined || deadline === undefined || socket.destroyed) continue;
      if (deadline > now) {
        next = Math.min(next, deadline);
        continue;
      }
      known.silence = undefined;
      const { waiting, retransmits, probes } = silence.figures;
      const silentMs = Math.round(silence.silentMs(now));
      const address = socket.remoteAddress;
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
