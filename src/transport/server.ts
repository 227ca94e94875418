// The listening socket and what stands between it and a session: admission, and the way of a connection from accept to close.
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { Admission, Place } from '../access/admissions.ts';
import { errorLine } from '../events/encode.ts';
import type { SessionServices } from '../session/ports.ts';
import { Turns } from '../turns.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import type { Listen } from './listen.ts';
import { PreparationError, type PreparedConnection } from './preparation.ts';

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
  /** Connections that may be in preparation, or wait for their admission, at once; default 16384. */
  readonly maxPending?: number;
  readonly observer: ServerObserver;
}

export interface ServerObserver {
  opened(connection: Connection): void;
  closed(connection: Connection): void;
  /** Not `told`: so many are being told already that it was closed without a word. */
  refused(address: string, reason: string, told: boolean): void;
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
/** No limit of sessions bounds those that are none yet, should whoever admits them be slow to answer. */
const MAX_PENDING = 16_384;
const BACKLOG = 4096;
/** First keep-alive probe of a silent connection, ms; Node sends further ones each second and gives up after ten. */
const KEEP_ALIVE_MS = 5000;

const ignore = (): void => {};

export class Server {
  readonly #options: ServerOptions;
  readonly #server: NetServer;
  readonly #host: ConnectionHost;
  readonly #connections = new Map<Connection, Socket>();
  readonly #pending = new Set<Socket>();
  readonly #refused = new Set<Socket>();
  #ids = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { services, txBufferBytes, lingerMs, trace, observer } = options;
    this.#host = {
      services,
      receiveLimits: { lineBytes: services.limits.rxBufferBytes, discardBytes: services.limits.rxDiscardBytes },
      txBufferBytes,
      lingerMs,
      trace,
      turns: new Turns(),
      crashed: (error) => observer.crashed(error),
      closed: (connection) => {
        this.#connections.delete(connection);
        observer.closed(connection);
      },
    };
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
      (socket) => this.#accept(socket),
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

  #accept(raw: Socket): void {
    const peer = raw.remoteAddress;
    raw.on('error', ignore);
    // Gone again before it could be looked at.
    if (peer === undefined) {
      raw.destroy();
      return;
    }
    const address = plainAddress(peer);
    const { prepare, admit, observer, maxPending = MAX_PENDING } = this.#options;
    if (this.#pending.size >= maxPending) {
      // What has to be prepared first understands no word yet.
      const isTold = prepare === undefined && this.#refuse(raw, 'too many connections wait to become sessions');
      if (!isTold) raw.destroy();
      observer.refused(address, 'full', isTold);
      return;
    }
    try {
      const asked = prepare ? undefined : admit(address);
      // No promise, and no turn of its own, for a connection that is settled at once, as nearly all are.
      if (asked === undefined || asked instanceof Promise) void this.#settleLater(raw, address, asked);
      else this.#settle(raw, { socket: raw, address }, asked);
    } catch (error) {
      this.#failed(raw, address, error);
    }
  }

  async #settleLater(raw: Socket, peer: string, asked: Promise<Admission> | undefined): Promise<void> {
    const { prepare, admit } = this.#options;
    this.#pending.add(raw);
    try {
      const prepared = prepare ? await prepare(raw, peer) : { socket: raw, address: peer };
      this.#settle(raw, prepared, await (asked ?? admit(prepared.address)));
    } catch (error) {
      this.#failed(raw, peer, error);
    } finally {
      this.#pending.delete(raw);
    }
  }

  #failed(raw: Socket, peer: string, error: unknown): void {
    const { observer } = this.#options;
    if (error instanceof PreparationError) observer.unprepared(peer, error);
    else observer.crashed(error);
    raw.destroy();
  }

  #settle(raw: Socket, { socket, address }: PreparedConnection, admission: Admission): void {
    const { observer } = this.#options;
    if (socket.destroyed) {
      if (admission.admitted) admission.release();
      else observer.refused(address, admission.reason, false);
    } else if (!admission.admitted) {
      observer.refused(address, admission.reason, this.#refuse(socket, admission.message));
    } else if (!this.listening) {
      admission.release();
      observer.refused(address, 'draining', this.#refuse(socket, 'the gateway is stopping'));
    } else this.#open(socket, raw, address, admission);
  }

  #open(socket: Socket, raw: Socket, address: string, place: Place): void {
    const { throttle, observer } = this.#options;
    const options = { id: ++this.#ids, socket, carrier: raw, address, throttle: throttle(address), place };
    const connection = new Connection(options, this.#host);
    this.#connections.set(connection, raw);
    observer.opened(connection);
  }

  /** False when it is closed without a word. */
  #refuse(socket: Socket, message: string): boolean {
    if (this.#refused.size >= MAX_REFUSED) {
      socket.destroy();
      return false;
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
    return true;
  }
}

/** An IPv4 address that came in over an IPv6 socket is shown as what it is. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
