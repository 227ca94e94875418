// Bytes in, framed lines out: cuts a client's byte stream at its newlines, whatever the chunks, in bounded memory.

/** One thing found in the byte stream, in the order it stands there. */
export type Frame =
  /** A line without its newline; valid until the next call. Never blank. */
  | { readonly kind: 'line'; readonly bytes: Buffer }
  /** A line longer than the limit [OS-1.4]; fatal once it also outlasted the discard limit. */
  | { readonly kind: 'overflow'; readonly fatal: boolean }
  /** The connection does not begin with `{` [OS-1.7]; nothing after it is framed. */
  | { readonly kind: 'foreign'; readonly byte: number };

export interface ReceiveLimits {
  /** Longest line in bytes, its `\n` or `\r\n` not counted. */
  readonly lineBytes: number;
  /** Bytes beyond that which are thrown away before the line is given up. */
  readonly discardBytes: number;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const BRACE = 0x7b;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const EMPTY = Buffer.alloc(0);
const TAIL_START_BYTES = 512;
/** A carried line's storage above this is given back as soon as the line is done, so that idle sessions stay small. */
const TAIL_KEEP_BYTES = 2048;
/** Blank lines passed over in one call, in bytes: as much as the smallest piece of work may have (`Turns`). */
const BLANK_BYTES = 512;

/**
 * Push a chunk, then call `next()` until it is `drained`; only then push another one.
 * Memory: the chunk itself and one unfinished line of at most `lineBytes + 1`.
 */
export class ReceiveBuffer {
  readonly #limits: ReceiveLimits;
  #chunk: Buffer = EMPTY;
  #at = 0;
  /** The unfinished line of earlier chunks; copied, because a client that drips single bytes would pin a chunk for each. */
  #tail: Buffer = EMPTY;
  #tailLength = 0;
  /** Bytes of a too long line seen beyond the limit, or -1 while no line is being discarded. */
  #discarded = -1;
  #discardEndsInReturn = false;
  #markBytes = 0;
  /** Nothing but (a part of) a byte order mark has come so far. */
  #atStart = true;
  /** The first byte that is not white space has come, and it is `{`. */
  #begun = false;
  /** It has come and is another one; what stands before it in the chunk is framed first. */
  #foreignByte: number | undefined;
  #over = false;

  constructor(limits: ReceiveLimits) {
    this.#limits = limits;
  }

  /** True when everything pushed has been handed out (an unfinished line may still be carried). */
  get drained(): boolean {
    return this.#at >= this.#chunk.length && this.#foreignByte === undefined;
  }

  /** How many bytes the next call of `next` works on at the most, give or take 512, for whoever shares out the work. */
  get nextBytes(): number {
    const newline = this.#chunk.indexOf(NEWLINE, this.#at);
    // A finished line is handed out whole, what earlier chunks brought of it included.
    return newline < 0 ? this.#chunk.length - this.#at : this.#tailLength + newline - this.#at;
  }

  push(chunk: Buffer): void {
    if (!this.drained) throw new Error('push() before the chunk before was consumed');
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** One line, a part of one, or a run of blank lines: never more, so that each is asked for. Undefined: no frame came of it. */
  next(): Frame | undefined {
    if (this.#over) {
      this.#at = this.#chunk.length;
      this.#foreignByte = undefined;
      return undefined;
    }
    if (this.#atStart) this.#skipMark();
    const frame = this.#at < this.#chunk.length ? this.#cut() : undefined;
    if (frame || this.#at < this.#chunk.length) return frame;
    this.#chunk = EMPTY;
    this.#at = 0;
    return this.#foreignByte === undefined ? undefined : this.#foreign(this.#foreignByte);
  }

  /** The client ended its side: what is left without a newline is no line [OS-1.5]. An overflow was answered already. */
  end(): { readonly kind: 'unterminated' } | Frame | undefined {
    if (this.#over) return undefined;
    this.#over = true;
    if (this.#atStart && this.#isMarkBroken()) return { kind: 'foreign', byte: BYTE_ORDER_MARK[0]! };
    const left = this.#tail.subarray(0, this.#tailLength);
    this.#release();
    return isBlank(left) ? undefined : { kind: 'unterminated' };
  }

  #cut(): Frame | undefined {
    if (this.#skipBlankLines()) return undefined;
    const newline = this.#chunk.indexOf(NEWLINE, this.#at);
    const end = newline < 0 ? this.#chunk.length : newline;
    if (!this.#begun && this.#isForeign(end)) return undefined;
    if (this.#discarded >= 0) return this.#discard(end, newline >= 0);
    const piece = end - this.#at;
    const length = this.#tailLength + piece;
    const last = piece > 0 ? this.#chunk[end - 1] : this.#tail[this.#tailLength - 1];
    const content = length > 0 && last === RETURN ? length - 1 : length;
    if (content > this.#limits.lineBytes) return this.#overflow();
    if (newline < 0) {
      this.#carry(end);
      return undefined;
    }
    const bytes = this.#finish(end);
    return isBlank(bytes) ? undefined : { kind: 'line', bytes };
  }

  /** Skips the byte order mark [OS-1.2]. */
  #skipMark(): void {
    while (this.#at < this.#chunk.length && this.#chunk[this.#at] === BYTE_ORDER_MARK[this.#markBytes]) {
      this.#markBytes++;
      this.#at++;
    }
    if (this.#at === this.#chunk.length) return;
    this.#atStart = false;
    if (this.#isMarkBroken()) this.#stopBefore(this.#at, BYTE_ORDER_MARK[0]!);
  }

  /** Passes over blank lines, some at a time; false when there was none, or one of a length that has to be looked at. */
  #skipBlankLines(): boolean {
    if (this.#tailLength > 0 || this.#discarded >= 0) return false;
    const chunk = this.#chunk;
    const { lineBytes } = this.#limits;
    const from = this.#at;
    const stop = Math.min(chunk.length, from + BLANK_BYTES);
    let start = from;
    for (let i = from; i < stop; i++) {
      const byte = chunk[i];
      if (byte === NEWLINE) {
        if (i - start > lineBytes) break;
        start = i + 1;
      } else if (byte !== SPACE && byte !== RETURN && byte !== TAB) break;
    }
    this.#at = start;
    return start > from;
  }

  /**
   * Looks for the first byte that is not white space [OS-1.7], in this call's bytes alone: to look further each time would be
   * quadratic. Only looks: white space is a part of its line and counts to its length [OS-1.4].
   */
  #isForeign(end: number): boolean {
    if (this.#foreignByte !== undefined) return false;
    const first = spaceEnd(this.#chunk, this.#at, end);
    if (first === end) return false;
    this.#begun = this.#chunk[first] === BRACE;
    if (!this.#begun) this.#stopBefore(first, this.#chunk[first]!);
    return !this.#begun;
  }

  #isMarkBroken(): boolean {
    return this.#markBytes > 0 && this.#markBytes < BYTE_ORDER_MARK.length;
  }

  #stopBefore(end: number, byte: number): void {
    this.#chunk = this.#chunk.subarray(0, end);
    this.#foreignByte = byte;
  }

  #foreign(byte: number): Frame {
    this.#over = true;
    this.#foreignByte = undefined;
    this.#release();
    return { kind: 'foreign', byte };
  }

  #overflow(): Frame {
    // Discarding starts at the first byte beyond the limit, so that the count does not depend on the chunks.
    const room = this.#limits.lineBytes - this.#tailLength;
    this.#discarded = room < 0 ? -room : 0;
    this.#discardEndsInReturn = room < 0;
    this.#at += Math.max(0, room);
    this.#release();
    return { kind: 'overflow', fatal: false };
  }

  #discard(end: number, finished: boolean): Frame | undefined {
    const piece = end - this.#at;
    if (piece > 0) this.#discardEndsInReturn = this.#chunk[end - 1] === RETURN;
    this.#discarded += piece;
    const content = this.#discarded - (this.#discardEndsInReturn ? 1 : 0);
    this.#at = finished ? end + 1 : end;
    if (content > this.#limits.discardBytes) {
      this.#over = true;
      this.#at = this.#chunk.length;
      return { kind: 'overflow', fatal: true };
    }
    if (finished) this.#discarded = -1;
    return undefined;
  }

  #carry(end: number): void {
    const piece = end - this.#at;
    const needed = this.#tailLength + piece;
    if (needed > this.#tail.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(TAIL_START_BYTES, needed, this.#tail.length * 2));
      this.#tail.copy(grown, 0, 0, this.#tailLength);
      this.#tail = grown;
    }
    this.#chunk.copy(this.#tail, this.#tailLength, this.#at, end);
    this.#tailLength = needed;
    this.#at = end;
  }

  #finish(end: number): Buffer {
    let bytes: Buffer;
    if (this.#tailLength === 0) {
      bytes = this.#chunk.subarray(this.#at, end);
    } else {
      this.#carry(end);
      bytes = this.#tail.subarray(0, this.#tailLength);
      this.#tailLength = 0;
      if (this.#tail.length > TAIL_KEEP_BYTES) this.#tail = EMPTY;
    }
    this.#at = end + 1;
    // A session that waits for its next command does not hold on to the last one.
    if (this.#at >= this.#chunk.length) {
      this.#chunk = EMPTY;
      this.#at = 0;
    }
    return bytes;
  }

  #release(): void {
    this.#tail = EMPTY;
    this.#tailLength = 0;
  }
}

const isBlank = (bytes: Buffer): boolean => spaceEnd(bytes, 0, bytes.length) === bytes.length;

/** Where the white space ends that begins at `from`; `end` at the latest. */
function spaceEnd(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at];
    if (byte !== SPACE && byte !== RETURN && byte !== TAB && byte !== NEWLINE) break;
    at++;
  }
  return at;
}
