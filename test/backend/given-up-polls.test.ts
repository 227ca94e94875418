// Polls that nobody waits for any more: they cost nobody else a connection, a turn or an answer.
import type net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { answer } from '../faults/support/raw-backend.ts';
import { waitUntil } from '../faults/support/wait.ts';
import { Pair } from './support.ts';

const GET = { method: 'GET' } as const;

let pair: Pair | undefined;
afterEach(async () => {
  await pair?.stop();
  pair = undefined;
});

describe('given up while it waits', () => {
  test('it is never sent, and the one aboard keeps its connection', async () => {
    const held: net.Socket[] = [];
    pair = await Pair.start((_r, socket) => held.push(socket), { connections: 1 });
    const first = pair.make({ ...GET, path: '/first' }, 'poll');
    await waitUntil(() => held.length === 1, 'it is under way');
    const waiting = pair.make({ ...GET, path: '/waiting' }, 'poll');
    waiting.call.abort();
    expect(await waiting.answered).toMatchObject({ ok: false, outcome: 'not_sent', fault: 'aborted' });
    pair.server.handler = (_r, socket) => socket.write(answer(200));
    held[0]!.write(answer(200));
    expect(await first.answered).toMatchObject({ ok: true });
    expect(await pair.ask({ ...GET, path: '/next' }, 'poll')).toMatchObject({ ok: true });
    expect(pair.seen).toEqual(['GET /first', 'GET /next']);
    expect(pair.server.connections).toBe(1);
  });

  test('a thousand of them leave one who asks behind them no further back, and make no connections', async () => {
    const held: net.Socket[] = [];
    pair = await Pair.start((_r, socket) => held.push(socket), { connections: 4 });
    for (let i = 0; i < 1000; i++) pair.make({ ...GET, path: `/${i}` }, 'poll').call.abort();
    const bystander = pair.make({ ...GET, path: '/bystander' }, 'poll');
    const answered = (socket: net.Socket): boolean => socket.write(answer(200));
    await waitUntil(() => pair!.seen.includes('GET /bystander') || held.length >= 4, 'the lane is taken');
    pair.server.handler = (_r, socket) => answered(socket);
    held.forEach(answered);
    expect(await bystander.answered).toMatchObject({ ok: true });
    expect(pair.server.connections).toBeLessThanOrEqual(6);
    expect(pair.seen.length).toBeLessThanOrEqual(7);
  });
});

describe('given up while it is under way', () => {
  test('its answer is read to its end and told to nobody; its connection serves the next', async () => {
    const held: net.Socket[] = [];
    pair = await Pair.start(
      ({ path }, socket) => {
        if (path === '/slow') held.push(socket);
        else socket.write(answer(200, JSON.stringify(path)));
      },
      { connections: 1 },
    );
    for (let round = 0; round < 10; round++) {
      const slow = pair.make({ ...GET, path: '/slow' }, 'poll');
      await waitUntil(() => held.length === 1, 'it is under way');
      slow.call.abort();
      expect(await slow.answered).toMatchObject({ ok: false, outcome: 'unknown', fault: 'aborted' });
      const next = pair.make({ ...GET, path: `/next-${round}` }, 'poll');
      // More than is kept of an answer that somebody waits for.
      held.pop()!.write(answer(200, '"x"'.repeat(1000)));
      const got = await next.answered;
      expect(got).toMatchObject({ ok: true });
      expect((got as { body: Buffer }).body.toString()).toBe(JSON.stringify(`/next-${round}`));
    }
    expect(pair.server.connections).toBe(1);
  });

  test('one that hangs is cut off, and its place is free', async () => {
    pair = await Pair.start(({ path }, socket) => void (path === '/hangs' || socket.write(answer(200))), {
      connections: 1,
    });
    const hanging = pair.make({ ...GET, path: '/hangs' }, 'poll');
    await waitUntil(() => pair!.seen.length === 1, 'it is under way');
    hanging.call.abort();
    expect(await pair.ask({ ...GET, path: '/next' }, 'poll')).toMatchObject({ ok: true });
    await waitUntil(() => pair!.ended.size === 1, 'its connection is ended');
    expect(pair.seen).toEqual(['GET /hangs', 'GET /next']);
  });

  test('while nobody needs its connection it has the time of any other call', async () => {
    pair = await Pair.start(() => {}, { connections: 2, timeoutMs: 300 });
    const from = performance.now();
    const { call } = pair.make(GET, 'poll');
    await waitUntil(() => pair!.seen.length === 1, 'it is under way');
    call.abort();
    await waitUntil(() => pair!.ended.size === 1, 'its connection is ended');
    expect(performance.now() - from).toBeGreaterThan(290);
  });

  test('as many are cut off as somebody waits for, the longest left first', async () => {
    pair = await Pair.start(() => {}, { connections: 4 });
    const calls = Array.from({ length: 4 }, (_, i) => pair!.make({ ...GET, path: `/${i}` }, 'poll'));
    await waitUntil(() => pair!.seen.length === 4, 'four are under way');
    const numberOf = (wanted: string) => pair!.server.requests.find(({ path }) => path === wanted)!.connection;
    for (const i of [2, 0, 1]) calls[i]!.call.abort();
    pair.make({ ...GET, path: '/a' }, 'poll');
    pair.make({ ...GET, path: '/b' }, 'poll');
    await waitUntil(() => pair!.seen.includes('GET /a') && pair!.seen.includes('GET /b'), 'both are sent');
    await waitUntil(() => pair!.ended.size >= 2, 'two are cut off');
    expect([...pair.ended].sort()).toEqual([numberOf('/2'), numberOf('/0')].sort());
  });

  test('a CONTROL is cut off at once: its session waits to be told', async () => {
    pair = await Pair.start(() => {}, { connections: 1 });
    const { call, answered } = pair.make({ path: '/moves' });
    await waitUntil(() => pair!.seen.length === 1, 'it is under way');
    call.abort();
    expect(await answered).toMatchObject({ ok: false, outcome: 'unknown' });
    await waitUntil(() => pair!.ended.size === 1, 'its connection is ended');
  });

  test('closing answers those that wait as well', async () => {
    pair = await Pair.start(() => {}, { connections: 1 });
    const calls = Array.from({ length: 5 }, () => pair!.make(GET, 'poll'));
    await waitUntil(() => pair!.seen.length === 1, 'one is under way');
    calls[0]!.call.abort();
    await pair.backend.close();
    for (const { answered } of calls) expect(await answered).toMatchObject({ ok: false });
    expect(pair.seen).toHaveLength(1);
  });
});
