// A backend that answers out of shape: what is left of one answer must never become the answer of the next request.
import net from 'node:net';
import { expect, test } from 'vitest';
import { answer } from '../faults/support/raw-backend.ts';
import type { TestClient } from '../support/client.ts';
import type { Json } from '../support/match.ts';
import { useStage } from './support/stage.ts';

const stage = useStage();

/** The second of two requests gets the honest answer, if it is asked at all. */
const HONEST = '{"honest":true}';
const EVIL = answer(200, '{"evil":true}');

async function control(client: TestClient, id: number): Promise<Json> {
  client.command('CONTROL', { url: `/c/${id}`, method: 'POST', ack: true, id, body: {} });
  return client.expect({ id });
}

const POISON: Readonly<Record<string, string>> = {
  'a second answer in the same segment': answer(200, '{"first":true}') + EVIL,
  'more body than was announced': `${answer(200, '{"first":true}')}{"evil":true}`,
  'both lengths': `HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${EVIL}`,
  'two content-lengths': `HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 40\r\n\r\n{}${EVIL}`,
  'a length that is no number': `HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\n{}${EVIL}`,
  'a length with a sign': `HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\n{}${EVIL}`,
  'a length that overflows': `HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551618\r\n\r\n{}${EVIL}`,
  'a chunk size that overflows': `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n${EVIL}`,
  'an unknown transfer coding': `HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n${EVIL}`,
  'a header folded onto the next line': `HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: a\r\n b\r\n\r\n{}${EVIL}`,
  'a space before the colon': `HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\n{}${EVIL}`,
  'lines that end in LF alone': `HTTP/1.1 200 OK\ncontent-length: 2\n\n{}${EVIL}`,
  'a body behind 204': `HTTP/1.1 204 No Content\r\ncontent-length: 13\r\n\r\n{"evil":true}${EVIL}`,
  'a body behind 304': `HTTP/1.1 304 Not Modified\r\ncontent-length: 13\r\n\r\n{"evil":true}${EVIL}`,
  'an interim answer and two final ones': `HTTP/1.1 103 Early Hints\r\nlink: </evil>\r\n\r\n${answer(200, '{"first":true}')}${EVIL}`,
  'a change of protocol': `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: evil\r\n\r\n${EVIL}`,
  'HTTP/0.9': '{"evil":true}\r\n',
};

for (const [name, bytes] of Object.entries(POISON)) {
  test(`${name}: the next command gets its own answer, over a connection that is clean`, async () => {
    const backend = await stage.rawBackend((request, socket) => {
      socket.write(request.index === 0 ? bytes : answer(200, HONEST));
    });
    const gateway = await stage.gateway({
      BACKEND_URL: backend.url,
      BACKEND_CONNECTIONS: '1',
      BACKEND_TIMEOUT_MS: '500',
    });
    const client = await gateway.ready();
    const first = await control(client, 1);
    expect(JSON.stringify(first)).not.toContain('"evil":true}');
    for (let id = 2; id < 6; id += 1)
      expect(await control(client, id)).toMatchObject({ type: 'control_ack', result: { honest: true } });
    // Each was sent once and only once, whatever happened to the connection.
    expect(backend.requests.map(({ path }) => path)).toEqual(['/c/1', '/c/2', '/c/3', '/c/4', '/c/5']);
  });
}

test('commands that wait already do not get what stands behind the answer of the one before', async () => {
  for (const connections of ['1', '4']) {
    const backend = await stage.rawBackend((_request, socket) => socket.write(answer(200, HONEST) + EVIL.repeat(3)));
    const gateway = await stage.gateway({ BACKEND_URL: backend.url, BACKEND_CONNECTIONS: connections });
    const client = await gateway.ready();
    client.sendLines(
      Array.from({ length: 20 }, (_, id) => ({
        cmd: 'CONTROL',
        payload: { url: `/c/${id}`, method: 'POST', ack: true, id },
      })),
    );
    for (let id = 0; id < 20; id += 1) {
      const line = await client.expect({ id });
      expect(JSON.stringify(line)).not.toContain('evil');
      if (line['type'] !== 'control_ack') expect(line).toMatchObject({ outcome: 'unknown' });
    }
    const paths = backend.requests.map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
  }
});

test('a redirect is an answer, not an order: no other origin is ever asked', async () => {
  let visits = 0;
  const evil = net.createServer((socket) => {
    visits += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
  stage.keep({ stop: () => evil.close() });
  const other = `http://127.0.0.1:${(evil.address() as net.AddressInfo).port}/`;
  const backend = await stage.rawBackend((request, socket) => {
    const status = [301, 302, 303, 307, 308, 300, 305][request.index % 7]!;
    const headers = `location: ${other}\r\nrefresh: 0; url=${other}\r\nalt-svc: h2="127.0.0.1:1"\r\n`;
    socket.write(answer(status, '', headers));
  });
  const gateway = await stage.gateway({ BACKEND_URL: backend.url });
  const client = await gateway.ready();
  for (let id = 0; id < 7; id += 1) expect(await control(client, id)).toMatchObject({ type: 'control_err' });
  client.command('MONITOR', { url: '/m', method: 'GET', period_ms: 30_000 });
  await client.expect('monitor_ack');
  await client.expect('monitor_internal_error');
  expect(visits).toBe(0);
  expect(backend.requests.length).toBe(8);
});

test('answers are never taken apart or blown up: compressed bodies stay as they are, heads and bodies have bounds', async () => {
  const { gzipSync } = await import('node:zlib');
  const bomb = gzipSync(Buffer.alloc(20_000_000, ' '));
  const backend = await stage.rawBackend((request, socket) => {
    if (request.index === 0) {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`);
      socket.write(bomb);
    } else if (request.index === 1)
      socket.write(`HTTP/1.1 200 OK\r\n${'x: yyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(20_000)}\r\n`);
    else if (request.index === 2) socket.write(answer(500, JSON.stringify('z'.repeat(2_000_000))));
    else socket.write(answer(200, HONEST));
  });
  const gateway = await stage.gateway({ BACKEND_URL: backend.url, BACKEND_CONNECTIONS: '1' });
  const client = await gateway.ready();
  const first = await control(client, 1);
  expect((JSON.stringify(first['result']) ?? '').length).toBeLessThan(10 * bomb.length);
  expect(await control(client, 2)).toMatchObject({ type: 'control_err', outcome: 'unknown' });
  const third = await control(client, 3);
  expect(third).toMatchObject({ type: 'control_err', status: 500 });
  expect(JSON.stringify(third).length).toBeLessThan(1_100_000);
  expect(await control(client, 4)).toMatchObject({ result: { honest: true } });
});
