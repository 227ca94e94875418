// PROXY headers on the wire: believed from TRUSTED_PROXIES alone, and then the address they tell is the client's everywhere.
import { once } from 'node:events';
import net from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../access/support/fuzz.ts';
import { binary, block, line, SIGNATURE } from '../access/support/proxy-headers.ts';
import { temporaryFolder } from '../access/support/temporary-folder.ts';
import { waitUntil } from '../faults/support/wait.ts';
import type { TestClient } from '../support/client.ts';
import { type GuardedGateway, useStage } from './support/stage.ts';
import { connectTls, makeIdentity } from './support/tls-client.ts';

const stage = useStage();
const folder = temporaryFolder();
const BALANCER = '127.0.0.9';
const TRUSTED = { TRUSTED_PROXIES: `${BALANCER},192.0.2.0/24` };
const HANDSHAKE = '{"cmd":"HANDSHAKE","payload":{"major":1}}\n';

const v1 = (address: string, port = 1234): string =>
  `PROXY TCP${address.includes(':') ? 6 : 4} ${address} ${address.includes(':') ? '2001:db8::1' : '192.0.2.1'} ${port} 49000\r\n`;

const v2 = (address: string): Buffer =>
  binary(
    0x21,
    0x11,
    Buffer.concat([Buffer.from(address.split('.').map(Number)), Buffer.from([192, 0, 2, 1, 4, 210, 191, 104])]),
  );

/** A client behind the balancer; the header and its first bytes come in one segment. */
async function behind(gateway: GuardedGateway, header: string | Uint8Array, first = HANDSHAKE): Promise<TestClient> {
  const client = await gateway.connect({ localAddress: BALANCER });
  client.sendRaw(Buffer.concat([Buffer.from(header), Buffer.from(first)]));
  return client;
}

test('the told address is the session’s, for version 1 and version 2', async () => {
  const gateway = await stage.gateway(TRUSTED);
  const told: readonly (readonly [string | Buffer, string])[] = [
    [v1('203.0.113.7'), '203.0.113.7'],
    [v1('2001:DB8:0:0::7'), '2001:db8::7'],
    [v1('::ffff:203.0.113.8'), '203.0.113.8'],
    [v2('203.0.113.9'), '203.0.113.9'],
    [binary(0x20, 0x00, ''), BALANCER],
    ['PROXY UNKNOWN\r\n', BALANCER],
  ];
  for (const [header] of told) {
    const client = await behind(gateway, header);
    await client.expect('handshake_ack');
  }
  expect(gateway.logged('session began').map(({ address }) => address)).toEqual(told.map(([, address]) => address));
});

test('a header may be cut anywhere, and may stand in one segment with what follows', async () => {
  const gateway = await stage.gateway(TRUSTED);
  for (const header of [Buffer.from(v1('203.0.113.7')), v2('203.0.113.7')]) {
    const bytes = Buffer.concat([header, Buffer.from(HANDSHAKE)]);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const client = await gateway.connect({ localAddress: BALANCER });
      await client.sendChunks([bytes.subarray(0, cut), bytes.subarray(cut)]);
      await client.expect('handshake_ack');
      client.destroy();
    }
    const dripped = await gateway.connect({ localAddress: BALANCER });
    await dripped.sendChunks([...bytes].map((byte) => Buffer.from([byte])));
    await dripped.expect('handshake_ack');
    dripped.destroy();
  }
  expect(new Set(gateway.logged('session began').map(({ address }) => address))).toEqual(new Set(['203.0.113.7']));
});

test('a header from anybody else is no header: invalid_ndjson, fatal, and nothing behind it is executed', async () => {
  const backend = await stage.backend();
  for (const env of [TRUSTED, {}]) {
    const gateway = await stage.gateway({ ...env, BACKEND_URL: backend.url });
    for (const header of [v1('127.0.0.9'), v2('127.0.0.9'), 'PROXY UNKNOWN\r\n', binary(0x20, 0x00, '')]) {
      const client = await gateway.connect({ localAddress: '127.0.0.2' });
      client.sendRaw(Buffer.concat([Buffer.from(header), Buffer.from(HANDSHAKE)]));
      client.command('CONTROL', { url: '/never', method: 'POST' });
      await client.expect({ error: 'invalid_ndjson', fatal: true });
      await client.expectClosed();
    }
    expect(gateway.logged('session began').every(({ address }) => address === '127.0.0.2')).toBe(true);
  }
  expect(backend.requests).toEqual([]);
});

const BROKEN: Readonly<Record<string, string | Buffer>> = {
  'no header': '',
  'a header for UDP': binary(0x21, 0x12, 'c0000201c0000202000100020000'),
  'a header that is too short for its addresses': binary(0x21, 0x11, 'c0000201'),
  'a header that claims to be huge': binary(0x21, 0x11, '', 65_535),
  'an unknown version': binary(0x31, 0x11, 'c0000201c000020200010002'),
  'a line with LF alone': 'PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n',
  'a line with an octet in octal': 'PROXY TCP4 192.0.2.07 192.0.2.1 1 2\r\n',
  'a line with a name': 'PROXY TCP4 localhost 192.0.2.1 1 2\r\n',
  'a line that is too long': `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
  'a line with a port too many': 'PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n',
  'a signature with one wrong byte': Buffer.concat([SIGNATURE.subarray(0, 11), Buffer.from('X')]),
};

for (const [name, header] of Object.entries(BROKEN)) {
  test(`${name} from a trusted proxy is refused, and nothing behind it is executed`, async () => {
    const backend = await stage.backend();
    const gateway = await stage.gateway({ ...TRUSTED, BACKEND_URL: backend.url });
    const first = `${HANDSHAKE}{"cmd":"CONTROL","payload":{"url":"/never","method":"POST"}}\n`;
    const client = await behind(gateway, header, first);
    await client.expectClosed();
    expect(client.lines).toEqual([]);
    expect(backend.requests).toEqual([]);
    expect(gateway.logged('session began')).toEqual([]);
    expect(gateway.logged('connection refused')[0]).toMatchObject({ reason: 'proxy_header', address: BALANCER });
  });
}

test('a second header is the client’s own and gets it nowhere', async () => {
  const gateway = await stage.gateway(TRUSTED);
  const client = await behind(gateway, `${v1('203.0.113.7')}${v1('127.0.0.1')}`);
  await client.expect({ error: 'invalid_ndjson', fatal: true });
  await client.expectClosed();
  expect(gateway.logged('session began').map(({ address }) => address)).toEqual(['203.0.113.7']);
});

test('a trusted proxy that says nothing is not waited for for ever', async () => {
  const gateway = await stage.gateway({ ...TRUSTED, MAX_SESSIONS: '1' });
  const silent = net.connect({ host: gateway.host, port: gateway.port, localAddress: BALANCER });
  silent.on('error', () => {}).resume();
  await once(silent, 'connect');
  silent.write('PROX');
  await (await behind(gateway, v1('203.0.113.7'))).expect('handshake_ack');
  await once(silent, 'close');
});

test('limits count by the told address, IPv6 by its /64', async () => {
  const gateway = await stage.gateway({ ...TRUSTED, MAX_SESSIONS_PER_IP: '1', LIMITS_ALLOW: '203.0.113.99' });
  const table: readonly (readonly [string, boolean])[] = [
    ['203.0.113.7', true],
    ['203.0.113.7', false],
    ['203.0.113.8', true],
    ['2001:db8:1:1::1', true],
    ['2001:db8:1:1:ffff::2', false],
    ['2001:db8:1:2::1', true],
    ['203.0.113.99', true],
    ['203.0.113.99', true],
  ];
  for (const [address, admitted] of table) {
    const client = await behind(gateway, v1(address));
    await client.expect(admitted ? 'handshake_ack' : { error: 'handshake_rejected', fatal: true });
  }
});

test('wrong tokens slow down the told address, not the balancer and everybody behind it', async () => {
  const gateway = await stage.gateway({ ...TRUSTED, AUTH_TOKENS: 'panel:token-panel' });
  const guess = async (address: string): Promise<number> => {
    const begun = performance.now();
    const client = await behind(gateway, v1(address));
    await client.expect('handshake_rejected');
    return performance.now() - begun;
  };
  for (let count = 0; count < 4; count += 1) await guess('203.0.113.7');
  const slow = await guess('203.0.113.7');
  expect(slow).toBeGreaterThan(999);
  expect(await guess('203.0.113.8')).toBeLessThan(slow);
  expect(gateway.logged('HANDSHAKE with wrong or missing credentials')[0]).toMatchObject({ address: '203.0.113.7' });
});

test('who holds control is named by the told address', async () => {
  const gateway = await stage.gateway({ ...TRUSTED, CONTROL_EXCLUSIVE: 'on' });
  const holder = await behind(gateway, v2('203.0.113.7'));
  await holder.expect('handshake_ack');
  holder.command('CONTROL', { url: '/project/robot/stop', method: 'POST', body: {}, ack: true });
  await holder.next();
  const other = await behind(gateway, v2('203.0.113.8'));
  await other.expect('handshake_ack');
  other.command('CONTROL', { url: '/project/robot/stop', method: 'POST', body: {} });
  await other.expect({ error: 'control_busy', message: /203\.0\.113\.7/ });
});

test('behind TLS: the header comes first, in clear text, and tells the address of the TLS session', async () => {
  const { authority, server } = makeIdentity();
  const env = { TLS_CERT: folder.write('cert.pem', server.cert), TLS_KEY: folder.write('key.pem', server.key) };
  const gateway = await stage.gateway({ ...TRUSTED, ...env });
  const options = { ca: authority.cert, localAddress: BALANCER };
  for (const before of [v1('203.0.113.7'), v2('203.0.113.7')]) {
    const client = await connectTls(gateway, { ...options, before });
    await client.handshake();
    client.destroy();
  }
  expect(new Set(gateway.logged('session began').map(({ address }) => address))).toEqual(new Set(['203.0.113.7']));
  // Without one, and from somebody else with one.
  await expect(connectTls(gateway, options)).rejects.toThrow();
  await expect(connectTls(gateway, { ca: authority.cert, before: v1('203.0.113.7') })).rejects.toThrow();
  // A header inside TLS is the client's own.
  const inside = await connectTls(gateway, { ...options, before: v1('203.0.113.7') });
  inside.sendRaw(v1('127.0.0.1'));
  await inside.expect({ error: 'invalid_ndjson', fatal: true });
});

test('any valid header in any pieces leads to its address', { timeout: 60_000 }, async () => {
  const gateway = await stage.gateway(TRUSTED);
  await fc.assert(
    fc.asyncProperty(fc.oneof(line, block), fc.array(fc.nat({ max: 300 }), { maxLength: 4 }), async (header, cuts) => {
      const bytes = Buffer.concat([header.bytes, Buffer.from(HANDSHAKE)]);
      const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
      const client = await gateway.connect({ localAddress: BALANCER });
      await client.sendChunks(places.slice(1).map((to, index) => bytes.subarray(places[index], to)));
      await client.expect('handshake_ack');
      expect(gateway.logged('session began').at(-1)).toMatchObject({ address: header.source.address });
      client.destroy();
    }),
    { numRuns: runs(100) },
  );
});

test('no header makes the gateway fault, and each bad one ends its connection', { timeout: 60_000 }, async () => {
  const gateway = await stage.gateway(TRUSTED);
  const spoiled = fc
    .tuple(fc.oneof(line, block), fc.nat(), fc.integer({ min: 1, max: 255 }))
    .map(([{ bytes }, at, flip]) => {
      const copy = Buffer.from(bytes);
      copy[at % copy.length]! ^= flip;
      return copy;
    });
  const garbage = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  await fc.assert(
    fc.asyncProperty(fc.oneof(spoiled, garbage), async (bytes) => {
      const client = await gateway.connect({ localAddress: BALANCER });
      client.sendRaw(bytes);
      client.end();
      await client.expectClosed({ discard: true });
      client.destroy();
    }),
    { numRuns: runs(150) },
  );
  await waitUntil(() => gateway.target.sessions?.() === 0, 'all sessions are over');
  expect(gateway.logText()).not.toContain('fault of the gateway');
  await (await behind(gateway, v1('203.0.113.7'))).expect('handshake_ack');
});
