// The one way out: writes lines to the socket, knows what still waits, and leaves `data` out while too much does [OS-3.7].
import type { Duplex } from 'node:stream';
import type { DataEvent } from '../events/data.ts';
import type { Outlet, Sent } from '../session/ports.ts';

export interface OutboxOptions {
  readonly socket: Duplex;
  /** The TCP connection below `socket`, where that is TLS: only there a reset shows at once. Default: `socket` itself. */
  readonly carrier?: Duplex | undefined;
  /** Bytes that may wait before `data` is skipped, or before so many answers are too many. */
  readonly txBufferBytes: number;
  readonly now: () => number;
  /** The socket has taken some of what waited; the rest still waits. */
  readonly progressed: () => void;
  /** Everything that waited has been taken by the socket. */
  readonly flushed: () => void;
  /** Answers began to wait. */
  readonly stalled: () => void;
  /** Everything has been said; what waits is still to be taken. */
  readonly finishing: () => void;
  /** Everything has been said and taken. */
  readonly finished: () => void;
  /** Sees every line that goes out; absent unless somebody traces. */
  readonly trace?: ((line: string | Buffer) => void) | undefined;
}

/** The most that is given to the socket at once while it is slow, so that taking some of a large event already counts as progress. */
const SLICE_BYTES = 65_536;

const NOTHING = Buffer.alloc(0);

interface Waiting {
  readonly bytes: Buffer;
  readonly answer: boolean;
}

export class Outbox implements Outlet {
  readonly #options: OutboxOptions;
  readonly #socket: Duplex;
  /** TLS takes nothing at once. A plain socket takes nearly every line, and a callback for each would cost a turn of its own. */
  readonly #isCarried: boolean;
  /** Answers of this turn, written as one. */
  #corked: string | undefined;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #queuedAnswers = 0;
  /** Answers among what the socket itself still holds. */
  #heldAnswers = 0;
  /** The socket still holds bytes that it was given. */
  #busy = false;
  #stalledSince: number | undefined;
  #progressAt = 0;
  #finishing = false;
  #written = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#isCarried = options.carrier !== undefined && options.carrier !== options.socket;
  }

  /** Bytes of all lines so far, as given to the socket or waiting for it. */
  get writtenBytes(): number {
    return this.#written;
  }

  /** Bytes that wait in this process. */
  get waitingBytes(): number {
    return this.#queuedBytes + this.#socket.writableLength;
  }

  get answersCongested(): boolean {
    return this.#queuedAnswers + this.#heldAnswers > this.#options.txBufferBytes;
  }

  get stalledSince(): number | undefined {
    return this.#stalledSince;
  }

  isReset(): boolean {
    const socket = this.#socket;
    const { carrier = socket } = this.#options;
    const unread = socket.readableEnded || socket.isPaused();
    // What waits would meet the reset; where nothing does, an empty write sends nothing and asks the kernel.
    if (unread && !this.#busy && !this.#finishing && !carrier.destroyed) carrier.write(NOTHING);
    return carrier.errored !== null || carrier.destroyed || socket.destroyed;
  }

  /** When the socket last took something of what waits, on the clock's `now()`. */
  get progressAt(): number {
    return this.#progressAt;
  }

  /** The peer goes on taking what the kernel holds for it. */
  advanced(): void {
    this.#progressAt = this.#options.now();
    if (this.#stalledSince !== undefined) this.#stalledSince = this.#progressAt;
  }

  /** Until `uncork`, answers are gathered and written as one: a thousand bad lines in a segment cost one system call, not a thousand. */
  cork(): void {
    this.#corked ??= '';
  }

  uncork(): void {
    const text = this.#corked;
    this.#corked = undefined;
    if (text) this.#send(Buffer.from(text), true);
  }

  answer(line: string): Sent {
    if (this.#finishing) return 'skipped';
    this.#options.trace?.(line);
    if (this.#corked !== undefined) {
      this.#corked += line;
      if (this.#corked.length < SLICE_BYTES) return this.#busy ? 'waiting' : 'sent';
      this.uncork();
      this.cork();
      return this.#busy ? 'waiting' : 'sent';
    }
    return this.#send(Buffer.from(line), true);
  }

  data(event: DataEvent, prefix: string): Sent {
    if (this.#finishing || this.waitingBytes >= this.#options.txBufferBytes) return 'skipped';
    if (this.#corked) {
      this.uncork();
      this.cork();
    }
    const bytes = prefix === '' ? event.bytes : Buffer.concat([Buffer.from(prefix), event.rest]);
    this.#options.trace?.(bytes);
    return this.#send(bytes, false);
  }

  finish(): void {
    if (this.#finishing) return;
    this.uncork();
    this.#finishing = true;
    if (this.#busy) this.#options.finishing();
    else this.#options.finished();
  }

  #send(bytes: Buffer, answer: boolean): Sent {
    this.#written += bytes.length;
    let rest = bytes;
    while (!this.#busy) {
      const slice = rest.length <= SLICE_BYTES ? rest : rest.subarray(0, SLICE_BYTES);
      this.#give(slice, answer ? slice.length : 0);
      if (slice.length === rest.length) {
        if (!this.#busy) return 'sent';
        this.#waits();
        return 'waiting';
      }
      rest = rest.subarray(slice.length);
    }
    this.#queue.push({ bytes: rest, answer });
    this.#queuedBytes += rest.length;
    if (answer) this.#queuedAnswers += rest.length;
    this.#waits();
    return 'waiting';
  }

  #give(bytes: Buffer, answers: number): void {
    this.#socket.write(bytes, this.#isCarried ? this.#taken : undefined);
    if (this.#socket.writableLength === 0) return;
    // Comes back when everything before it has been taken.
    if (!this.#isCarried) this.#socket.write(NOTHING, this.#taken);
    this.#busy = true;
    this.#heldAnswers = answers;
    this.#progressAt = this.#options.now();
  }

  #waits(): void {
    if (this.#stalledSince !== undefined || this.#queuedAnswers + this.#heldAnswers === 0) return;
    this.#stalledSince = this.#options.now();
    this.#options.stalled();
  }

  /** The socket holds nothing any more, or has failed. */
  readonly #taken = (error?: Error | null): void => {
    if (error || !this.#busy || this.#socket.writableLength > 0) return;
    this.#busy = false;
    this.#heldAnswers = 0;
    while (this.#queue.length > 0 && !this.#busy) this.#giveQueued();
    this.#stalledSince = this.#queuedAnswers + this.#heldAnswers > 0 ? this.#options.now() : undefined;
    if (this.#busy) {
      this.#options.progressed();
      return;
    }
    this.#options.flushed();
    if (this.#finishing && !this.#busy) this.#options.finished();
  };

  /** The next slice of what waits, in order. */
  #giveQueued(): void {
    const parts: Buffer[] = [];
    let bytes = 0;
    let answers = 0;
    let taken = 0;
    while (taken < this.#queue.length && bytes < SLICE_BYTES) {
      const next = this.#queue[taken]!;
      const part = next.bytes.subarray(0, SLICE_BYTES - bytes);
      parts.push(part);
      bytes += part.length;
      if (next.answer) answers += part.length;
      if (part.length < next.bytes.length) {
        this.#queue[taken] = { bytes: next.bytes.subarray(part.length), answer: next.answer };
        break;
      }
      taken++;
    }
    this.#queue.splice(0, taken);
    this.#queuedBytes -= bytes;
    this.#queuedAnswers -= answers;
    this.#give(parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes), answers);
  }
}
