// Before a session: the PROXY header is taken off byte for byte, TLS may follow it, and whoever stalls or lies is told apart.
import { createServer, type Server as NetServer, type Socket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { AddressList } from '../../src/access/address.ts';
import { Preparation, PreparationError, type PreparedConnection } from '../../src/transport/preparation.ts';
import type { TlsMaterial } from '../../src/transport/tls-material.ts';
import { type Certificate, makeCertificate } from '../access/support/certificate.ts';
import { waitUntil } from '../faults/support/wait.ts';

type Outcome = { readonly prepared: PreparedConnection } | { readonly error: PreparationError };

let server: NetServer | undefined;
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
  server = undefined;
});

let certificate: Certificate;
beforeAll(() => {
  certificate = makeCertificate({ subject: 'localhost', altNames: ['localhost'] });
});

/** Prepares every connection; `trusted` are those that must begin with a PROXY header. */
async function start(trusted: string[], tls?: TlsMaterial) {
  const { list } = AddressList.parse(trusted);
  const preparation = new Preparation({ trustedProxies: list ?? AddressList.EMPTY, tls });
  const outcomes: Outcome[] = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    preparation.prepare(socket, '127.0.0.1').then(
      (prepared) => outcomes.push({ prepared }),
      (error: PreparationError) => {
        outcomes.push({ error });
        socket.destroy();
      },
    );
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const outcome = async (): Promise<Outcome> => {
    await waitUntil(() => outcomes.length > 0, 'it is prepared or not');
    return outcomes[0]!;
  };
  const dial = async (): Promise<Socket> => {
    const socket = tcpConnect({ host: '127.0.0.1', port });
    sockets.add(socket);
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  };
  return { preparation, outcome, outcomes, dial };
}

/** Everything that a prepared connection's session would read, until there is this much. */
async function read(outcome: Outcome, bytes: number): Promise<string> {
  if (!('prepared' in outcome)) throw outcome.error;
  let text = '';
  outcome.prepared.socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  outcome.prepared.socket.resume();
  await waitUntil(() => text.length >= bytes, 'the bytes came');
  return text;
}

const HEADER = 'PROXY TCP4 203.0.113.9 127.0.0.1 1234 49000\r\n';

describe('a PROXY header', () => {
  test.each([
    ['in one segment with what follows', [`${HEADER}{"first":1}\n`]],
    ['in pieces', [...HEADER].concat('{"first":1}\n')],
    ['cut right behind it', [HEADER, '{"first":1}\n']],
  ])('%s: the address is the one it tells, and no byte behind it is lost', async (_name, pieces) => {
    const { outcome, dial } = await start(['127.0.0.1']);
    const socket = await dial();
    socket.setNoDelay(true);
    for (const piece of pieces) {
      socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const got = await outcome();
    expect(got).toMatchObject({ prepared: { address: '203.0.113.9' } });
    expect(await read(got, 12)).toBe('{"first":1}\n');
  });

  test('from one who is not trusted stays what it is: the first bytes of a session', async () => {
    const { outcome, dial } = await start(['10.0.0.0/8']);
    const socket = await dial();
    socket.write(HEADER);
    const got = await outcome();
    expect(got).toMatchObject({ prepared: { address: '127.0.0.1' } });
    expect(await read(got, HEADER.length)).toBe(HEADER);
  });

  test('of a balancer that speaks for itself: its own address', async () => {
    const { outcome, dial } = await start(['127.0.0.1']);
    (await dial()).write('PROXY UNKNOWN\r\n');
    expect(await outcome()).toMatchObject({ prepared: { address: '127.0.0.1' } });
  });

  test.each([
    ['none at all', '{"cmd":"HANDSHAKE"}\n'],
    ['a broken one', 'PROXY TCP4 999.1.1.1 127.0.0.1 1 2\r\n'],
  ])('%s: refused, without what was received in the reason', async (_name, bytes) => {
    const { outcome, dial } = await start(['127.0.0.1']);
    (await dial()).write(bytes);
    const got = await outcome();
    if (!('error' in got)) throw new Error('it was prepared');
    expect(got.error.reason).toBe('proxy_header');
    expect(got.error.message).not.toContain('HANDSHAKE');
    expect(got.error.message).not.toContain('999');
  });

  test.each([
    ['ends', (socket: Socket) => socket.end()],
    ['is reset', (socket: Socket) => socket.resetAndDestroy()],
  ])('a connection that %s inside it', async (_name, end) => {
    const { outcome, dial } = await start(['127.0.0.1']);
    const socket = await dial();
    socket.write('PROXY TCP4 203', () => end(socket));
    const got = await outcome();
    expect(got).toMatchObject({ error: { reason: 'proxy_header' } });
  });

  test('one that never comes is waited for only so long', async () => {
    const { outcome, dial } = await start(['127.0.0.1']);
    await dial();
    const got = await outcome();
    expect(got).toMatchObject({ error: { reason: 'proxy_header', message: expect.stringContaining('in time') } });
  });
});

describe('TLS', () => {
  const material = (): TlsMaterial => ({ cert: certificate.cert, key: certificate.key }) as unknown as TlsMaterial;

  test('behind a PROXY header, also when both come in one segment', async () => {
    const { outcome, dial } = await start(['127.0.0.1'], material());
    const raw = await dial();
    raw.cork();
    raw.write(HEADER);
    const secure = tlsConnect({ socket: raw, ca: certificate.cert, servername: 'localhost' });
    secure.on('error', () => {});
    process.nextTick(() => raw.uncork());
    secure.write('{"first":1}\n');
    const got = await outcome();
    expect(got).toMatchObject({ prepared: { address: '203.0.113.9' } });
    expect(await read(got, 12)).toBe('{"first":1}\n');
    secure.destroy();
  });

  test('what is no TLS is refused', async () => {
    const { outcome, dial } = await start([], material());
    (await dial()).write('{"cmd":"HANDSHAKE","payload":{"major":1}}\n');
    expect(await outcome()).toMatchObject({ error: { reason: 'tls' } });
  });

  test('one that ends before its handshake does is refused', async () => {
    const { outcome, dial } = await start([], material());
    (await dial()).end();
    expect(await outcome()).toMatchObject({ error: { reason: 'tls' } });
  });

  test('a new certificate is for those who come later', async () => {
    const { preparation, outcomes, dial } = await start([], material());
    const other = makeCertificate({ subject: 'localhost', altNames: ['localhost'] });
    const shown = async (ca: string): Promise<boolean> => {
      const before = outcomes.length;
      const secure = tlsConnect({ socket: await dial(), ca, servername: 'localhost' });
      secure.on('error', () => {});
      await waitUntil(() => outcomes.length > before || secure.destroyed, 'the handshake ended');
      await waitUntil(() => secure.authorized || secure.destroyed, 'the client has judged');
      const { authorized } = secure;
      secure.destroy();
      return authorized;
    };
    expect(await shown(certificate.cert)).toBe(true);
    expect(await shown(other.cert)).toBe(false);
    preparation.useTls({ cert: other.cert, key: other.key } as unknown as TlsMaterial);
    expect(await shown(other.cert)).toBe(true);
  });
});

test('its error says why in a word', () => {
  expect(new PreparationError('tls', 'x')).toMatchObject({ reason: 'tls', message: 'x' });
});
