// Many polls that are due at once: each turn of the event loop sends a part of them, so that commands are read in between [OS-3.4].
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PollHub } from '../../src/polling/poll-hub.ts';
import { HandBackend } from '../session/support/hand-backend.ts';
import { HandClock } from '../session/support/hand-clock.ts';
import { Tally, Watcher } from './support.ts';

/** Polls that one turn sends at most. */
const AT_ONCE = 25;

function start({ maxInFlight = 1, connections = 1000 }: { maxInFlight?: number; connections?: number } = {}) {
  const clock = new HandClock();
  const backend = new HandBackend(clock);
  const tallies = new Map<string, Tally>();
  const hub = new PollHub({
    backend,
    clock,
    explain: undefined,
    sharing: true,
    maxInFlight,
    connections,
    observe: ({ path }) => {
      const tally = new Tally();
      tallies.set(path, tally);
      return tally;
    },
  });
  let seen = 0;
  return {
    clock,
    backend,
    tallies: () => [...tallies.values()],
    join: (count: number, periodMs: number) =>
      Array.from({ length: count }, (_, i) => {
        const watcher = new Watcher();
        watcher.membership = hub.join({ path: `/${periodMs}/${i}`, periodMs, credential: undefined }, watcher);
        return watcher;
      }),
    /** Paths polled since the last look. */
    sent() {
      const paths = backend.calls.slice(seen).map(({ request }) => request.path);
      seen = backend.calls.length;
      return paths;
    },
    replyAll: () => {
      for (const call of [...backend.open]) call.reply();
    },
  };
}

/** Their first polls, answered. */
function running(count: number, periodMs: number) {
  const all = start();
  const watchers = all.join(count, periodMs);
  all.clock.settle();
  all.replyAll();
  expect(all.sent()).toHaveLength(count);
  return { ...all, watchers };
}

describe('[OS-3.4] polls that are due at once', () => {
  test('each turn sends a part of them, in order, until all are sent', () => {
    const { clock, sent } = running(110, 100);
    clock.rush(100);
    const turns = [sent()];
    while (clock.turn()) turns.push(sent());
    expect(turns.map(({ length }) => length).filter((count) => count > 0)).toEqual([25, 25, 25, 25, 10]);
    expect(turns.flat()).toEqual(Array.from({ length: 110 }, (_, i) => `/100/${i}`));
  });

  test('also their first polls', () => {
    const { clock, join, sent } = start();
    join(60, 100);
    expect(sent()).toHaveLength(AT_ONCE);
    clock.turn();
    expect(sent()).toHaveLength(AT_ONCE);
    clock.settle();
    expect(sent()).toHaveLength(10);
  });

  test('what has to wait counts as late as it is sent', () => {
    const { clock, tallies } = running(30, 100);
    clock.rush(100);
    clock.pass(3);
    clock.settle();
    expect(tallies().map(({ ticks, latest }) => [ticks, latest])).toEqual([
      ...Array.from({ length: AT_ONCE }, () => [1, 0]),
      ...Array.from({ length: 5 }, () => [1, 3]),
    ]);
  });

  test('what waits until its deadline is over is void, and its poll keeps its place for the next one', () => {
    const { clock, tallies, sent, replyAll } = running(60, 10);
    clock.rush(10);
    expect(sent()).toHaveLength(AT_ONCE);
    replyAll();
    clock.rush(10);
    // The others are behind those that have waited for longer.
    expect(sent()).toEqual([]);
    clock.turn();
    expect(sent()).toEqual(Array.from({ length: AT_ONCE }, (_, i) => `/10/${AT_ONCE + i}`));
    expect(tallies().map(({ voids }) => voids)).toEqual([
      ...Array.from({ length: AT_ONCE }, () => 0),
      ...Array.from({ length: 35 }, () => 1),
    ]);
    replyAll();
    clock.settle();
    expect(sent()).toHaveLength(35);
  });

  test('more than the machine can send: everybody gets an equal part', () => {
    const { clock, tallies, replyAll } = running(300, 2);
    for (let turn = 0; turn < 1200; turn++) {
      clock.rush(2);
      clock.turn();
      replyAll();
    }
    const polls = tallies().map((tally) => tally.polls);
    expect(Math.max(...polls) - Math.min(...polls)).toBeLessThanOrEqual(3);
    expect(Math.min(...polls)).toBeGreaterThan(90);
    for (const { ticks, voids, polls } of tallies()) expect(ticks).toBeLessThanOrEqual(polls + voids);
  });

  test('beside others an answer that was there at the deadline but had not been read yet makes no deadline void', () => {
    const { clock, backend, tallies, sent } = running(50, 100);
    clock.advance(100);
    sent();
    // All are due again with their polls still out; before the turn is over the answers are read.
    clock.rush(100);
    for (const call of [...backend.open]) call.reply();
    clock.turn();
    expect(sent()).toHaveLength(AT_ONCE);
    clock.settle();
    expect(sent()).toHaveLength(50 - AT_ONCE);
    expect(tallies().every(({ voids }) => voids === 0)).toBe(true);
  });

  test('also where the others have just ordered the rest of a turn that is about to end', () => {
    const { clock, join, tallies, sent, replyAll } = start();
    join(1, 100);
    clock.settle();
    // A loop that stays awake meets deadlines behind the reading of sockets, and the rest of the turn may be ordered already.
    clock.soon(() => clock.rush(100));
    join(1, 1000);
    sent();
    clock.turn();
    replyAll();
    clock.settle();
    expect(sent()).toEqual(['/100/0']);
    expect(tallies()[0]!.voids).toBe(0);
  });

  test('while all connections are taken nobody has a second one under way, so that nobody waits for a first', () => {
    const { clock, backend, join, replyAll } = start({ maxInFlight: 4, connections: 10 });
    const mostOfOne = (): number => {
      const counts = new Map<string, number>();
      for (const { request } of backend.open) counts.set(request.path, (counts.get(request.path) ?? 0) + 1);
      return Math.max(...counts.values());
    };
    join(12, 10);
    clock.advance(50);
    expect([backend.open.length, mostOfOne()]).toEqual([12, 1]);
    replyAll();
    clock.advance(50);
    expect([backend.open.length, mostOfOne()]).toEqual([12, 1]);
  });

  test('while there are connections left a slow poll has several under way', () => {
    const { clock, backend, join } = start({ maxInFlight: 4, connections: 10 });
    join(2, 10);
    clock.advance(100);
    expect(backend.open).toHaveLength(8);
    join(5, 20);
    clock.advance(100);
    // 8 and 5 first ones: 13 of 10, and no second one of theirs.
    expect(backend.open).toHaveLength(13);
    for (const call of [...backend.open]) call.reply();
    clock.advance(10);
    expect(backend.open.length).toBeLessThanOrEqual(10);
  });

  test('those that have left are not sent', () => {
    const { clock, watchers, sent } = running(60, 100);
    clock.rush(100);
    for (const watcher of watchers) watcher.leave();
    sent();
    clock.settle();
    expect(sent()).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  test('tries of polls that fail wait as well, and go on failing and trying', () => {
    const { clock, backend, tallies, sent } = running(60, 1000);
    clock.rush(1000);
    clock.settle();
    for (const call of [...backend.open]) call.fail();
    sent();
    for (let tries = 1; tries <= 5; tries++) {
      clock.rush(1000);
      expect(sent()).toHaveLength(AT_ONCE);
      // So long that the deadline of those that wait is over: it is a try all the same, for the deadline it is at.
      clock.pass(1000);
      clock.settle();
      expect(sent()).toHaveLength(35);
      for (const call of [...backend.open]) call.fail();
    }
    expect(tallies().every(({ failures }) => failures === 6)).toBe(true);
  });

  test('whatever happens in whichever order: no turn sends more, no poll stops, none is sent twice for a deadline', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('rush' as const), value: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ kind: fc.constant('pass' as const), value: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ kind: fc.constant('turn' as const), value: fc.constant(0) }),
      fc.record({ kind: fc.constant('reply' as const), value: fc.nat(1000) }),
      fc.record({ kind: fc.constant('fail' as const), value: fc.nat(1000) }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { minLength: 1, maxLength: 120 }),
        (inFlight, steps) => {
          const { clock, backend, join, sent, tallies } = start({ maxInFlight: inFlight });
          join(30, 7);
          join(20, 10);
          const deadlines = new Map<string, number>();
          let polledInTurn = 0;
          const look = (): void => {
            polledInTurn += sent().length;
            expect(polledInTurn).toBeLessThanOrEqual(AT_ONCE);
          };
          const turn = (): void => {
            look();
            polledInTurn = 0;
            clock.turn();
            look();
          };
          look();
          for (const { kind, value } of steps) {
            if (kind === 'turn') turn();
            else if (kind === 'rush') clock.rush(value);
            else if (kind === 'pass') clock.pass(value);
            else {
              // A fifth of what is under way is answered.
              const open = backend.open.filter((_, i) => (i + value) % 5 === 0);
              for (const call of open) kind === 'reply' ? call.reply() : call.fail();
            }
            look();
          }
          for (const { request, sentAt } of backend.calls) {
            const period = Number(request.path.split('/')[1]);
            const deadline = Math.floor((sentAt - 1000.375) / period);
            expect(deadline).toBeGreaterThan(deadlines.get(request.path) ?? -1);
            deadlines.set(request.path, deadline);
          }
          // All is well from now on: before two seconds are over everybody is polled at its period.
          for (const call of [...backend.open]) call.reply();
          backend.auto = (call) => call.reply();
          clock.advance(2100);
          const before = tallies().map(({ polls }) => polls);
          clock.advance(70);
          expect(tallies().map(({ polls }, i) => polls - before[i]!)).toEqual([
            ...Array.from({ length: 30 }, () => 10),
            ...Array.from({ length: 20 }, () => 7),
          ]);
        },
      ),
      { numRuns: 80 },
    );
  });
});
