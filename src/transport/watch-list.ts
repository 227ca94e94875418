// Of whom an answer can be expected at a look at the kernel's figures, and what is remembered of each from look to look.
import type { Socket } from 'node:net';
import { type Ends, peerKey, type TableName } from './peer-address.ts';
import { PeerSilence } from './peer-silence.ts';
import type { PeerFigures } from './peer-tables.ts';

export type PeerSocket = Ends & Pick<Socket, 'bytesWritten' | 'writableLength' | 'destroyed' | 'setKeepAlive'>;

export interface Peers<Connection, Peer extends PeerSocket> {
  /** Everybody, with the TCP socket itself (below TLS). */
  readonly connections: () => Iterable<readonly [Connection, Peer]>;
  /** Whether stream events are due to it (MONITOR is active): an idle peer is asked, too, then. */
  readonly armed: (connection: Connection) => boolean;
}

/** What is remembered of a connection from its first look on. */
export interface Watched<Connection, Peer> {
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
  /** The look in which the silence began, or was last compared with a row. */
  observed: number;
  /** The last two looks that found more bytes written than before, the later one last. */
  written: readonly [Written, Written];
}

/** As much had been written at a look. */
interface Written {
  readonly bytes: number;
  readonly at: number;
}

const NOTHING: Written = { bytes: -1, at: 0 };

/** Whom a look is about. */
export interface Choice {
  /** The tables they stand in; none when nobody is watched. */
  readonly names: ReadonlySet<TableName>;
  /** Whether the process itself holds bytes for one of them: then it must be told what the peer takes. */
  readonly isHolding: boolean;
}

export class WatchList<Connection extends object, Peer extends PeerSocket> {
  readonly #peers: Peers<Connection, Peer>;
  readonly #keepAliveMs: number;
  readonly #known = new WeakMap<Connection, Watched<Connection, Peer>>();
  readonly #byKey = new Map<string, Watched<Connection, Peer>>();
  #look = 0;

  /** `keepAliveMs`: after how long a silence the kernel shall probe a peer that is armed. */
  constructor(peers: Peers<Connection, Peer>, keepAliveMs: number) {
    this.#peers = peers;
    this.#keepAliveMs = keepAliveMs;
  }

  /** The number of the look that is under way. */
  get look(): number {
    return this.#look;
  }

  /** Begins a look: picks everybody of whom an answer can be expected. */
  choose(now: number): Choice {
    const names = new Set<TableName>();
    let isHolding = false;
    let count = 0;
    this.#look++;
    for (const [connection, socket] of this.#peers.connections()) {
      const known = this.#known.get(connection) ?? this.#remember(connection, socket);
      if (known === undefined || socket.destroyed) continue;
      const armed = this.#peers.armed(connection);
      if (!armed && socket.bytesWritten === known.settled) {
        known.silence = undefined;
        continue;
      }
      this.#watch(known, armed, now);
      isHolding ||= socket.writableLength > 0;
      names.add(known.table);
      count++;
    }
    if (this.#byKey.size > 2 * count) this.#forget();
    return { names, isHolding };
  }

  /** The one that stands under this key in the tables, when it is watched in this look. */
  find(key: string): Watched<Connection, Peer> | undefined {
    const known = this.#byKey.get(key);
    return known?.look === this.#look ? known : undefined;
  }

  clear(): void {
    this.#byKey.clear();
  }

  #watch(known: Watched<Connection, Peer>, armed: boolean, now: number): void {
    const { socket } = known;
    const { bytesWritten } = socket;
    if (armed && !known.isProbed) {
      known.isProbed = true;
      socket.setKeepAlive(true, this.#keepAliveMs);
    }
    known.look = this.#look;
    known.armed = armed;
    known.handed = bytesWritten - socket.writableLength;
    if (known.written[1].bytes !== bytesWritten) known.written = [known.written[1], { bytes: bytesWritten, at: now }];
    if (known.silence === undefined) {
      known.silence = new PeerSilence(now, bytesWritten);
      known.observed = this.#look;
    }
    if (this.#byKey.get(known.key) !== known) this.#byKey.set(known.key, known);
  }

  #remember(connection: Connection, socket: Peer): Watched<Connection, Peer> | undefined {
    const place = peerKey(socket);
    if (place === undefined) return undefined;
    const { table, key } = place;
    const known: Watched<Connection, Peer> = {
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
      observed: 0,
      written: [NOTHING, NOTHING],
    };
    this.#known.set(connection, known);
    return known;
  }

  /** Lets go of everybody who is not watched any more; seldom, so that it costs little per look. */
  #forget(): void {
    for (const [key, { look }] of this.#byKey) if (look !== this.#look) this.#byKey.delete(key);
  }
}

/** When a peer was last heard, as far as is known, that was not unanswered at the last quiet look. */
export function heardAt(
  { silence, written }: Watched<unknown, unknown>,
  figures: PeerFigures,
  acknowledged: number,
  now: number,
): number {
  const before = now - silence!.silentMs(now);
  // All that was written has arrived. A longer silence is no question: the running timer tells of it, though it may be older.
  if (figures.waiting === 0) return Math.max(before, written[1].at);
  // Between two events of a slow MONITOR nothing is asked either: what was acknowledged tells which of them arrived.
  const arrived = written.find(({ bytes }) => acknowledged <= bytes);
  return Math.max(before, arrived?.at ?? now);
}
