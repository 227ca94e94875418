// Several polls under way at once: results arrive in order or are counted as missed, and a failure brings it back to one.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startPoll } from './support.ts';

describe('several polls under way at once', () => {
  test('no more than the limit; deadlines beyond it are void', () => {
    const { start, backend, clock, sentAt, tally } = startPoll(100, { maxInFlight: 3 });
    start();
    clock.advance(500);
    expect(sentAt()).toEqual([0, 100, 200]);
    expect(tally.voids).toBe(3);
    backend.open[0]!.reply();
    clock.advance(100);
    expect(sentAt()).toEqual([0, 100, 200, 600]);
  });

  test('a result that was overtaken is not given but counted', () => {
    const { start, backend, clock, watcher } = startPoll(100, { maxInFlight: 3 });
    start();
    clock.advance(250);
    const [first, second, third] = backend.open;
    second!.reply(200, '2');
    first!.reply(200, '1');
    third!.reply(200, '3');
    expect(watcher.given).toEqual(['2', '3 +1']);
  });

  test('pendingSince is the deadline of the oldest that has no answer, or when the latest answer came', () => {
    const { start, backend, clock, watcher, origin } = startPoll(100, { maxInFlight: 3 });
    expect(watcher.membership?.pendingSince()).toBeUndefined();
    start();
    clock.advance(250);
    const since = () => watcher.membership!.pendingSince()! - origin;
    expect(since()).toBe(0);
    backend.open[1]!.reply();
    expect(since()).toBe(250);
    clock.advance(20);
    backend.open[0]!.reply();
    expect(since()).toBe(270);
    backend.open[0]!.reply();
    expect(watcher.membership?.pendingSince()).toBeUndefined();
    clock.advance(40);
    expect(since()).toBe(300);
  });

  test('while it fails there is one at a time', () => {
    const { start, backend, clock, sentAt, tally } = startPoll(100, { maxInFlight: 3 });
    start();
    clock.advance(250);
    const [first, second, third] = backend.open;
    first!.fail();
    clock.advance(100);
    // The next try waits until the others of the burst have ended.
    expect(sentAt()).toEqual([0, 100, 200]);
    expect(tally.voids).toBe(1);
    second!.fail();
    third!.fail();
    clock.advance(2000);
    expect(sentAt()).toHaveLength(4);
    expect(backend.open).toHaveLength(1);
    backend.open[0]!.reply();
    clock.advance(300);
    expect(backend.open).toHaveLength(3);
  });

  test('a success that comes in behind a failure of the same burst ends the failing', () => {
    const { start, backend, clock, sentAt, watcher, tally } = startPoll(100, { maxInFlight: 2 });
    start();
    clock.advance(150);
    const [first, second] = backend.open;
    first!.fail();
    second!.reply(200, '2');
    expect(watcher.given).toEqual(['!1', '2']);
    expect(tally.recoveries).toEqual([1]);
    clock.advance(100);
    expect(sentAt()).toEqual([0, 100, 200]);
  });

  test('no deadline is polled for twice, also when a failure ends at the very moment of one', () => {
    const { start, backend, clock, sentAt } = startPoll(100, { maxInFlight: 3 });
    start();
    clock.advance(200);
    backend.open[0]!.fail();
    backend.open[0]!.reply();
    clock.advance(100);
    expect(sentAt()).toEqual([0, 100, 200, 300]);
  });

  test('in whatever order answers come: results only go forward, each one given or counted, never both', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 0, max: 5 })), { minLength: 1, maxLength: 60 }),
        (maxInFlight, steps) => {
          const { start, backend, clock, watcher, tally } = startPoll(10, { maxInFlight });
          start();
          let answered = 0;
          const answer = (which: number, how: number): void => {
            const { open } = backend;
            const call = open[which % Math.max(1, open.length)];
            if (!call) return;
            if (how === 0) {
              call.fail();
              return;
            }
            answered++;
            call.reply(200, String(Math.round(call.sentAt)));
          };
          for (const [which, how] of steps) {
            expect(backend.open.length).toBeLessThanOrEqual(maxInFlight);
            answer(which, how);
            clock.advance(how * 5);
          }
          // Until nothing is left over, then one more result that tells what was missed.
          for (let i = 0; i < 100 && backend.open.length > 0; i++) answer(0, 1);
          clock.advance(5000);
          answer(0, 1);
          const results = watcher.given.filter((line) => !line.startsWith('!'));
          const times = results.map((line) => Number(line.split(' ')[0]));
          expect(times).toEqual([...times].sort((a, b) => a - b));
          expect(new Set(times).size).toBe(times.length);
          const missed = results.reduce((sum, line) => sum + Number(line.split('+')[1] ?? 0), 0);
          expect(results.length + missed).toBe(answered);
          expect(tally.polls - tally.failures).toBe(answered);
          const reported = watcher.given.filter((line) => line.startsWith('!')).map((line) => Number(line.slice(1)));
          expect(reported.reduce((sum, polls) => sum + polls, 0)).toBe(tally.failures);
        },
      ),
      { numRuns: 300 },
    );
  });
});
