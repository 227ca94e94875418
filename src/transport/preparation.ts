// What a connection is before it is a session: a load balancer's PROXY header, then TLS, each with a bound on time.
import type { Socket } from 'node:net';
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import type { AddressList } from '../access/address.ts';
import { SessionCount } from '../access/session-count.ts';
import { ProxyHeaderParser, type ProxySource } from './proxy-header.ts';
import type { TlsMaterial } from './tls-material.ts';

export interface PreparedConnection {
  /** What the session talks to. */
  readonly socket: Socket;
  /** The client's address; behind a trusted proxy the one it tells. */
  readonly address: string;
}

/** Why a connection was none; `fault` is fit for a log. */
export class PreparationError extends Error {
  readonly reason: 'proxy_header' | 'tls';

  constructor(reason: 'proxy_header' | 'tls', fault: string) {
    super(fault);
    this.reason = reason;
  }
}

export interface PreparationOptions {
  /** Peers that must begin with a PROXY header; all others must not, theirs would be the session's first bytes. */
  readonly trustedProxies: AddressList;
  /** Undefined: plain TCP. */
  readonly tls: TlsMaterial | undefined;
}

const PROXY_HEADER_TIMEOUT_MS = 3000;
const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;
/** Handshakes under way are no sessions yet, so no limit of sessions bounds them; an address that stalls them must leave room for others. */
const MAX_HANDSHAKES = 4096;
const MAX_HANDSHAKES_PER_ADDRESS = 1024;

export class Preparation {
  readonly #options: PreparationOptions;
  readonly #tls: TlsServer | undefined;
  /** TLS handshakes under way, by the connection's two ends. */
  readonly #handshakes = new Map<string, (socket: TLSSocket) => void>();
  readonly #handshaking = new SessionCount({ max: MAX_HANDSHAKES, maxPerAddress: MAX_HANDSHAKES_PER_ADDRESS });

  constructor(options: PreparationOptions) {
    this.#options = options;
    if (!options.tls) return;
    // Never listens: it is handed the connections whose PROXY header has been read.
    this.#tls = createServer({
      ...options.tls,
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
    });
    this.#tls.on('secureConnection', (socket) => {
      socket.allowHalfOpen = true;
      // A TLS 1.2 client could otherwise make the server redo the most expensive step again and again. Node only tells of it.
      socket.disableRenegotiation();
      socket.on('error', () => socket.destroy());
      const key = endsOf(socket);
      const resolve = this.#handshakes.get(key);
      this.#handshakes.delete(key);
      if (resolve) resolve(socket);
      else socket.destroy();
    });
    this.#tls.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  /** From now on for new connections; those that exist stay as they are. */
  useTls(material: TlsMaterial): void {
    this.#tls?.setSecureContext(material);
  }

  async prepare(raw: Socket, peer: string): Promise<PreparedConnection> {
    const source = this.#options.trustedProxies.contains(peer) ? await readProxyHeader(raw) : undefined;
    const address = source?.address ?? peer;
    if (!this.#tls) return { socket: raw, address };
    const slot = this.#handshaking.acquire(address);
    if ('refused' in slot) throw new PreparationError('tls', 'too many TLS handshakes are under way');
    try {
      return { socket: await this.#secure(raw, this.#tls), address };
    } finally {
      slot.release();
    }
  }

  #secure(raw: Socket, tls: TlsServer): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const key = endsOf(raw);
      const closed = (): void => {
        this.#handshakes.delete(key);
        reject(new PreparationError('tls', 'the TLS handshake failed'));
      };
      raw.once('close', closed);
      // Whoever ends before the handshake does will never finish it; the session may be half-closed again.
      raw.allowHalfOpen = false;
      this.#handshakes.set(key, (socket) => {
        raw.off('close', closed);
        raw.allowHalfOpen = true;
        resolve(socket);
      });
      tls.emit('connection', raw);
    });
  }
}

const endsOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;

/** The header's bytes are taken off the stream, whatever follows them is left for the next reader. */
function readProxyHeader(socket: Socket): Promise<ProxySource | undefined> {
  return new Promise((resolve, reject) => {
    const parser = new ProxyHeaderParser();
    const timer = setTimeout(() => fail('no PROXY header came in time'), PROXY_HEADER_TIMEOUT_MS);
    const release = (): void => {
      clearTimeout(timer);
      socket.off('data', data).off('end', ended).off('close', ended);
      socket.pause();
    };
    const fail = (fault: string): void => {
      release();
      reject(new PreparationError('proxy_header', fault));
    };
    const ended = (): void => fail('the connection ended inside its PROXY header');
    const data = (chunk: Buffer): void => {
      const result = parser.push(chunk);
      if (result.state === 'more') return;
      if (result.state === 'bad') {
        fail(result.reason);
        return;
      }
      release();
      if (result.rest.length > 0) socket.unshift(result.rest);
      resolve(result.source);
    };
    socket.on('data', data).once('end', ended).once('close', ended);
  });
}
