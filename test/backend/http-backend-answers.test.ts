// Complete answers in every form HTTP has for them, and what a request carries [OS-2.5] [OS-2.6].
import { afterEach, describe, expect, test } from 'vitest';
import type { CompleteAnswer } from '../../src/backend/backend.ts';
import type { HttpBackendOptions } from '../../src/backend/http-backend.ts';
import { answer, type RawHandler } from '../faults/support/raw-backend.ts';
import { waitUntil } from '../faults/support/wait.ts';
import { Pair } from './support.ts';

let pair: Pair | undefined;
afterEach(async () => {
  await pair?.stop();
  pair = undefined;
});

async function ask(handler: RawHandler, options: Partial<HttpBackendOptions> = {}): Promise<CompleteAnswer> {
  pair = await Pair.start(handler, options);
  const got = await pair.ask();
  if (!got.ok) throw new Error(`no complete answer: ${got.reason}`);
  return got;
}

const write =
  (bytes: string): RawHandler =>
  (_request, socket) =>
    socket.write(bytes);
const end =
  (bytes: string): RawHandler =>
  (_request, socket) =>
    socket.end(bytes);

describe('forms of an answer', () => {
  test.each<[string, RawHandler, number, string]>([
    ['a length', write(answer(200, '{"a":1}')), 200, '{"a":1}'],
    ['no body', write(answer(204)), 204, ''],
    ['not modified', write('HTTP/1.1 304 X\r\n\r\n'), 304, ''],
    [
      'not modified, with the length of what it does not send',
      write('HTTP/1.1 304 X\r\ncontent-length: 9\r\n\r\n'),
      304,
      '',
    ],
    ['no content, with a length all the same', write('HTTP/1.1 204 X\r\ncontent-length: 2\r\n\r\n{}'), 204, ''],
    ['until the end of the connection', end('HTTP/1.1 200 X\r\n\r\n{"a":1}'), 200, '{"a":1}'],
    ['HTTP 1.0', end('HTTP/1.0 200 X\r\n\r\n{"a":1}'), 200, '{"a":1}'],
    [
      'chunks',
      write('HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'),
      200,
      '{"a":1}',
    ],
    [
      'chunks with extensions and trailers',
      write('HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n7;x=y\r\n{"a":1}\r\n0\r\nretry-after: 9\r\n\r\n'),
      200,
      '{"a":1}',
    ],
    ['a preliminary answer before', write(`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${answer(200, '1')}`), 200, '1'],
    ['several of them', write(`HTTP/1.1 102 X\r\n\r\nHTTP/1.1 103 X\r\n\r\n${answer(500, '2')}`), 500, '2'],
    ['a status nobody has heard of', write(answer(799, '3')), 799, '3'],
    ['a redirect, which is not followed', write(answer(302, '', 'location: /elsewhere\r\n')), 302, ''],
  ])('%s', async (_name, handler, status, body) => {
    const got = await ask(handler);
    expect(got.status).toBe(status);
    expect(got.body.toString()).toBe(body);
    expect(got.oversize).toBe(false);
    expect(pair!.seen).toEqual(['POST /c']);
    expect(got.durationMs).toBeGreaterThan(0);
  });

  test('a body in many pieces is one', async () => {
    const got = await ask((_request, socket) => {
      socket.write('HTTP/1.1 200 X\r\ncontent-length: 26\r\n\r\n');
      const letters = [...'abcdefghijklmnopqrstuvwxyz'];
      const next = (): void => {
        const letter = letters.shift();
        if (letter !== undefined) socket.write(letter, () => setImmediate(next));
      };
      next();
    });
    expect(got.body.toString()).toBe('abcdefghijklmnopqrstuvwxyz');
  });
});

describe('[OS-2.5] the longest body', () => {
  const body = (bytes: number): string => `"${'x'.repeat(bytes - 2)}"`;

  test.each([
    [999, false],
    [1000, false],
    [1001, true],
    [200_000, true],
  ])('%d bytes of 1000', async (bytes, oversize) => {
    for (const status of [200, 500]) {
      const got = await ask(write(answer(status, body(bytes))));
      expect(got).toMatchObject({ status, oversize });
      expect(got.body.length).toBe(oversize ? 0 : bytes);
      await pair!.stop();
      pair = undefined;
    }
  });

  test('chunks are counted as they come, and the rest is never read', async () => {
    let written = 0;
    const got = await ask((_request, socket) => {
      socket.write('HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n');
      const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
      const more = (): void => {
        if (socket.destroyed || written > 100e6) return;
        written += 1024;
        if (socket.write(chunk)) setImmediate(more);
        else socket.once('drain', more);
      };
      more();
    });
    expect(got).toMatchObject({ status: 200, oversize: true });
    await waitUntil(() => pair!.ended.has(0), 'the connection is given up');
    expect(written).toBeLessThan(50e6);
    pair!.server.handler = write(answer(200, '1'));
    expect(await pair!.ask()).toMatchObject({ ok: true, oversize: false });
  });
});

describe('Retry-After', () => {
  test.each([
    [503, 'retry-after: 7\r\n', '7'],
    [429, 'ReTRy-AFTER: Fri, 02 Jan 2026 03:04:15 GMT\r\n', 'Fri, 02 Jan 2026 03:04:15 GMT'],
    [500, 'retry-after: 7\r\n', undefined],
    [200, 'retry-after: 7\r\n', undefined],
    [503, 'x-retry-after: 7\r\n', undefined],
  ])('status %d, %j', async (status, header, retryAfter) => {
    const got = await ask(write(answer(status, '', header)));
    expect(got.retryAfter).toBe(retryAfter);
  });
});

describe('[OS-2.6] what a request carries', () => {
  test('the base path, the path as it is, and the body character for character', async () => {
    pair = await Pair.start(write(answer(200)));
    const { url } = pair.server;
    await pair.stop();
    expect(url).toMatch(/^http/);
    pair = await Pair.start(write(answer(200)), {
      headers: { authorization: 'Bearer x', 'content-type': 'text/plain' },
    });
    const body = '{"n": 1.0,  "u":"é😀"}';
    await pair.ask({ method: 'PUT', path: '/tasks[0]/a%20b?x=%C3%A9&y', body });
    await pair.ask({ method: 'DELETE', path: '/d' });
    const [put, del] = pair.server.requests;
    expect(put).toMatchObject({ method: 'PUT', path: '/tasks[0]/a%20b?x=%C3%A9&y', body });
    const head = put!.head.toLowerCase();
    expect(head).toContain('authorization: bearer x');
    expect(head.match(/content-type: .*/g)).toEqual(['content-type: application/json']);
    expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
    expect(del).toMatchObject({ method: 'DELETE', path: '/d', body: '' });
    expect(del!.head.toLowerCase()).toContain('authorization: bearer x');
  });

  test('a base path of the backend stands before it', async () => {
    const server = await Pair.start(write(answer(200)));
    pair = await Pair.start(write(answer(200)), { url: `${server.server.url}/api/v1` });
    await pair.ask({ path: '/c?x=1' });
    expect(server.seen).toEqual(['POST /api/v1/c?x=1']);
    await server.stop();
  });
});
