// TLS in front of sessions: which versions, what a session over it may do, and whoever speaks something else.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../access/support/temporary-folder.ts';
import { pass, waitUntil } from '../faults/support/wait.ts';
import { createGate } from '../support/backend.ts';
import { useStage } from './support/stage.ts';
import { connectTls, makeIdentity, resetTls, tlsFailure } from './support/tls-client.ts';

const stage = useStage();
const folder = temporaryFolder();
const { authority, server } = makeIdentity();
const ca = authority.cert;
const env = {
  TLS_CERT: folder.write('server.pem', server.cert),
  TLS_KEY: folder.write('server.key', server.key),
};
const HANDSHAKE = '{"cmd":"HANDSHAKE","payload":{"major":1}}\n';

const OLD = { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0', ca } as const;

test('TLS 1.2 and 1.3 are spoken', async () => {
  const gateway = await stage.gateway(env);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const client = await connectTls(gateway, { ca, minVersion: version, maxVersion: version });
    expect((client.socket as tls.TLSSocket).getProtocol()).toBe(version);
    expect((client.socket as tls.TLSSocket).authorized).toBe(true);
    await client.handshake();
    client.destroy();
  }
});

test('TLS 1.0 and 1.1 are refused by the gateway, although this client can speak them', async () => {
  // The control: a server that allows them is reached with the very same options.
  const lax = tls.createServer({ cert: server.cert, key: server.key, minVersion: 'TLSv1', ciphers: OLD.ciphers });
  lax.on('secureConnection', (socket) => socket.on('error', () => {}));
  lax.listen(0, '127.0.0.1');
  await once(lax, 'listening');
  stage.keep({ stop: () => lax.close() });
  const target = { host: '127.0.0.1', port: (lax.address() as net.AddressInfo).port };
  const gateway = await stage.gateway(env);
  for (const maxVersion of ['TLSv1', 'TLSv1.1'] as const) {
    const client = await connectTls(target, { ...OLD, maxVersion });
    expect((client.socket as tls.TLSSocket).getProtocol()).toBe(maxVersion);
    client.destroy();
    expect(await tlsFailure(gateway, { ...OLD, maxVersion })).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  }
  expect(gateway.target.sessions?.()).toBe(0);
});

test('a client that ends its side over TLS still reads every answer and the stream', async () => {
  const backend = await stage.backend();
  const gateway = await stage.gateway({ ...env, BACKEND_URL: backend.url });
  const client = await connectTls(gateway, { ca });
  client.sendLines([
    { cmd: 'HANDSHAKE', payload: { major: 1 } },
    { cmd: 'MONITOR', payload: { url: '/a', method: 'GET', period_ms: 20 } },
    ...Array.from({ length: 20 }, (_, id) => ({
      cmd: 'CONTROL',
      payload: { url: '/c', method: 'POST', id, ack: true },
    })),
  ]);
  client.end();
  await client.expect('handshake_ack');
  await client.expect('monitor_ack');
  for (let id = 0; id < 20; id += 1) await client.until({ type: 'control_ack', id });
  for (let count = 0; count < 5; count += 1) await client.until('data');
  client.destroy();
  const last = await connectTls(gateway, { ca });
  last.sendRaw(`${HANDSHAKE}{"cmd":"CONTROL","payload":{"url":"/d","method":"POST","ack":true}}\n`);
  last.end();
  await last.expect('handshake_ack');
  await last.expect('control_ack');
  await last.expectClosed();
});

test('large answers and long queues arrive whole over TLS, also to a slow reader', async () => {
  const big = `"${'x'.repeat(300_000)}"`;
  const backend = await stage.backend((_request, reply) => reply.json(big));
  const gateway = await stage.gateway({ ...env, BACKEND_URL: backend.url });
  const client = await connectTls(gateway, { ca });
  await client.handshake();
  client.pause();
  client.sendLines(
    Array.from({ length: 12 }, (_, id) => ({
      cmd: 'CONTROL',
      payload: { url: '/big', method: 'POST', id, ack: true },
    })),
  );
  await backend.waitFor(1);
  client.resume();
  for (let id = 0; id < 12; id += 1) {
    const line = await client.expect({ type: 'control_ack', id });
    expect((line['result'] as string).length).toBe(300_000);
  }
});

test('whoever speaks plain text to a TLS port gets nothing executed and is gone', async () => {
  const backend = await stage.backend();
  const gateway = await stage.gateway({ ...env, BACKEND_URL: backend.url });
  for (const text of [
    `${HANDSHAKE}{"cmd":"CONTROL","payload":{"url":"/never","method":"POST"}}\n`,
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    '\n',
    '\u0016\u0003',
    'PROXY TCP4 192.0.2.7 192.0.2.1 1000 49000\r\n',
  ]) {
    const client = await gateway.connect();
    client.sendRaw(text);
    client.end();
    await client.expectClosed({ discard: true });
    expect(client.lines.filter(({ json }) => 'type' in json)).toEqual([]);
  }
  expect(backend.requests).toEqual([]);
  expect(gateway.target.sessions?.()).toBe(0);
  expect(gateway.logged('connection refused')[0]).toMatchObject({ reason: 'tls', address: '127.0.0.1' });
});

test('whoever speaks TLS to a plain port is told so and gone', async () => {
  const gateway = await stage.gateway();
  expect(await tlsFailure(gateway, { ca })).toMatch(/^ERR_SSL_|closed|ended/);
  // The same first byte by hand, so that the answer can be read.
  const client = await gateway.connect();
  client.sendRaw(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
  await client.expect({ error: 'invalid_ndjson', fatal: true, hint: /TLS/ });
  await client.expectClosed();
});

test('handshakes that never end take no place among the sessions, and do not live for ever', {
  timeout: 60_000,
}, async () => {
  const gateway = await stage.gateway({ ...env, MAX_SESSIONS: '2' });
  const stuck: net.Socket[] = [];
  for (let count = 0; count < 20; count += 1) {
    const socket = net.connect({ host: gateway.host, port: gateway.port });
    socket.on('error', () => {});
    await once(socket, 'connect');
    // The beginning of a ClientHello, or nothing at all.
    if (count % 2 === 0) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]));
    stuck.push(socket);
  }
  const closed = Promise.all(stuck.map((socket) => once(socket, 'close')));
  for (let count = 0; count < 2; count += 1) await (await connectTls(gateway, { ca })).handshake();
  const third = await connectTls(gateway, { ca });
  await third.expect({ error: 'handshake_rejected', fatal: true });
  await third.expectClosed();
  for (const socket of stuck) socket.resume();
  await closed;
});

test('one address cannot use up the room for handshakes', { timeout: 60_000 }, async () => {
  const gateway = await stage.gateway(env);
  let ended = 0;
  const stuck = Array.from({ length: 1100 }, () => {
    const socket = net.connect({ host: gateway.host, port: gateway.port, localAddress: '127.0.0.2' });
    socket
      .on('error', () => {})
      .on('close', () => {
        ended += 1;
      });
    return socket.resume();
  });
  await waitUntil(
    () => ended >= 76,
    () => `what is over 1024 is closed; ${ended} are`,
    9000,
  );
  expect(ended).toBe(76);
  await (await connectTls(gateway, { ca })).handshake();
  for (const socket of stuck) socket.destroy();
  const again = async (): Promise<boolean> => {
    const client = await connectTls(gateway, { ca, localAddress: '127.0.0.2' }).catch(() => undefined);
    await client?.handshake();
    return client !== undefined;
  };
  // Long before the time for a handshake is over.
  await waitUntil(again, 'the gateway knows that they are closed', 5000);
});

test('a handshake in small pieces is as good as one in one', async () => {
  const gateway = await stage.gateway(env);
  const dripping = net.createServer((inner) => {
    const outer = net.connect({ host: gateway.host, port: gateway.port });
    inner.on('error', () => outer.destroy()).on('close', () => outer.destroy());
    outer.on('error', () => inner.destroy()).on('close', () => inner.destroy());
    outer.setNoDelay(true);
    outer.pipe(inner);
    let turn = Promise.resolve();
    inner.on('data', (chunk: Buffer) => {
      turn = turn.then(async () => {
        for (let at = 0; at < chunk.length; at += 50) {
          outer.write(chunk.subarray(at, at + 50));
          await pass(1);
        }
      });
    });
  });
  dripping.listen(0, '127.0.0.1');
  await once(dripping, 'listening');
  stage.keep({ stop: () => dripping.close() });
  const client = await connectTls({ host: '127.0.0.1', port: (dripping.address() as net.AddressInfo).port }, { ca });
  await client.handshake();
  client.destroy();
});

test('a reset in the middle of a TLS session, or of its refusal, costs nobody else anything', async () => {
  const gateway = await stage.gateway({ ...env, MAX_SESSIONS: '1' });
  for (let round = 0; round < 10; round += 1) {
    const client = await connectTls(gateway, { ca });
    if (round % 2 === 0) await client.handshake();
    const refused = await connectTls(gateway, { ca });
    resetTls(refused);
    resetTls(client);
    await waitUntil(() => gateway.target.sessions?.() === 0, 'the session is over');
  }
  await (await connectTls(gateway, { ca })).handshake();
  expect(gateway.logText()).not.toContain('fault of the gateway');
});

test('a TLS 1.2 client cannot make the gateway negotiate again and again', async () => {
  const gateway = await stage.gateway(env);
  const client = await connectTls(gateway, { ca, maxVersion: 'TLSv1.2' });
  await client.handshake();
  const socket = client.socket as tls.TLSSocket;
  const outcome = await new Promise<string>((resolve) => {
    socket.once('error', () => resolve('refused')).once('close', () => resolve('refused'));
    socket.renegotiate({ rejectUnauthorized: true }, (error) => resolve(error ? 'refused' : 'renegotiated'));
  });
  expect(outcome).toBe('refused');
});

test('an early plain-text line cannot be smuggled in front of the handshake', async () => {
  const backend = await stage.backend();
  const gateway = await stage.gateway({ ...env, BACKEND_URL: backend.url });
  const before = `${HANDSHAKE}{"cmd":"CONTROL","payload":{"url":"/never","method":"POST"}}\n`;
  await expect(connectTls(gateway, { ca, before })).rejects.toThrow();
  expect(backend.requests).toEqual([]);
});

test('[OS-1.6] behind a half-close a reset of the connection below TLS keeps waiting CONTROLs from being sent', async () => {
  const gate = createGate();
  const backend = await stage.backend(async (request, reply) => {
    if (request.path === '/first') await gate.opened;
    reply.empty();
  });
  const gateway = await stage.gateway({ ...env, BACKEND_URL: backend.url });
  const client = await connectTls(gateway, { ca });
  client.sendLines([
    { cmd: 'HANDSHAKE', payload: { major: 1 } },
    ...['/first', '/second', '/third'].map((url) => ({ cmd: 'CONTROL', payload: { url, method: 'POST' } })),
  ]);
  client.end();
  await backend.waitFor(1);
  const other = await connectTls(gateway, { ca });
  await other.handshake();
  await other.fence();
  resetTls(client);
  await other.fence();
  gate.open();
  for (let n = 0; n < 5; n += 1) {
    other.command('CONTROL', { url: '/other', method: 'POST', ack: true });
    await other.expect('control_ack');
  }
  other.destroy();
  expect(backend.requests.map(({ path }) => path).filter((path) => path !== '/other')).toEqual(['/first']);
});
