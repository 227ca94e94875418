// How a connection begins: addresses, byte order mark, white space, and the first byte that tells an NDJSON client.
import { expect } from 'vitest';
import { check } from '../support/check.ts';
import type { TestGateway } from '../support/gateway.ts';
import { hasIpv6, NO_IPV6 } from '../support/ipv6.ts';

const HANDSHAKE = '{"cmd":"HANDSHAKE","payload":{"major":1}}';
const ACK = '{"type":"handshake_ack","ok":true,"version":"1.0.0"}';
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

check('connect.ipv4-and-ipv6', '[OS-1.1] clients reach the gateway by IPv4 and by IPv6', async (t) => {
  const { gateway } = await t.pair(undefined, { HOST: '::' });
  if (!hasIpv6()) console.warn(`only IPv4 was tried: ${NO_IPV6}`);
  for (const host of hasIpv6() ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
    const client = await gateway.connect({ host });
    client.send(HANDSHAKE);
    expect((await client.nextLine()).text).toBe(ACK);
  }
});

check('connect.server-waits', '[OS-1.1] the server says nothing before the client does', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  const other = await gateway.connect();
  await other.handshake();
  await client.fence();
});

check('connect.bom', '[OS-1.2] a connection may begin with a byte order mark', async (t) => {
  const { gateway } = await t.pair();
  const whole = await gateway.connect();
  whole.sendRaw(Buffer.concat([BOM, Buffer.from(`${HANDSHAKE}\n`)]));
  await whole.expect('handshake_ack');
  await whole.fence();

  const cut = await gateway.connect();
  await cut.sendChunks([BOM.subarray(0, 1), BOM.subarray(1, 2), BOM.subarray(2), `${HANDSHAKE}\n`]);
  await cut.expect('handshake_ack');
});

check('connect.bom-then-white-space', '[OS-1.2] white space may follow the byte order mark', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  client.sendRaw(Buffer.concat([BOM, Buffer.from(`\r\n \t\n${HANDSHAKE}\n`)]));
  await client.expect('handshake_ack');
});

check(
  'connect.bom-later',
  '[OS-1.2] a byte order mark anywhere else is not JSON, which costs that line only',
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.ready();
    client.sendRaw(Buffer.concat([BOM, Buffer.from(`${HANDSHAKE}\n`)]));
    await client.expect({ error: 'invalid_ndjson', fatal: undefined });
    await client.fence();
  },
);

check(
  'connect.bom-not-first',
  '[OS-1.7] a second byte order mark, or one after white space, is no NDJSON client',
  async (t) => {
    const { gateway } = await t.pair();
    for (const start of [Buffer.concat([BOM, BOM]), Buffer.concat([Buffer.from(' '), BOM])]) {
      const client = await gateway.connect();
      client.sendRaw(Buffer.concat([start, Buffer.from(`${HANDSHAKE}\n`)]));
      await client.expect({ error: 'invalid_ndjson', fatal: true });
      await client.expectClosed();
    }
  },
);

check(
  'connect.white-space-first',
  '[OS-1.7] white space before the first { does not count as its first byte',
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.connect();
    await client.sendChunks(['\r\n', ' \t', '\n\n  ', `${HANDSHAKE}\n`]);
    await client.expect('handshake_ack');
  },
);

/** One fatal answer, the end, and nothing executed of what came with it. */
async function refused(gateway: TestGateway, chunks: readonly (string | Uint8Array)[]): Promise<void> {
  const client = await gateway.connect();
  await client.sendChunks(chunks);
  await client.expect({ error: 'invalid_ndjson', fatal: true, message: (text: unknown) => text !== '' });
  await client.expectClosed();
}

check('connect.first-byte', '[OS-1.7] a connection that does not begin with { gets one fatal answer', async (t) => {
  const { gateway } = await t.pair();
  const clientHello = Buffer.from([0x16, 0x03, 0x01, 0x00, 0xc8, 0x01, 0x00, 0x00, 0xc4, 0x03, 0x03]);
  const starts = ['[', '"x"', '1\n', 'null\n', '}', 'h', '\0', '\u00a0{', '\v{', '\f{', clientHello, '[{"cmd":1}]\n'];
  for (const start of starts) await refused(gateway, [start]);
  await refused(gateway, ['\n \r\n', '\t', 'x']);
  await refused(gateway, [Buffer.from([0xff])]);
});

check('connect.http-post', '[OS-1.7] NDJSON in the body of a POST from a web page moves nothing', async (t) => {
  const { backend, gateway } = await t.pair();
  const control = '{"cmd":"CONTROL","payload":{"url":"/move","method":"POST","body":{}}}';
  const body = `${HANDSHAKE}\n${control}\n${control}\n`;
  const request = `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  await refused(gateway, [request]);
  await refused(gateway, ['P', 'OST / HTTP/1.1\r\n\r\n', body]);
  // A session served afterwards shows that the gateway had its time to execute what it must not.
  const client = await gateway.ready();
  client.command('CONTROL', { url: '/after', method: 'POST', ack: true });
  await client.expect('control_ack');
  expect(backend.requests.map((request_) => request_.path)).toEqual(['/after']);
});

check(
  'connect.broken-line-lives',
  '[OS-1.7] a first line that is broken behind its { is answered, and the session lives',
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.connect();
    client.send('{"cmd":"HANDSHAKE","payload":{"major":1}');
    await client.expect({ error: 'invalid_ndjson', fatal: undefined });
    await client.handshake();
    client.send('{oops');
    await client.expect({ error: 'invalid_ndjson', fatal: undefined });
    await client.fence();
  },
);

check('connect.only-the-first', '[OS-1.7] only the first byte of the connection must be {', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  for (const line of ['GET / HTTP/1.1', '[]', 'x']) {
    client.send(line);
    await client.expect({ error: 'invalid_ndjson', fatal: undefined });
  }
  await client.fence();
});

check('connect.own-session', '[OS-3.2] no ack or error reaches another session', async (t) => {
  const { gateway } = await t.pair();
  const clients = await Promise.all(Array.from({ length: 100 }, () => gateway.connect()));
  for (const [index, client] of clients.entries()) {
    client.command('HANDSHAKE', { major: 1, id: `hello-${index}` });
    client.command('MISTAKE', { id: index });
    client.command('STOP', { target: 'nothing', id: index });
  }
  for (const [index, client] of clients.entries()) {
    await client.expect({ type: 'handshake_ack', id: `hello-${index}` });
    await client.expect({ error: 'invalid_cmd', id: index });
    await client.expect({ error: 'invalid_target', id: index });
  }
  for (const client of clients) expect(client.unread).toEqual([]);
});
