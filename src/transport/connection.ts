// One TCP connection: carries bytes to lines, lines to its session, and the session's words to the outbox. Decides nothing.
import type { Duplex } from 'node:stream';
import type { Place } from '../access/admissions.ts';
import { parseEnvelope } from '../commands/parse-command.ts';
import { decodeLine } from '../framing/decode-line.ts';
import { type Frame, ReceiveBuffer, type ReceiveLimits } from '../framing/receive-buffer.ts';
import type { SessionServices } from '../session/ports.ts';
import { Session } from '../session/session.ts';
import type { Runnable, Turns } from '../turns.ts';
import { Outbox, type OutboxOwner } from './outbox.ts';

/** A TCP connection. */
export interface Carrier extends Duplex {
  /** Ends it at once: the kernel would keep what a peer does not read for as long as that peer answers probes. */
  resetAndDestroy(): unknown;
}

/** What all connections of a server have in common. */
export interface ConnectionHost {
  readonly services: SessionServices;
  readonly receiveLimits: ReceiveLimits;
  readonly txBufferBytes: number;
  readonly turns: Turns;
  /** How long the socket may take to flush and end once everything has been said, ms. */
  readonly lingerMs: number;
  readonly trace: ((id: number, direction: 'in' | 'out', line: string | Buffer) => void) | undefined;
  crashed(error: unknown): void;
  /** The socket is closed; called once. */
  closed(connection: Connection): void;
}

export interface ConnectionOptions {
  readonly id: number;
  readonly socket: Duplex;
  /** The TCP connection below `socket`, where that is TLS; otherwise `socket` itself. */
  readonly carrier: Carrier;
  readonly address: string;
  /** How long this address's next line has to wait, ms, 0 when it need not; `greeted` once a HANDSHAKE has succeeded. */
  readonly throttle: ((greeted: boolean) => number) | undefined;
  /** Given back when the socket is closed. */
  readonly place: Pick<Place, 'release'>;
}

/** The units of a turn that a line costs, or a run of blank ones: one for each started half kilobyte. */
const unitsOf = (bytes: number): number => 1 + (bytes >> 9);

/** A MONITOR begins a poll: a request to the backend, and its answer. */
const MONITOR_UNITS = 20;

const ignore = (): void => {};

export class Connection implements Runnable, OutboxOwner {
  readonly session: Session;
  readonly #host: ConnectionHost;
  readonly #socket: Duplex;
  readonly #carrier: Carrier;
  readonly #throttle: ConnectionOptions['throttle'];
  readonly #place: ConnectionOptions['place'];
  readonly #received: ReceiveBuffer;
  readonly #outbox: Outbox;
  #receivedBytes = 0;
  /** A frame whose time has not come yet. */
  #frame: Frame | undefined;
  #held = false;
  #inputEnded = false;
  #finished = false;
  #timer: NodeJS.Timeout | undefined;

  constructor({ id, socket, carrier, address, throttle, place }: ConnectionOptions, host: ConnectionHost) {
    const { services, receiveLimits, txBufferBytes, trace } = host;
    this.#host = host;
    this.#socket = socket;
    this.#carrier = carrier;
    this.#throttle = throttle;
    this.#place = place;
    this.#received = new ReceiveBuffer(receiveLimits);
    const { now } = services.clock;
    const traceOut = trace && ((line: string | Buffer) => trace(id, 'out', line));
    this.#outbox = new Outbox({ socket, carrier, txBufferBytes, now, trace: traceOut }, this);
    this.session = new Session(id, address, services, this.#outbox);
    socket.on('data', (chunk: Buffer) => this.#data(chunk));
    socket.on('end', () => this.#end());
    socket.on('error', ignore);
    socket.on('close', () => this.#closed());
    // Whoever read a PROXY header from it has paused it.
    socket.resume();
    if (!socket.readableEnded) return;
    // It ended before there was anybody to hear of it.
    this.#inputEnded = true;
    host.turns.later(this);
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
    if (this.#outbox.waitingBytes > 0) this.#carrier.resetAndDestroy();
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
      if (this.#handleAll()) this.#resume();
      else this.#hold();
    } catch (error) {
      this.#host.crashed(error);
      this.session.close('internal', undefined);
    }
    this.#outbox.uncork();
  }

  #handleAll(): boolean {
    const { turns } = this.#host;
    while (this.session.state !== 'CLOSING' && (this.#frame !== undefined || !this.#received.drained)) {
      // Whoever does not read the answers gets no more of them [OS-3.7].
      if (this.#outbox.answersCongested) return false;
      const held = this.#frame;
      // A line that had to wait is decoded only now.
      if (!turns.take(unitsOf(held?.kind === 'line' ? held.bytes.length : this.#received.nextBytes))) {
        turns.later(this);
        return false;
      }
      const frame = held ?? this.#received.next();
      this.#frame = undefined;
      if (!frame) continue;
      const wait = this.#throttle?.(this.session.state === 'READY') ?? 0;
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
    const { trace, services, turns } = this.#host;
    if (frame.kind === 'overflow') this.session.overflowed(frame.fatal);
    else if (frame.kind === 'foreign') this.session.foreign(frame.byte);
    else {
      trace?.(this.session.id, 'in', frame.bytes);
      const line = decodeLine(frame.bytes);
      const parsed = 'fault' in line ? line : parseEnvelope(line, services.profile);
      if ('fault' in parsed) this.session.broken(parsed.fault);
      else if ('code' in parsed) this.session.refused(parsed);
      else {
        this.session.command(parsed);
        turns.spend(services.access.units[parsed.name] + (parsed.name === 'MONITOR' ? MONITOR_UNITS : 0));
      }
    }
  }

  #hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#socket.resume();
  }

  // What the outbox reports ----------------------------------------------------------------------

  progressed(): void {
    this.session.progressed();
  }

  flushed(): void {
    this.session.flushed();
    if (this.#held && !this.#outbox.answersCongested) this.#host.turns.later(this);
  }

  stalled(): void {
    this.session.stalled();
  }

  /** The last lines still wait: the connection lives as long as the peer goes on taking some of them. */
  finishing(): void {
    const { lingerMs, services } = this.#host;
    this.#finished = true;
    this.#resume();
    clearTimeout(this.#timer);
    const left = this.#outbox.progressAt + lingerMs - services.clock.now();
    if (left <= 0) this.destroy();
    else this.#timer = setTimeout(() => this.finishing(), left);
  }

  finished(): void {
    this.#finished = true;
    this.#resume();
    clearTimeout(this.#timer);
    // Where the peer has ended, too, nothing can follow that would turn the end into a reset. TLS has a last word of its own.
    if (this.#socket.readableEnded && this.#socket === this.#carrier) {
      this.#socket.destroy();
      return;
    }
    this.#timer = setTimeout(() => this.#socket.destroy(), this.#host.lingerMs);
    this.#socket.end();
  }

  // ----------------------------------------------------------------------------------------------

  #closed(): void {
    clearTimeout(this.#timer);
    this.#host.turns.forget(this);
    // Before the session: its end would set the time for flushing, and that timer would keep all of this alive.
    this.#outbox.discard();
    this.session.lost('connection_lost');
    this.#place.release();
    this.#host.closed(this);
  }
}
