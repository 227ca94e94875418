// Reads the kernel's socket tables (/proc/net/tcp, /proc/net/tcp6): the only place where Node can learn what a peer acknowledged.
import { KernelFiles } from './kernel-files.ts';
import type { TableName } from './peer-address.ts';

/** What the kernel says about one connection. */
export interface PeerFigures {
  /** Bytes given to the kernel that the peer has not acknowledged, sent or not. */
  readonly waiting: number;
  /** Which timer runs: see `TIMER`. */
  readonly timer: number;
  /** When that timer fires, ms from when the row was printed. */
  readonly timerMs: number;
  /** How often the oldest unacknowledged bytes were sent again without an answer. */
  readonly retransmits: number;
  /** Probes (keep-alive, or of a closed window) that are not answered yet. */
  readonly probes: number;
}

/** The timers that matter here, by their number in the table. */
export const TIMER = { retransmit: 1, keepAlive: 2, closedWindow: 4 } as const;

export interface PeerTables {
  /** Gives the bytes of these tables one after the other, cut anywhere. Rejects when one cannot be read. */
  read(names: Iterable<TableName>, take: (bytes: Buffer) => void): Promise<void>;
  close(): void;
}

/** The tables of this process's network namespace. One reading at a time. */
export class KernelTables implements PeerTables {
  readonly #files = new KernelFiles<TableName>(['tcp', 'tcp6']);

  async read(names: Iterable<TableName>, take: (bytes: Buffer) => void): Promise<void> {
    for (const name of names) await this.#files.read(name, take);
  }

  close(): void {
    this.#files.close();
  }
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;
/** Far beyond any row; what is longer is no table. */
const MAX_ROW_BYTES = 1024;
/** States that no live connection is in: TIME_WAIT, LISTEN. After a busy hour most rows are of the first kind. */
const TIME_WAIT = 0x06;
const LISTEN = 0x0a;

/** Takes the bytes of a table, cut anywhere, and gives its rows of live connections; what is no such row is passed over. */
export class TableScan {
  readonly #row: (key: string, figures: PeerFigures) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(row: (key: string, figures: PeerFigures) => void) {
    this.#row = row;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      this.#line(bytes, start, end);
      start = end + 1;
    }
    // A copy: the chunk's memory belongs to whoever reads the next one into it.
    this.#rest = bytes.length - start > MAX_ROW_BYTES ? Buffer.alloc(0) : Buffer.from(bytes.subarray(start));
  }

  /** `sl: local:port remote:port st tx:rx tr:when retrnsmt uid timeout …`, widths fixed as far as `tr`. */
  #line(bytes: Buffer, start: number, end: number): void {
    const keyStart = bytes.indexOf(COLON, start) + 2;
    if (keyStart < 2 || keyStart >= end) return;
    const width = bytes.indexOf(COLON, keyStart) - keyStart;
    if (width !== 8 && width !== 32) return;
    const keyEnd = keyStart + 2 * (width + 5) + 1;
    const whenStart = keyEnd + 25;
    if (whenStart + 8 >= end || bytes[keyEnd] !== SPACE || bytes[whenStart - 1] !== COLON) return;
    const state = number(bytes, keyEnd + 1, keyEnd + 3, 16);
    if (Number.isNaN(state) || state === TIME_WAIT || state === LISTEN) return;
    const whenEnd = bytes.indexOf(SPACE, whenStart);
    const uid = skipSpaces(bytes, whenEnd + 10);
    const timeout = skipSpaces(bytes, bytes.indexOf(SPACE, uid));
    if (whenEnd === -1 || timeout >= end) return;
    const figures: PeerFigures = {
      waiting: number(bytes, keyEnd + 4, keyEnd + 12, 16),
      timer: number(bytes, keyEnd + 22, keyEnd + 24, 16),
      // In hundredths of a second, whatever the kernel's own tick is.
      timerMs: number(bytes, whenStart, whenEnd, 16) * 10,
      retransmits: number(bytes, whenEnd + 1, whenEnd + 9, 16),
      probes: number(bytes, timeout, bytes.indexOf(SPACE, timeout), 10),
    };
    const { waiting, timer, timerMs, retransmits, probes } = figures;
    if (!Number.isSafeInteger(waiting + timer + timerMs + retransmits + probes)) return;
    this.#row(bytes.toString('latin1', keyStart, keyEnd), figures);
  }
}

function skipSpaces(bytes: Buffer, start: number): number {
  let at = start;
  while (bytes[at] === SPACE) at++;
  return at;
}

/** NaN when one of the digits is none, or when there is no digit. */
function number(bytes: Buffer, start: number, end: number, base: number): number {
  let value = start < end ? 0 : Number.NaN;
  for (let at = start; at < end; at++) {
    const code = bytes[at]!;
    const isLetter = code > 0x40;
    const digit = isLetter ? (code | 0x20) - 0x57 : code - 0x30;
    value = digit >= (isLetter ? 10 : 0) && digit < base ? value * base + digit : Number.NaN;
  }
  return value;
}
