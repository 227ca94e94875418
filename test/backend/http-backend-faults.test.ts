// Every way an exchange can go wrong, on real sockets: what is known of it must be true, and no request is ever sent twice.
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { HttpBackendOptions } from '../../src/backend/http-backend.ts';
import { answer, type RawHandler } from '../faults/support/raw-backend.ts';
import { pass, waitUntil } from '../faults/support/wait.ts';
import { Pair } from './support.ts';

let pair: Pair | undefined;
afterEach(async () => {
  await pair?.stop();
  pair = undefined;
});

async function ask(handler: RawHandler, options: Partial<HttpBackendOptions> = {}) {
  pair = await Pair.start(handler, options);
  return pair.ask();
}

const HEAD = 'HTTP/1.1 200 X\r\ncontent-type: application/json\r\n';

describe('no complete answer', () => {
  const cases: Record<string, { handler: RawHandler; status?: number; reason?: RegExp }> = {
    'the connection ends before any answer': { handler: (_r, socket) => socket.end() },
    'the connection is reset before any answer': { handler: (_r, socket) => socket.resetAndDestroy() },
    'half a status line, then the end': { handler: (_r, socket) => socket.end('HTTP/1.1 2') },
    'half of the headers, then the end': { handler: (_r, socket) => socket.end(`${HEAD}content-le`) },
    'headers, then the end': { handler: (_r, socket) => socket.end(`${HEAD}content-length: 10\r\n\r\n`), status: 200 },
    'half a body, then the end': {
      handler: (_r, socket) => socket.end(`${HEAD}content-length: 10\r\n\r\n{"a"`),
      status: 200,
    },
    'half a body of a refusal, then the end': {
      handler: (_r, socket) => socket.end('HTTP/1.1 503 X\r\ncontent-length: 10\r\n\r\n{'),
      status: 503,
    },
    'half a body, then a reset': {
      handler: (_r, socket) =>
        socket.write(`${HEAD}content-length: 10\r\n\r\n{"a"`, () => setTimeout(() => socket.resetAndDestroy(), 20)),
      status: 200,
    },
    'chunks without an end': {
      handler: (_r, socket) => socket.end(`${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`),
      status: 200,
    },
    'a chunk whose size is no number': {
      handler: (_r, socket) => socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n`),
      status: 200,
      reason: /does not speak HTTP/,
    },
    'no HTTP at all': {
      handler: (_r, socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
      reason: /does not speak HTTP/,
    },
    'two lengths that differ': {
      handler: (_r, socket) => socket.write(`${HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\nab`),
      reason: /not as long as announced|does not speak HTTP/,
    },
    'headers without an end': {
      handler: (_r, socket) => socket.write(`${HEAD}x: ${'y'.repeat(100_000)}\r\n`),
      reason: /headers|does not speak HTTP/,
    },
    'another protocol that nobody asked for': {
      handler: (_r, socket) => socket.write('HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
    },
    'a preliminary 100 that nobody asked for': {
      handler: (_r, socket) => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${answer(200)}`),
    },
    'only a preliminary status': { handler: (_r, socket) => socket.end('HTTP/1.1 103 Early Hints\r\n\r\n') },
  };

  test.each(Object.entries(cases))('%s: unknown, and sent once', async (_name, { handler, status, reason }) => {
    const got = await ask(handler);
    expect(got).toMatchObject({ ok: false, outcome: 'unknown', fault: 'connection' });
    expect(got.status).toBe(status);
    if (reason) expect((got as { reason: string }).reason).toMatch(reason);
    // Whoever would try again does it at once.
    await pair!.ask({ method: 'GET', path: '/after' }).catch(() => {});
    expect(pair!.seen.filter((line) => line === 'POST /c')).toHaveLength(1);
  });

  test('nobody listens: not sent', async () => {
    const free = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const { port } = free.address() as net.AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const got = await ask(() => {}, { url: `http://127.0.0.1:${port}` });
    expect(got).toMatchObject({ ok: false, outcome: 'not_sent', fault: 'connect' });
    expect((got as { reason: string }).reason).toMatch(/refused \(ECONNREFUSED\)/);
    expect(got.status).toBeUndefined();
  });

  test('a name that nobody knows: not sent', async () => {
    const got = await ask(() => {}, { url: 'http://nobody.invalid' });
    expect(got).toMatchObject({ ok: false, outcome: 'not_sent', fault: 'connect' });
  });

  test('a request that HTTP cannot carry is not sent, and said so in a later turn', async () => {
    pair = await Pair.start((_r, socket) => socket.write(answer(200)));
    for (const path of ['/a b', '/a\nb', '/\u0000']) {
      const got = await pair.ask({ path });
      expect(got).toMatchObject({ ok: false, outcome: 'not_sent' });
    }
    expect(pair.seen).toEqual([]);
  });

  test('connections that are reset as soon as they are made: what is called not sent was not', async () => {
    pair = await Pair.start((_r, socket) => socket.write(answer(200)));
    pair.server.onConnection = (socket) => socket.resetAndDestroy();
    for (let i = 0; i < 20; i++) {
      const got = await pair.ask({ path: `/${i}` });
      expect(got.ok).toBe(false);
    }
    expect(pair.seen).toEqual([]);
  });
});

describe('time', () => {
  const slow = { timeoutMs: 150 };

  test.each([
    ['no answer', (_r: unknown, _s: net.Socket) => {}, undefined],
    ['headers only', (_r: unknown, socket: net.Socket) => socket.write(`${HEAD}content-length: 5\r\n\r\n`), 200],
    ['a body that never ends', (_r: unknown, socket: net.Socket) => trickle(socket), 200],
  ] as const)('%s: unknown when the time is over', async (_name, handler, status) => {
    const got = await ask(handler as RawHandler, slow);
    expect(got).toMatchObject({ ok: false, outcome: 'unknown', fault: 'timeout' });
    expect(got.status).toBe(status);
    expect(got.durationMs).toBeGreaterThanOrEqual(140);
    // Its connection is of no use any more and is given up.
    await waitUntil(() => pair!.ended.has(0), 'the connection is closed');
  });

  function trickle(socket: net.Socket): void {
    socket.write(`${HEAD}content-length: 900\r\n\r\n`);
    const timer = setInterval(() => socket.write('x'), 10);
    socket.on('close', () => clearInterval(timer));
  }

  test('making a connection counts, and what was never sent is called so', async () => {
    // TLS with somebody who never says a word: the connection is never made.
    pair = await Pair.start(() => {});
    const silent = await Pair.start(() => {}, { url: pair.server.url.replace('http:', 'https:'), timeoutMs: 150 });
    const [first, second] = await Promise.all([silent.ask(), silent.ask()]);
    for (const got of [first, second]) expect(got).toMatchObject({ ok: false, outcome: 'not_sent' });
    expect(['timeout', 'connect']).toContain((first as { fault: string }).fault);
    await silent.stop();
    expect(pair.seen).toEqual([]);
  });

  test('what it waited for a connection is told of a call whose time is over', async () => {
    pair = await Pair.start(() => {}, { timeoutMs: 500, connections: 1 });
    const first = pair.make({ path: '/first' });
    const second = pair.make({ path: '/second' });
    await waitUntil(() => pair!.seen.length === 1, 'the first is under way');
    first.call.abort();
    const got = await second.answered;
    expect(got).toMatchObject({ fault: 'timeout' });
    expect((got as { reason: string }).reason).toMatch(
      /^no (complete answer came|connection was made) within 500 ms, \d+ ms of which it waited for a free connection$/,
    );
  });

  test('waiting for a free connection counts too', async () => {
    pair = await Pair.start(() => {}, { timeoutMs: 200, connections: 1 });
    const made = Array.from({ length: 50 }, (_, i) => pair!.make({ path: `/${i}` }));
    const answers = await Promise.all(made.map(({ answered }) => answered));
    for (const [i, got] of answers.entries()) {
      if (got.ok) throw new Error('nobody answers');
      // Whoever had one tells of the backend, all others only of the connections.
      expect(['timeout', 'full']).toContain(got.fault);
      if (got.fault === 'full') expect(got.outcome).toBe('not_sent');
      if (got.outcome === 'not_sent') expect(pair.seen).not.toContain(`POST /${i}`);
    }
    expect(answers[0]).toMatchObject({ fault: 'timeout' });
    expect(answers.filter((got) => !got.ok && got.fault === 'full').length).toBeGreaterThan(0);
    pair.server.handler = (_r, socket) => socket.write(answer(200));
    let tries = 0;
    await waitUntil(async () => (await pair!.ask({ path: `/last-${++tries}` })).ok, 'a call succeeds again');
    expect(new Set(pair.seen).size).toBe(pair.seen.length);
  });
});

describe('abort', () => {
  test('before a connection is free: not sent, truly never', async () => {
    pair = await Pair.start(() => {}, { connections: 1 });
    pair.make({ path: '/first' });
    await waitUntil(() => pair!.seen.length === 1, 'the first is under way');
    const waiting = ['/a', '/b', '/c'].map((path) => pair!.make({ path, body: '{"do":"it"}' }));
    waiting[1]!.call.abort();
    expect(waiting[1]!.answers).toMatchObject([{ ok: false, outcome: 'not_sent', fault: 'aborted' }]);
    pair.server.handler = (_r, socket) => socket.write(answer(200));
    pair.server.requests.length = 0;
    // The first is answered late; the others go one after the other over its connection, or a new one.
    for (const made of waiting) made.call.abort();
    expect(await pair.ask({ path: '/last', method: 'GET' }, 'poll')).toMatchObject({ ok: true });
    await pair.backend.close();
    expect(pair.seen).toEqual(['GET /last']);
  });

  test('while the connection is being made: not sent', async () => {
    pair = await Pair.start((_r, socket) => socket.write(answer(200)));
    const made = pair.make();
    made.call.abort();
    expect(await made.answered).toMatchObject({ ok: false, outcome: 'not_sent', fault: 'aborted' });
    expect(await pair.ask({ path: '/next' })).toMatchObject({ ok: true });
    expect(pair.seen).toEqual(['POST /next']);
  });

  test('once it was sent: unknown, with the status when there was one', async () => {
    pair = await Pair.start(({ path }, socket) => {
      if (path === '/headers') socket.write('HTTP/1.1 202 X\r\ncontent-length: 10\r\n\r\n{');
    });
    const silent = pair.make({ path: '/silent' });
    await waitUntil(() => pair!.seen.length === 1, 'it is under way');
    silent.call.abort();
    expect(silent.answers).toMatchObject([{ ok: false, outcome: 'unknown', fault: 'aborted' }]);
    const begun = pair.make({ path: '/headers' });
    await waitUntil(() => pair!.seen.length === 2, 'it is under way');
    // Time for the status line; without it the answer is as true, only shorter.
    await pass(50);
    begun.call.abort();
    const got = await begun.answered;
    expect(got).toMatchObject({ ok: false, outcome: 'unknown' });
    expect([202, undefined]).toContain(got.status);
    silent.call.abort();
    begun.call.abort();
    expect(silent.answers).toHaveLength(1);
  });

  test('after the answer nothing happens, and the connection stays of use', async () => {
    pair = await Pair.start((_r, socket) => socket.write(answer(200)));
    for (let i = 0; i < 5; i++) {
      const made = pair.make();
      await made.answered;
      made.call.abort();
    }
    expect(pair.server.connections).toBeLessThanOrEqual(2);
  });

  test('closing ends all of them truly: sent ones unknown, waiting ones not sent', async () => {
    pair = await Pair.start(() => {}, { connections: 1 });
    const sent = pair.make({ path: '/sent' });
    const poll = pair.make({ path: '/poll', method: 'GET' }, 'poll');
    await waitUntil(() => pair!.seen.length === 2, 'both are under way');
    const waiting = pair.make({ path: '/waiting' });
    await pair.backend.close();
    expect(await sent.answered).toMatchObject({ ok: false, outcome: 'unknown' });
    expect(await poll.answered).toMatchObject({ ok: false, outcome: 'unknown' });
    expect(await waiting.answered).toMatchObject({ ok: false, outcome: 'not_sent' });
    expect(await pair.ask({ path: '/late' })).toMatchObject({ ok: false, outcome: 'not_sent' });
    expect(pair.seen.sort()).toEqual(['GET /poll', 'POST /sent']);
  });
});
