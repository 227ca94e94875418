// The conformance client over TLS, and certificates for both ends of it.
import net from 'node:net';
import tls from 'node:tls';
import { type Certificate, makeCertificate } from '../../access/support/certificate.ts';
import { TestClient, WAIT_MS } from '../../support/client.ts';

export interface Identity {
  readonly authority: Certificate;
  readonly server: Certificate;
}

/** An authority and a certificate of it for a server on loopback. */
export function makeIdentity(name = 'gateway'): Identity {
  const authority = makeCertificate({ subject: `${name} authority` });
  return {
    authority,
    server: makeCertificate({ subject: name, altNames: ['localhost', '127.0.0.1'], issuer: authority }),
  };
}

interface TlsTarget {
  readonly host: string;
  readonly port: number;
}

interface TlsClientOptions extends tls.ConnectionOptions {
  /** Sent in clear text before the handshake, as a load balancer's PROXY header is. */
  readonly before?: string | Uint8Array;
  readonly localAddress?: string;
}

const underneath = new WeakMap<TestClient, net.Socket>();

/** RST on the TCP connection that carries this client. */
export function resetTls(client: TestClient): void {
  underneath.get(client)?.resetAndDestroy();
}

/** Resolves when the handshake is done from this end; with TLS 1.3 the server may still refuse afterwards. */
export async function connectTls(target: TlsTarget, options: TlsClientOptions = {}): Promise<TestClient> {
  const { before, localAddress, ...rest } = options;
  const { host, port } = target;
  const raw = net.connect({ host, port, allowHalfOpen: true, ...(localAddress ? { localAddress } : {}) });
  raw.on('error', () => {});
  await new Promise((resolve) => raw.once('connect', resolve).once('error', resolve));
  if (before !== undefined) raw.write(before);
  const socket = tls.connect({
    socket: raw,
    servername: 'localhost',
    allowHalfOpen: true,
    ...rest,
  } as tls.ConnectionOptions);
  const client = new TestClient(socket, { host, port });
  underneath.set(client, raw);
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve).once('error', reject);
    socket.once('close', () => reject(new Error('the connection ended before the TLS handshake did')));
  });
  return client;
}

/** Why the handshake, or the first exchange after it, fails; rejects when both succeed. */
export async function tlsFailure(target: TlsTarget, options: TlsClientOptions): Promise<string> {
  let client: TestClient;
  try {
    client = await connectTls(target, options);
  } catch (error) {
    return codeOf(error);
  }
  const failed = new Promise<string>((resolve) => {
    client.socket.once('error', (error) => resolve(codeOf(error)));
    client.socket.once('close', () => resolve('closed'));
  });
  client.command('HANDSHAKE', { major: 1 });
  const answered = client.nextLine(WAIT_MS).then(
    ({ text }) => {
      throw new Error(`the gateway talked over a connection it should have refused: ${text}`);
    },
    () => failed,
  );
  const why = await answered;
  client.destroy();
  return why;
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string };
  return typeof code === 'string' ? code : (message ?? 'unknown');
}
