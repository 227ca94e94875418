// The one way out: writes lines to the socket, knows what still waits, and leaves `data` out while too much does [OS-3.7].
import type { Duplex } from 'node:stream';
import type { DataEvent } from '../events/data.ts';
import type { Outlet, Sent } from '../session/ports.ts';
import { WaitingBytes } from './waiting-bytes.ts';

export interface OutboxOptions {
  readonly socket: Duplex;
  /** The TCP connection below `socket`, where that is TLS: only there a reset shows at once. Default: `socket` itself. */
  readonly carrier?: Duplex | undefined;
  /** Bytes that may wait before `data` is skipped, or before so many answers are too many. */
  readonly txBufferBytes: number;
  readonly now: () => number;
  /** Sees every line that goes out; absent unless somebody traces. */
  readonly trace?: ((line: string | Buffer) => void) | undefined;
}

/** Who is told what becomes of the lines. */
export interface OutboxOwner {
  /** The socket has taken some of what waited; the rest still waits. */
  progressed(): void;
  /** Everything that waited has been taken by the socket. */
  flushed(): void;
  /** Answers began to wait. */
  stalled(): void;
  /** Everything has been said; what waits is still to be taken. */
  finishing(): void;
  /** Everything has been said and taken. */
  finished(): void;
}

/** The most that is given to the socket at once while it is slow, so that taking some of a large event already counts as progress. */
const SLICE_BYTES = 65_536;

/** Nearly every answer is this short, in characters, and is given to the socket as the text it is; what is longer is made a buffer and cut. */
const SHORT_TEXT = 4096;

const NOTHING = Buffer.alloc(0);

export class Outbox implements Outlet {
  readonly #owner: OutboxOwner;
  readonly #socket: Duplex;
  readonly #carrier: Duplex;
  readonly #txBufferBytes: number;
  readonly #now: () => number;
  readonly #trace: OutboxOptions['trace'];
  /** TLS takes nothing at once. A plain socket takes nearly every line, and a callback for each would cost a turn of its own. */
  readonly #isCarried: boolean;
  /** Answers of this turn, written as one. */
  #corked: string | undefined;
  /** Absent until something had to wait, which for most sessions is never. */
  #queue: WaitingBytes | undefined;
  /** Answers among what the socket itself still holds. */
  #heldAnswers = 0;
  /** The socket still holds bytes that it was given. */
  #busy = false;
  #stalledSince: number | undefined;
  #progressAt = 0;
  #finishing = false;
  #written = 0;
  #taken: ((error?: Error | null) => void) | undefined;

  constructor({ socket, carrier = socket, txBufferBytes, now, trace }: OutboxOptions, owner: OutboxOwner) {
    this.#owner = owner;
    this.#socket = socket;
    this.#carrier = carrier;
    this.#txBufferBytes = txBufferBytes;
    this.#now = now;
    this.#trace = trace;
    this.#isCarried = carrier !== socket;
  }

  /** Bytes of all lines that were given to the socket so far. */
  get writtenBytes(): number {
    return this.#written - (this.#queue?.bytes ?? 0);
  }

  /** Bytes that wait in this process. */
  get waitingBytes(): number {
    return (this.#queue?.bytes ?? 0) + this.#socket.writableLength;
  }

  get answersCongested(): boolean {
    return this.#waitingAnswers > this.#txBufferBytes;
  }

  get #waitingAnswers(): number {
    return (this.#queue?.answers ?? 0) + this.#heldAnswers;
  }

  get stalledSince(): number | undefined {
    return this.#stalledSince;
  }

  isReset(): boolean {
    const socket = this.#socket;
    const carrier = this.#carrier;
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
    this.#progressAt = this.#now();
    if (this.#stalledSince !== undefined) this.#stalledSince = this.#progressAt;
  }

  /** Until `uncork`, answers are gathered and written as one: a thousand bad lines in a segment cost one system call, not a thousand. */
  cork(): void {
    this.#corked ??= '';
  }

  uncork(): void {
    const text = this.#corked;
    this.#corked = undefined;
    if (text) this.#sendText(text);
  }

  answer(line: string): Sent {
    if (this.#finishing) return 'skipped';
    this.#trace?.(line);
    if (this.#corked !== undefined) {
      this.#corked += line;
      if (this.#corked.length < SLICE_BYTES) return this.#busy ? 'waiting' : 'sent';
      this.uncork();
      this.cork();
      return this.#busy ? 'waiting' : 'sent';
    }
    return this.#sendText(line);
  }

  data(event: DataEvent, prefix: string): Sent {
    // A socket that is not busy holds nothing; asking it would cost a look at its state for each event.
    if (this.#finishing || (this.#busy && this.waitingBytes >= this.#txBufferBytes)) return 'skipped';
    if (this.#corked) {
      this.uncork();
      this.cork();
    }
    const bytes = event.lineWith(prefix);
    this.#trace?.(bytes);
    return this.#send(bytes, false);
  }

  finish(): void {
    if (this.#finishing) return;
    this.uncork();
    this.#finishing = true;
    if (this.#busy) this.#owner.finishing();
    else this.#owner.finished();
  }

  /** The socket is closed: nothing can be said any more, and nobody is to be told of what waits. */
  discard(): void {
    this.#finishing = true;
    this.#busy = false;
    this.#written = this.writtenBytes;
    this.#queue = undefined;
    this.#corked = undefined;
  }

  #sendText(text: string): Sent {
    // Only where each character is a byte: the socket counts what it holds in characters.
    const isBytes = !this.#busy && text.length <= SHORT_TEXT && Buffer.byteLength(text) === text.length;
    if (!isBytes) return this.#send(Buffer.from(text), true);
    this.#written += text.length;
    this.#give(text, text.length);
    return this.#fared();
  }

  #send(bytes: Buffer, answer: boolean): Sent {
    this.#written += bytes.length;
    let rest = bytes;
    while (!this.#busy) {
      const slice = rest.length <= SLICE_BYTES ? rest : rest.subarray(0, SLICE_BYTES);
      this.#give(slice, answer ? slice.length : 0);
      if (slice.length === rest.length) return this.#fared();
      rest = rest.subarray(slice.length);
    }
    this.#queue ??= new WaitingBytes();
    this.#queue.push(rest, answer);
    return this.#fared();
  }

  /** Bytes, or a text each of whose characters is one. */
  #give(bytes: Buffer | string, answers: number): void {
    const taken = this.#isCarried ? this.#callback : undefined;
    if (typeof bytes === 'string') this.#socket.write(bytes, 'latin1', taken);
    else this.#socket.write(bytes, taken);
    if (this.#socket.writableLength === 0) return;
    // Comes back when everything before it has been taken.
    if (!this.#isCarried) this.#socket.write(NOTHING, this.#callback);
    this.#busy = true;
    this.#heldAnswers = answers;
    this.#progressAt = this.#now();
  }

  /** How far got what was sent just now. */
  #fared(): Sent {
    if (!this.#busy) return 'sent';
    if (this.#stalledSince === undefined && this.#waitingAnswers > 0) {
      this.#stalledSince = this.#now();
      this.#owner.stalled();
    }
    return 'waiting';
  }

  /** For the socket; made when it is needed first, which for most sessions is never. */
  get #callback(): (error?: Error | null) => void {
    this.#taken ??= (error) => this.#drained(error);
    return this.#taken;
  }

  /** The socket holds nothing any more, or has failed. */
  #drained(error: Error | null | undefined): void {
    // On a reset TLS says that it has taken what it was given.
    if (error || !this.#busy || this.#socket.destroyed || this.#socket.writableLength > 0) return;
    this.#busy = false;
    this.#heldAnswers = 0;
    while (this.#queue !== undefined && this.#queue.bytes > 0 && !this.#busy) {
      const { bytes, answers } = this.#queue.take(SLICE_BYTES);
      this.#give(bytes, answers);
    }
    this.#stalledSince = this.#waitingAnswers > 0 ? this.#now() : undefined;
    if (this.#busy) {
      this.#owner.progressed();
      return;
    }
    this.#owner.flushed();
    if (this.#finishing && !this.#busy) this.#owner.finished();
  }
}
