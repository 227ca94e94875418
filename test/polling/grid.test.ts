// Deadlines are start + k·period for ever: nothing that is late, slow or long moves the ones that follow [OS-3.3].
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startPoll } from './support.ts';

describe('[OS-3.3] the grid', () => {
  test.each([2, 7, 30_000])('the first poll goes at once, the others each %d ms', (period) => {
    const { start, backend, clock, sentAt } = startPoll(period);
    backend.auto = (call) => call.reply();
    start();
    clock.advance(period * 10);
    expect(sentAt()).toEqual(Array.from({ length: 11 }, (_, k) => k * period));
  });

  test('a million deadlines later nothing has drifted', () => {
    const { start, backend, clock, origin, watcher, tally } = startPoll(2, { keep: false });
    let polls = 0;
    let worst = 0;
    backend.auto = (call) => {
      worst = Math.max(worst, Math.abs(call.sentAt - origin - polls * 2));
      polls++;
      if (watcher.given.length > 100) watcher.given.length = 0;
      call.reply();
    };
    start();
    clock.runUntil(origin + 2_000_000);
    expect(polls).toBe(1_000_001);
    expect(worst).toBe(0);
    expect(tally.voids).toBe(0);
  });

  test('timers that fire late by fractions and more never move the ones that follow', () => {
    const { start, backend, clock, origin, sentAt, tally } = startPoll(10);
    let seed = 7;
    clock.lateness = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return (seed % 9000) / 1000;
    };
    backend.auto = (call) => call.reply();
    start();
    clock.runUntil(origin + 200_000);
    const times = sentAt();
    // Each deadline has its one poll, within it and never before it.
    expect(times.map((at) => Math.floor(at / 10))).toEqual(Array.from({ length: times.length }, (_, k) => k));
    expect(times.length).toBeGreaterThanOrEqual(20_000);
    expect(tally.voids).toBe(0);
    expect(tally.latest).toBeLessThan(10);
  });

  test('an answer that was there at the deadline but had not been read yet makes no deadline void', () => {
    const { start, backend, clock, sentAt, tally } = startPoll(10);
    start();
    // The event loop meets a deadline first and reads what has arrived afterwards, in the same turn.
    clock.firing = () => clock.soon(() => backend.open[0]!.reply());
    clock.advance(50);
    expect(sentAt()).toEqual([0, 10, 20, 30, 40, 50]);
    expect(tally.voids).toBe(0);
  });

  test('an answer that comes a turn later has outlasted the deadline', () => {
    const { start, backend, clock, sentAt, tally } = startPoll(10);
    start();
    clock.firing = () => clock.soon(() => clock.soon(() => backend.open[0]?.reply()));
    clock.advance(50);
    // Only the first: each later poll is answered a turn after the tick that it was sent at.
    expect(sentAt()).toEqual([0, 20, 30, 40, 50]);
    expect(tally.voids).toBe(1);
  });

  test('an answer read in the same turn, but after the deadline is over, leaves it void', () => {
    const { start, backend, clock, sentAt, tally } = startPoll(10);
    start();
    clock.firing = () => {
      clock.firing = undefined;
      clock.soon(() => {
        backend.open[0]!.reply();
        clock.pass(10.5);
      });
    };
    clock.advance(10);
    expect(sentAt()).toEqual([0]);
    expect(tally.voids).toBe(1);
    clock.advance(0);
    // Its successor is polled for as late as the hold-up made it, and nothing else moves.
    expect(sentAt()).toEqual([0, 20.5]);
    backend.open[0]!.reply();
    clock.advance(10);
    expect(sentAt()).toEqual([0, 20.5, 30.5]);
    expect(tally.voids).toBe(1);
  });

  test.each([
    ['a timer that fired too early: the same deadline, once', 0, [0, 11], 0],
    ['a timer that fired late: the next one', 0.25, [0, 20.25], 1],
  ])('a failure that was there at the deadline settles the next try, behind %s', (_, lateMs, sent, voids) => {
    const { start, backend, clock, sentAt, tally } = startPoll(10);
    start();
    clock.firing = () => {
      clock.firing = undefined;
      clock.soon(() => {
        clock.pass(lateMs);
        backend.open[0]!.fail();
      });
    };
    clock.advance(29);
    expect(sentAt()).toEqual(sent);
    expect(tally.voids).toBe(voids);
  });

  test('a deadline that was polled for before its turn was over is neither polled for again nor void', () => {
    const { start, backend, clock, sentAt, tally } = startPoll(10);
    start();
    clock.firing = () => {
      clock.firing = undefined;
      clock.soon(() => {
        backend.open[0]!.fail();
        clock.advance(1);
      });
    };
    clock.advance(15);
    expect(sentAt()).toEqual([0, 11]);
    expect(tally.voids).toBe(0);
  });

  test('a deadline that waits for its turn while its poll fails and the timer fires again is void once', () => {
    const { start, backend, clock, sentAt, tally } = startPoll(10);
    start();
    clock.rush(10);
    // The next try is set for this very deadline, and its timer fires late, before the turn is over.
    backend.last.fail();
    clock.rush(15);
    clock.settle();
    expect(sentAt()).toEqual([0, 25]);
    expect(tally.voids).toBe(1);
  });

  test('a process that was held up polls once, for the deadline it is at, and skips those it missed', () => {
    const { start, backend, clock, sentAt, tally } = startPoll(100);
    backend.auto = (call) => call.reply();
    start();
    clock.advance(250);
    clock.freeze(1025);
    clock.advance(230);
    expect(sentAt()).toEqual([0, 100, 200, 1275, 1300, 1400, 1500]);
    // 300 was due and late; 400 … 1200 had nobody to poll for them: the poll at 1275 stands for 1200.
    expect(tally.voids).toBe(9);
    expect(tally.latest).toBe(975);
  });

  test('deadlines that pass during a slow poll are void', () => {
    const { start, backend, clock, sentAt, watcher, tally } = startPoll(100);
    start();
    clock.advance(350);
    expect(sentAt()).toEqual([0]);
    backend.last.reply(200, '1');
    clock.advance(49);
    expect(sentAt()).toEqual([0]);
    clock.advance(1);
    expect(sentAt()).toEqual([0, 400]);
    expect(tally.voids).toBe(3);
    // Void deadlines are not results that were missed [OS-3.7].
    backend.last.reply(200, '2');
    expect(watcher.given).toEqual(['1', '2']);
  });

  test('an answer in the turn behind a deadline: void like any that a poll covered', () => {
    const { start, backend, clock, sentAt } = startPoll(100);
    start();
    clock.setTimer(100, () => backend.calls[0]?.reply());
    clock.advance(200);
    expect(sentAt()).toEqual([0, 200]);
  });

  test('whatever answers take and however late timers fire: on the grid, one per deadline, one at a time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 50 }),
        fc.array(fc.integer({ min: 0, max: 180 }), { minLength: 1, maxLength: 30 }),
        fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 20 }),
        (period, durations, delays) => {
          const { start, backend, clock, origin, sentAt, tally, watcher } = startPoll(period);
          let timers = 0;
          // Binary fractions: sums of others are rounded, and a poll may seem to stand a billionth before its deadline.
          clock.lateness = () => (delays[timers++ % delays.length] ?? 0) / 1024;
          let sent = 0;
          let mostOpen = 0;
          backend.auto = (call) => {
            const number = ++sent;
            mostOpen = Math.max(mostOpen, backend.open.length);
            clock.setTimer(durations[number % durations.length] ?? 0, () => call.reply(200, String(number)));
          };
          start();
          clock.runUntil(origin + 3000);
          const deadlines = sentAt().map((at) => Math.floor(at / period));
          for (let i = 1; i < deadlines.length; i++) expect(deadlines[i]).toBeGreaterThan(deadlines[i - 1]!);
          expect(mostOpen).toBe(1);
          // Every deadline that has passed was polled for or declared void, as far as its timer could tell.
          expect(deadlines.length + tally.voids).toBeGreaterThanOrEqual(deadlines.at(-1)! + 1);
          expect(deadlines.length + tally.voids).toBeLessThanOrEqual(Math.floor(3000 / period) + 1);
          expect(watcher.given).toEqual(Array.from({ length: watcher.given.length }, (_, i) => String(i + 1)));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('ending', () => {
  test('the last member that leaves ends the poll: no call, no timer, no answer counts', () => {
    const { start, backend, clock, watcher, ended, tally } = startPoll(100, { maxInFlight: 3 });
    start();
    clock.advance(250);
    expect(backend.open).toHaveLength(3);
    watcher.leave();
    watcher.leave();
    expect(backend.calls.every(({ aborted }) => aborted)).toBe(true);
    expect(ended()).toBe(1);
    expect(clock.timers).toBe(0);
    clock.advance(10_000);
    expect(backend.calls).toHaveLength(3);
    expect(watcher.given).toEqual([]);
    expect(tally.polls).toBe(0);
  });

  test('a member that leaves from within its first result', () => {
    const { start, backend, clock, watcher, ended } = startPoll(100);
    watcher.onGiven = () => watcher.leave();
    start();
    backend.last.reply();
    clock.advance(10_000);
    expect(watcher.given).toHaveLength(1);
    expect(backend.calls).toHaveLength(1);
    expect(ended()).toBe(1);
    expect(clock.timers).toBe(0);
  });

  test('a member that leaves from within a failure', () => {
    const { start, backend, clock, watcher, ended } = startPoll(100);
    watcher.onGiven = () => watcher.leave();
    start();
    backend.last.fail();
    clock.advance(10_000);
    expect(backend.calls).toHaveLength(1);
    expect(ended()).toBe(1);
    expect(clock.timers).toBe(0);
  });
});
