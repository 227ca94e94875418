// One TCP connection: carries bytes to lines, lines to its session, and the session's words to the outbox. Decides nothing.
import type { Duplex } from 'node:stream';
import type { Profile } from '../../protocol/profiles.ts';
import { parseEnvelope } from '../commands/parse-command.ts';
import { decodeLine } from '../framing/decode-line.ts';
import { type Frame, ReceiveBuffer } from '../framing/receive-buffer.ts';
import type { SessionServices } from '../session/ports.ts';
import { Session } from '../session/session.ts';
import { Outbox } from './outbox.ts';
import type { Runnable, Turns } from './turns.ts';

export interface ConnectionOptions {
  readonly id: number;
  readonly socket: Duplex;
  /** The TCP connection below `socket`, where that is TLS. */
  readonly carrier?: Duplex | undefined;
  readonly address: string;
  readonly services: SessionServices;
  readonly txBufferBytes: number;
  readonly turns: Turns;
  /** How long the socket may take to flush and end once everything has been said, ms. */
  readonly lingerMs: number;
  /** Resets the connection: the kernel would keep what a peer does not read for as long as that peer answers probes. */
  readonly reset: () => void;
  /** How long this address's next line has to wait, ms, 0 when it need not; `greeted` once a HANDSHAKE has succeeded. */
  readonly throttle: ((greeted: boolean) => number) | undefined;
  readonly trace: ((id: number, direction: 'in' | 'out', line: string | Buffer) => void) | undefined;
  readonly crashed: (error: unknown) => void;
  /** The socket is closed; called once. */
  readonly closed: (connection: Connection) => void;
}

export class Connection implements Runnable {
  readonly #options: ConnectionOptions;
  readonly #socket: Duplex;
  readonly #received: ReceiveBuffer;
  readonly #outbox: Outbox;
  readonly session: Session;
  readonly #profile: Profile;
  #receivedBytes = 0;
  /** A frame whose time has not come yet. */
  #frame: Frame | undefined;
  #held = false;
  #inputEnded = false;
  #finished = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    const { socket, services, id, trace } = options;
    this.#options = options;
    this.#socket = socket;
    this.#profile = services.profile;
    const { rxBufferBytes, rxDiscardBytes } = services.limits;
    this.#received = new ReceiveBuffer({ lineBytes: rxBufferBytes, discardBytes: rxDiscardBytes });
    this.#outbox = new Outbox({
      socket,
      carrier: options.carrier,
      txBufferBytes: options.txBufferBytes,
      now: services.clock.now,
      progressed: () => this.session.progressed(),
      flushed: () => this.#flushed(),
      stalled: () => this.session.stalled(),
      finishing: () => this.#linger(),
      finished: () => this.#finish(),
      trace: trace && ((line) => trace(id, 'out', line)),
    });
    this.session = new Session(id, options.address, services, this.#outbox);
    socket.on('data', (chunk: Buffer) => this.#data(chunk));
    socket.on('end', () => this.#end());
    socket.on('error', () => {});
    socket.on('close', () => this.#closed());
    // Whoever read a PROXY header from it has paused it.
    socket.resume();
  }

  get bytes(): { readonly received: number; readonly written: number; readonly waiting: number } {
    const { writtenBytes, waitingBytes } = this.#outbox;
    return { received: this.#receivedBytes, written: writtenBytes, waiting: waitingBytes };
  }

  /** The peer is known to be gone although the kernel does not say so yet. */
  abandon(): void {
    this.session.lost('peer_dead');
    this.#socket.destroy();
  }

  /**
   * The peer has acknowledged more. The kernel takes more from us only once a third of its buffer is free, which a slow reader
   * may need long for: it is none the less alive [OS-3.6].
   */
  advanced(): void {
    this.#outbox.advanced();
    this.session.progressed();
  }

  /** No time is left for flushing. */
  destroy(): void {
    if (this.#outbox.waitingBytes > 0) this.#options.reset();
    this.#socket.destroy();
  }

  #data(chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    // What comes behind a session's end is read and dropped: an unread byte would turn the end into a reset and cost the last lines.
    if (this.#finished || this.session.state === 'CLOSING') return;
    this.#received.push(chunk);
    this.run();
  }

  #end(): void {
    this.#inputEnded = true;
    this.run();
  }

  /** Handles what was received, as far as this turn and the client's own reading allow. */
  run(): void {
    this.#outbox.cork();
    try {
      if (this.#handleAll()) this.#release();
      else this.#hold();
    } catch (error) {
      this.#options.crashed(error);
      this.session.close('internal', undefined);
    }
    this.#outbox.uncork();
  }

  #handleAll(): boolean {
    const { turns } = this.#options;
    while (this.session.state !== 'CLOSING' && (this.#frame !== undefined || !this.#received.drained)) {
      // Whoever does not read the answers gets no more of them [OS-3.7].
      if (this.#outbox.answersCongested) return false;
      if (!turns.take(this.#received.nextBytes)) {
        turns.later(this);
        return false;
      }
      const frame = this.#frame ?? this.#received.next();
      this.#frame = undefined;
      if (!frame) continue;
      const wait = this.#options.throttle?.(this.session.state === 'READY') ?? 0;
      if (wait > 0) {
        this.#frame = frame;
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.run();
        }, wait);
        return false;
      }
      this.#handle(frame);
    }
    if (this.#inputEnded && this.session.state !== 'CLOSING') {
      this.#inputEnded = false;
      const left = this.#received.end();
      if (left?.kind === 'unterminated')
        this.session.broken('the connection ended inside a line: its newline is missing');
      else if (left) this.#handle(left);
      this.session.inputEnded();
    }
    return true;
  }

  #handle(frame: Frame): void {
    const { trace, id } = this.#options;
    if (frame.kind === 'overflow') this.session.overflowed(frame.fatal);
    else if (frame.kind === 'foreign') this.session.foreign(frame.byte);
    else {
      trace?.(id, 'in', frame.bytes);
      const line = decodeLine(frame.bytes);
      const parsed = 'fault' in line ? line : parseEnvelope(line, this.#profile);
      if ('fault' in parsed) this.session.broken(parsed.fault);
      else if ('code' in parsed) this.session.refused(parsed);
      else this.session.command(parsed);
    }
  }

  #hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.#socket.pause();
  }

  #release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#socket.resume();
  }

  #flushed(): void {
    this.session.flushed();
    if (this.#held && !this.#outbox.answersCongested) this.#options.turns.later(this);
  }

  /** The last lines still wait: the connection lives as long as the peer goes on taking some of them. */
  #linger(): void {
    const { lingerMs, services } = this.#options;
    this.#finished = true;
    this.#release();
    clearTimeout(this.#timer);
    const left = this.#outbox.progressAt + lingerMs - services.clock.now();
    if (left <= 0) this.destroy();
    else this.#timer = setTimeout(() => this.#linger(), left);
  }

  #finish(): void {
    this.#finished = true;
    this.#release();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#socket.destroy(), this.#options.lingerMs);
    this.#socket.end();
  }

  #closed(): void {
    clearTimeout(this.#timer);
    this.#options.turns.forget(this);
    this.session.lost('connection_lost');
    this.#options.closed(this);
  }
}
