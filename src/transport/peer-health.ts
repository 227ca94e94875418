// Finds peers that are gone without a word (a pulled cable): the kernel goes on taking writes for them for a quarter of an hour.
import type { TableName } from './peer-address.ts';
import { KernelCounters, type PeerCounters } from './peer-counters.ts';
import { PeerSilence } from './peer-silence.ts';
import { KernelTables, type PeerFigures, type PeerTables, TableScan } from './peer-tables.ts';
import { heardAt, type PeerSocket, type Peers, type Watched, WatchList } from './watch-list.ts';

interface PeerLog {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface PeerHealthOptions<Connection, Peer extends PeerSocket> extends Peers<Connection, Peer> {
  /** ARMED_TIMEOUT_MS: how long a peer may be silent although it is asked, ms. */
  readonly armedTimeoutMs: number;
  /** Called for a peer that has acknowledged more bytes since the last look. */
  readonly advanced?: (connection: Connection) => void;
  /** Called once for a peer that is gone. */
  readonly dead: (connection: Connection, socket: Peer) => void;
  readonly log: PeerLog;
  /** Where the figures come from; default the kernel's own tables, which only Linux has. */
  readonly tables?: PeerTables | undefined;
  /** Tells when the tables need not be read; default the kernel's own counters, none beside other tables than the kernel's. */
  readonly counters?: PeerCounters | undefined;
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number;
}

/** Between two readings of the tables, ms; shorter when ARMED_TIMEOUT_MS is short, and when a peer's time is about to be up. */
const READ_EVERY_MS = 500;
/** Between two looks at the counters, ms: nobody is known to have been heard more precisely than that. */
const COUNT_EVERY_MS = 200;
const LOOK_SOONEST_MS = 100;
/** Reading takes at most a fifth of the time, however long the tables are. */
const REST_PER_READING = 4;

/**
 * Watches what the kernel says about unacknowledged bytes, retransmissions and probes. A peer is dead when nothing was heard of
 * it for ARMED_TIMEOUT_MS although bytes that were sent to it, or probes of its silence, called for an answer. One that
 * acknowledges but does not read is alive: that is the watchdog's business [OS-3.6]. Costs nothing while nobody is owed anything.
 *
 * For each reading of its tables the kernel walks through all of its hash table: milliseconds on a big machine, however few
 * sessions there are. So the tables are left alone while the kernel's counters stand still and no question was open before:
 * nobody is unanswered then, and everybody counts as heard.
 *
 * Elsewhere than on Linux there are no such tables, and this does nothing. Then the kernel's own limits hold: its keep-alive ends
 * a silent connection after about 15 s, its retransmissions end one with unacknowledged bytes after minutes, and the watchdog
 * ends a session once the send buffers are full.
 */
export class PeerHealth<Connection extends object, Peer extends PeerSocket> {
  readonly #options: PeerHealthOptions<Connection, Peer>;
  readonly #now: () => number;
  readonly #keepAliveMs: number;
  readonly #list: WatchList<Connection, Peer>;
  #tables: PeerTables | undefined;
  #counters: PeerCounters | undefined;
  #counted: number | undefined;
  /** Whether somebody may have been asked and not have answered: only the tables can tell. */
  #isOpen = false;
  /** Whether somebody was watched at the last look. */
  #wasWatching = false;
  /** Whose question was open when the tables were last read. */
  #asked: readonly Watched<Connection, Peer>[] = [];
  /** The last look at which nobody was unanswered. */
  #quietLook = 0;
  /** The tables are not read again before that. */
  #readAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #warned = false;

  constructor(options: PeerHealthOptions<Connection, Peer>) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#keepAliveMs = keepAliveFor(options.armedTimeoutMs);
    this.#list = new WatchList(options, this.#keepAliveMs);
  }

  /** The timer does not keep the process alive. */
  start(platform: NodeJS.Platform = process.platform): void {
    const { tables, counters, log } = this.#options;
    if (tables === undefined && platform !== 'linux') {
      log.debug({ platform }, 'dead peers are noticed late: only Linux tells what a peer has acknowledged');
      return;
    }
    this.#tables = tables ?? new KernelTables();
    this.#counters = counters ?? (tables === undefined ? new KernelCounters() : undefined);
    this.#schedule(this.#counters === undefined ? READ_EVERY_MS : COUNT_EVERY_MS);
  }

  /** Nobody is called dead afterwards. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#tables?.close();
    this.#tables = undefined;
    this.#counters?.close();
    this.#counters = undefined;
    this.#list.clear();
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(() => void this.#lookAround(), ms);
    this.#timer.unref();
  }

  async #lookAround(): Promise<void> {
    const tables = this.#tables!;
    const usual = this.#options.armedTimeoutMs / 10;
    const began = this.#now();
    const { names, isHolding } = this.#list.choose(began);
    const isWatching = names.size > 0;
    if (isWatching) await this.#count();
    if (this.#tables !== tables) return;
    this.#wasWatching = isWatching;
    let isUrgent = isWatching && (this.#isOpen || isHolding);
    if (isUrgent && this.#now() >= this.#readAt) {
      const next = await this.#read(tables, names);
      if (this.#tables !== tables) return;
      const ended = this.#now();
      const soonest = Math.max(LOOK_SOONEST_MS, (ended - began) * REST_PER_READING);
      this.#readAt = ended + Math.max(soonest, Math.min(READ_EVERY_MS, usual, next - ended));
      isUrgent = this.#isOpen || isHolding;
    } else if (isWatching && !isUrgent) {
      this.#quietLook = this.#list.look;
    }
    const ended = this.#now();
    const rest = (ended - began) * REST_PER_READING;
    const every = this.#counters === undefined ? READ_EVERY_MS : COUNT_EVERY_MS;
    this.#schedule(Math.max(rest, isUrgent ? this.#readAt - ended : Math.max(LOOK_SOONEST_MS, Math.min(every, usual))));
  }

  /**
   * Notes whether the kernel has asked anybody anything since the last look; before the tables are read, so that no question is missed.
   * Where nobody was watched then, the figure may be old, and is only noted: whoever is watched now and does not answer is asked again.
   */
  async #count(): Promise<void> {
    const counted = await this.#counters?.read();
    if (counted === undefined || (counted !== this.#counted && this.#wasWatching)) this.#isOpen = true;
    this.#counted = counted;
  }

  /** Compares everybody who is watched with the tables, and calls the dead dead; answers when the next one may be. */
  async #read(tables: PeerTables, names: ReadonlySet<TableName>): Promise<number> {
    const suspects: Watched<Connection, Peer>[] = [];
    let now = this.#now();
    const asked: Watched<Connection, Peer>[] = [];
    const scan = new TableScan((key, figures) => {
      const known = this.#list.find(key);
      if (known?.silence === undefined) return;
      if (figures.retransmits > 0 || figures.probes > 0) asked.push(known);
      if (this.#observe(known, figures, now)) suspects.push(known);
    });
    try {
      await tables.read(names, (bytes) => {
        now = this.#now();
        scan.push(bytes);
      });
      // A table that changes while it is read may lack a row: that is no answer.
      for (const known of this.#asked) {
        if (known.look === this.#list.look && known.observed !== this.#list.look) asked.push(known);
      }
      this.#asked = asked;
      this.#isOpen = asked.length > 0 || this.#counted === undefined;
    } catch (error) {
      if (!this.#warned) {
        this.#options.log.warn({ error }, 'the kernel’s socket tables cannot be read: dead peers are noticed late');
      }
      this.#warned = true;
    }
    return this.#tables === tables ? this.#judge(suspects) : Number.POSITIVE_INFINITY;
  }

  /** True when the peer is asked and may be given up. */
  #observe(known: Watched<Connection, Peer>, figures: PeerFigures, now: number): boolean {
    const { socket, handed } = known;
    const given = { least: handed, most: socket.bytesWritten };
    const keepAliveMs = known.armed ? this.#keepAliveMs : undefined;
    const acknowledged = given.most - figures.waiting;
    const fresh =
      known.observed <= this.#quietLook
        ? new PeerSilence(heardAt(known, figures, acknowledged, now), acknowledged)
        : undefined;
    const advanced = known.silence!.observe(figures, given, now, keepAliveMs);
    fresh?.observe(figures, given, now, keepAliveMs);
    known.silence = fresh ?? known.silence!;
    known.observed = this.#list.look;
    if (advanced && figures.waiting > 0) this.#options.advanced?.(known.connection);
    if (figures.waiting === 0) known.settled = handed;
    return known.silence.deadline(this.#options.armedTimeoutMs) !== undefined;
  }

  /** Calls the dead dead; answers when the next one may be. */
  #judge(suspects: readonly Watched<Connection, Peer>[]): number {
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
