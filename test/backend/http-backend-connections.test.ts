// Connections: bounded, reused, never trusted; an answer belongs to its own request or to nobody.
import type net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { answer } from '../faults/support/raw-backend.ts';
import { pass, waitUntil } from '../faults/support/wait.ts';
import { Pair } from './support.ts';

let pair: Pair | undefined;
afterEach(async () => {
  await pair?.stop();
  pair = undefined;
});

describe('bounds', () => {
  test('each lane has its own connections, and no more than it may', async () => {
    const held: net.Socket[] = [];
    pair = await Pair.start((_r, socket) => held.push(socket), { connections: 3 });
    const calls = Array.from({ length: 20 }, (_, i) => pair!.make({ path: `/${i}` }));
    await waitUntil(() => held.length === 3, 'three are under way');
    const polls = Array.from({ length: 5 }, () => pair!.make({ method: 'GET' }, 'poll'));
    await waitUntil(() => held.length === 6, 'three polls are under way');
    expect(pair.server.open).toBe(6);
    // A connection carries one request at a time: what waits is not sent ahead.
    await pass(50);
    expect(pair.seen).toHaveLength(6);
    pair.server.handler = (_r, socket) => socket.write(answer(200));
    for (const socket of held) socket.write(answer(200));
    await Promise.all([...calls, ...polls].map(({ answered }) => answered));
    expect(pair.server.mostOpen).toBe(6);
    expect(
      pair.server.requests
        .filter(({ method }) => method === 'POST')
        .map(({ path }) => path)
        .sort(),
    ).toEqual(calls.map((_, i) => `/${i}`).sort());
  });

  test('one after the other goes over the same connections', async () => {
    pair = await Pair.start((_r, socket) => socket.write(answer(200)));
    for (let i = 0; i < 30; i++) await pair.ask({ path: `/${i}` });
    expect(pair.server.connections).toBeLessThanOrEqual(2);
  });

  test('a connection is given up when the backend says so', async () => {
    pair = await Pair.start((_r, socket) => socket.write(answer(200, '', 'connection: close\r\n')));
    for (let i = 0; i < 5; i++) expect(await pair.ask({ path: `/${i}` })).toMatchObject({ ok: true });
    expect(pair.server.connections).toBe(5);
    expect(pair.server.mostOpen).toBeLessThanOrEqual(2);
  });
});

describe('a connection that ends in the moment of use', () => {
  test('a request that was read but not answered is unknown and never sent again', async () => {
    pair = await Pair.start(({ path }, socket) => {
      if (path === '/last') socket.resetAndDestroy();
      else socket.write(answer(200));
    });
    await pair.ask({ path: '/first' });
    expect(await pair.ask({ path: '/last', method: 'DELETE' })).toMatchObject({ ok: false, outcome: 'unknown' });
    expect(await pair.ask({ path: '/last', method: 'GET' }, 'poll')).toMatchObject({ ok: false, outcome: 'unknown' });
    expect(await pair.ask({ path: '/next' })).toMatchObject({ ok: true });
    expect(pair.seen).toEqual(['POST /first', 'DELETE /last', 'GET /last', 'POST /next']);
  });

  test('closed by the backend at any moment around the next request: each is executed at most once, and told truly', async () => {
    let seed = 5;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    pair = await Pair.start((_r, socket) => {
      socket.write(answer(200));
      const how = random();
      const close = (): void => {
        if (how < 0.5) socket.end();
        else socket.resetAndDestroy();
      };
      if (random() < 0.3) close();
      else if (random() < 0.5) setImmediate(close);
      else setTimeout(close, random() * 4);
    });
    const outcomes = new Map<string, number>();
    for (let i = 0; i < 300; i++) {
      const path = `/${i}`;
      const got = await pair.ask({ path, method: i % 2 ? 'POST' : 'DELETE' });
      const what = got.ok ? 'ok' : got.outcome;
      outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
      const seen = pair.server.requests.filter((request) => request.path === path).length;
      if (what === 'ok') expect(seen).toBe(1);
      else if (what === 'not_sent') expect(seen).toBe(0);
      else expect(seen).toBeLessThanOrEqual(1);
      if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 4));
    }
    // Nothing that was called not sent arrived later either.
    expect(new Set(pair.seen).size).toBe(pair.seen.length);
    expect(outcomes.get('ok') ?? 0).toBeGreaterThan(100);
  });
});

describe('an answer that nobody asked for', () => {
  const own = (path: string, more = ''): string => answer(200, JSON.stringify(path)) + more;
  const STRAY = answer(200, '"stray"');

  test.each<[string, boolean, (socket: net.Socket) => void]>([
    ['in the same segment', false, (socket) => socket.write(own('/first', STRAY))],
    [
      'right behind, in a segment of its own',
      true,
      (socket) => socket.write(own('/first'), () => setImmediate(() => socket.write(STRAY))),
    ],
    ['a little later', true, (socket) => socket.write(own('/first'), () => setTimeout(() => socket.write(STRAY), 20))],
    [
      'in pieces',
      true,
      (socket) =>
        socket.write(own('/first', STRAY.slice(0, 9)), () => setTimeout(() => socket.write(STRAY.slice(9)), 20)),
    ],
    ['bytes that are no answer', false, (socket) => socket.write(own('/first', 'xxxx'))],
    ['a body longer than announced', false, (socket) => socket.write(`${own('/first')}}}}`)],
  ])('%s: is never taken for the answer to the next request', async (_name, waits, first) => {
    pair = await Pair.start(({ path }, socket) => {
      if (path === '/first') first(socket);
      else socket.write(own(path));
    });
    for (let round = 0; round < 5; round++) {
      const begun = await pair.ask({ path: '/first' });
      expect(begun).toMatchObject({ ok: true });
      expect((begun as { body: Buffer }).body.toString()).toBe('"/first"');
      // With the stray bytes still on their way no client could tell whose they are; behind them it must.
      if (waits) await waitUntil(() => pair!.ended.size > round, 'the connection is given up');
      const path = `/next-${round}`;
      const got = await pair.ask({ path });
      expect(got).toMatchObject({ ok: true });
      expect((got as { body: Buffer }).body.toString()).toBe(JSON.stringify(path));
    }
    // The lanes do not know each other's connections.
    const poll = await pair.ask({ path: '/poll', method: 'GET' }, 'poll');
    expect((poll as { body: Buffer }).body.toString()).toBe('"/poll"');
  });

  test('a late answer to a request that was aborted is not the next one’s', async () => {
    let late: net.Socket | undefined;
    pair = await Pair.start(
      ({ path }, socket) => {
        if (path === '/slow') late = socket;
        else socket.write(own(path));
      },
      { connections: 1 },
    );
    for (let round = 0; round < 10; round++) {
      const slow = pair.make({ path: '/slow' });
      await waitUntil(() => late !== undefined, 'it is under way');
      const next = pair.make({ path: `/next-${round}` });
      slow.call.abort();
      late!.write(own('/slow'));
      late = undefined;
      const got = await next.answered;
      expect(got).toMatchObject({ ok: true });
      expect((got as { body: Buffer }).body.toString()).toBe(JSON.stringify(`/next-${round}`));
    }
  });
});
