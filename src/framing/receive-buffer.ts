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

const isSpace = (byte: number | undefined): boolean =>
  byte === SPACE || byte === TAB || byte === RETURN || byte === NEWLINE;

/**
 * Push a chunk, then call `next()` until it answers undefined; only then push another one.
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

  /** About how many bytes the next call of `next` looks at, for whoever shares out the work. */
  get nextBytes(): number {
    const newline = this.#chunk.indexOf(NEWLINE, this.#at);
    return (newline < 0 ? this.#chunk.length : newline) - this.#at;
  }

  push(chunk: Buffer): void {
    if (!this.drained) throw new Error('push() before the chunk before was consumed');
    this.#chunk = chunk;
    this.#at = 0;
  }

  next(): Frame | undefined {
    if (this.#over) {
      this.#at = this.#chunk.length;
      this.#foreignByte = undefined;
      return undefined;
    }
    if (!this.#begun && this.#foreignByte === undefined) this.#begin();
    while (this.#at < this.#chunk.length) {
      const newline = this.#chunk.indexOf(NEWLINE, this.#at);
      const end = newline < 0 ? this.#chunk.length : newline;
      if (this.#discarded >= 0) {
        const fatal = this.#discard(end, newline >= 0);
        if (fatal) return fatal;
        continue;
      }
      const piece = end - this.#at;
      const length = this.#tailLength + piece;
      const last = piece > 0 ? this.#chunk[end - 1] : this.#tail[this.#tailLength - 1];
      const content = length > 0 && last === RETURN ? length - 1 : length;
      if (content > this.#limits.lineBytes) return this.#overflow();
      if (newline < 0) {
        this.#carry(end);
        break;
      }
      const bytes = this.#finish(end);
      if (!isBlank(bytes)) return { kind: 'line', bytes };
    }
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

  /**
   * Skips the byte order mark and looks for the first byte that is not white space [OS-1.2, OS-1.7]. Only looks: white space is a
   * part of its line and counts to its length [OS-1.4].
   */
  #begin(): void {
    const chunk = this.#chunk;
    if (this.#atStart) {
      while (this.#at < chunk.length && chunk[this.#at] === BYTE_ORDER_MARK[this.#markBytes]) {
        this.#markBytes++;
        this.#at++;
      }
      if (this.#at === chunk.length) return;
      this.#atStart = false;
      if (this.#isMarkBroken()) this.#stopBefore(this.#at, BYTE_ORDER_MARK[0]!);
    }
    let first = this.#at;
    while (first < this.#chunk.length && isSpace(this.#chunk[first])) first++;
    if (first === this.#chunk.length) return;
    if (chunk[first] === BRACE) this.#begun = true;
    else this.#stopBefore(first, chunk[first]!);
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

function isBlank(bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) if (!isSpace(bytes[i])) return false;
  return true;
}
