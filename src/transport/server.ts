// The listening socket and what stands between it and a session: admission, and the way of a connection from accept to close.
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { Admission } from '../access/admissions.ts';
import { errorLine } from '../events/encode.ts';
import type { SessionServices } from '../session/ports.ts';
import { Connection } from './connection.ts';
import type { Listen } from './listen.ts';
import { PreparationError, type PreparedConnection } from './preparation.ts';
import { Turns } from './turns.ts';

export interface ServerOptions {
  readonly listen: Listen;
  readonly services: SessionServices;
  readonly txBufferBytes: number;
  readonly lingerMs: number;
  /** Resolves with what the session talks to; rejects when the connection is none (it is destroyed then). */
  readonly prepare: ((socket: Socket, address: string) => Promise<PreparedConnection>) | undefined;
  /** Asked once for each connection. */
  readonly admit: (address: string) => Admission | Promise<Admission>;
  /** A throttle for this address's commands; undefined when it has none. */
  readonly throttle: (address: string) => ((greeted: boolean) => number) | undefined;
  readonly trace: ((id: number, direction: 'in' | 'out', line: string | Buffer) => void) | undefined;
  readonly observer: ServerObserver;
}

export interface ServerObserver {
  opened(connection: Connection): void;
  closed(connection: Connection): void;
  refused(address: string, reason: string): void;
  /** A PROXY header or a TLS handshake failed. */
  unprepared(address: string, error: PreparationError): void;
  /** An exception in the gateway itself; costs only its session. */
  crashed(error: unknown): void;
  /** The listener failed to accept, for example because descriptors ran out. */
  acceptFailed(error: Error): void;
}

/** Refused connections that are still being told so; more are closed without a word, because telling costs a descriptor. */
const MAX_REFUSED = 1000;
const REFUSED_LINGER_MS = 1000;
const BACKLOG = 4096;
/** First keep-alive probe of a silent connection, ms; Node sends further ones each second and gives up after ten. */
const KEEP_ALIVE_MS = 5000;

export class Server {
  readonly #options: ServerOptions;
  readonly #server: NetServer;
  readonly #turns = new Turns();
  readonly #connections = new Map<Connection, Socket>();
  readonly #pending = new Set<Socket>();
  readonly #refused = new Set<Socket>();
  #ids = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
      (socket) => void this.#accept(socket),
    );
  }

  get connections(): ReadonlyMap<Connection, Socket> {
    return this.#connections;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get listening(): boolean {
    return this.#server.listening;
  }

  async listen(): Promise<void> {
    const { listen, observer } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...listen, backlog: BACKLOG }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#server.on('error', (error) => observer.acceptFailed(error));
  }

  /** Connections that are no session, and are still being prepared or told why they become none. */
  get unsettled(): number {
    return this.#pending.size + this.#refused.size;
  }

  /** No new connections from here on; those that are being prepared are told so, if their preparation ends soon. */
  stopListening(): void {
    this.#server.close();
    const abandon = (): void => {
      for (const socket of this.#pending) socket.destroy();
    };
    if (this.#pending.size > 0) setTimeout(abandon, REFUSED_LINGER_MS).unref();
  }

  /** Ends whatever is still there. */
  destroy(): void {
    for (const socket of [...this.#pending, ...this.#refused]) socket.destroy();
    for (const connection of this.#connections.keys()) connection.destroy();
  }

  async #accept(raw: Socket): Promise<void> {
    const peer = raw.remoteAddress;
    raw.on('error', () => {});
    // Gone again before it could be looked at.
    if (peer === undefined) {
      raw.destroy();
      return;
    }
    this.#pending.add(raw);
    try {
      const { prepare, admit, observer } = this.#options;
      const direct = plainAddress(peer);
      const { socket, address } = prepare ? await prepare(raw, direct) : { socket: raw, address: direct };
      const asked = admit(address);
      const admission = asked instanceof Promise ? await asked : asked;
      if (!admission.admitted) {
        observer.refused(address, admission.reason);
        this.#refuse(socket, admission.message);
      } else if (socket.destroyed) admission.release();
      else if (!this.listening) {
        admission.release();
        observer.refused(address, 'draining');
        this.#refuse(socket, 'the gateway is stopping');
      } else this.#open(socket, raw, address, admission.release);
    } catch (error) {
      if (error instanceof PreparationError) this.#options.observer.unprepared(plainAddress(peer), error);
      else this.#options.observer.crashed(error);
      raw.destroy();
    } finally {
      this.#pending.delete(raw);
    }
  }

  #open(socket: Socket, raw: Socket, address: string, release: () => void): void {
    const { services, txBufferBytes, lingerMs, throttle, trace, observer } = this.#options;
    const connection = new Connection({
      id: ++this.#ids,
      socket,
      carrier: raw,
      address,
      services,
      txBufferBytes,
      turns: this.#turns,
      lingerMs,
      reset: () => raw.resetAndDestroy(),
      throttle: throttle(address),
      trace,
      crashed: (error) => observer.crashed(error),
      closed: () => {
        this.#connections.delete(connection);
        release();
        observer.closed(connection);
      },
    });
    this.#connections.set(connection, raw);
    observer.opened(connection);
  }

  #refuse(socket: Socket, message: string): void {
    if (this.#refused.size >= MAX_REFUSED) {
      socket.destroy();
      return;
    }
    this.#refused.add(socket);
    const timer = setTimeout(() => socket.destroy(), REFUSED_LINGER_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#refused.delete(socket);
    });
    socket.end(errorLine('handshake_rejected', message, { hint: 'connect again later', fatal: true }));
    // Read and drop: an unread byte would turn the end into a reset and cost the line.
    socket.resume();
  }
}

/** An IPv4 address that came in over an IPv6 socket is shown as what it is. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
