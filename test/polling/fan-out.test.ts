// One result for a crowd: handed out in slices, to nobody twice, past nobody, whoever joins or leaves in the middle.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startPoll, Watcher } from './support.ts';

const SLICE = 64;

/** What happens between two looks at a crowd. */
interface Step {
  readonly joins: number;
  readonly leaves: number;
  readonly turns: number;
  readonly answers: number;
  readonly fails: boolean;
  readonly leavesWithin: boolean;
}

describe('a crowd on one poll', () => {
  test('is served in slices, one turn of the event loop each', () => {
    const { start, backend, clock, watchers } = startPoll(100, { members: 200 });
    start();
    backend.last.reply(200, '1');
    const served = () => watchers.filter(({ given }) => given.length === 1).length;
    const counts = [served()];
    while (clock.turn()) counts.push(served());
    expect(counts.slice(0, 4)).toEqual([SLICE, 2 * SLICE, 3 * SLICE, 200]);
    expect(watchers.every(({ given }) => given.join() === '1')).toBe(true);
  });

  test('who leaves before its turn gets nothing, who joins meanwhile gets it once, at once', () => {
    const { start, backend, clock, watchers, poll } = startPoll(100, { members: 150 });
    start();
    backend.last.reply(200, '1');
    for (const watcher of watchers.slice(100)) watcher.leave();
    const late = new Watcher().joins(poll);
    expect(late.given).toEqual(['1']);
    clock.settle();
    expect(late.given).toEqual(['1']);
    expect(watchers.slice(0, 100).every(({ given }) => given.join() === '1')).toBe(true);
    expect(watchers.slice(100).every(({ given }) => given.length === 0)).toBe(true);
  });

  test('a result that comes while the one before is handed out follows it, and nobody misses any', () => {
    const { start, backend, clock, watchers, poll } = startPoll(2, { members: 130, maxInFlight: 2 });
    start();
    clock.advance(2);
    const [first, second] = backend.open;
    first!.reply(200, '1');
    second!.reply(200, '2');
    const late = new Watcher().joins(poll);
    expect(late.given).toEqual(['2']);
    clock.settle();
    expect(watchers.every(({ given }) => given.join() === '1,2')).toBe(true);
    expect(late.given).toEqual(['2']);
  });

  test('up to four that come meanwhile follow it; what is older then counts as missed', () => {
    const { start, backend, clock, watchers } = startPoll(2, { members: 130, maxInFlight: 8 });
    start();
    clock.advance(14);
    const calls = backend.open;
    expect(calls).toHaveLength(8);
    for (const [i, call] of calls.entries()) call.reply(200, String(i + 1));
    clock.settle();
    expect(watchers.every(({ given }) => given.join() === '1,5 +3,6,7,8')).toBe(true);
  });

  test('a failure and a result that come meanwhile follow both, in their order', () => {
    const { start, backend, clock, watchers } = startPoll(2, { members: 130, maxInFlight: 4 });
    start();
    clock.advance(6);
    const [first, second, third, fourth] = backend.open;
    first!.reply(200, '1');
    second!.reply(200, '2');
    third!.fail();
    fourth!.reply(200, '4');
    clock.settle();
    expect(watchers.every(({ given }) => given.join() === '1,2,!1,4')).toBe(true);
  });

  test('failures are counted for each member exactly, also those that were never handed out one by one', () => {
    const { start, backend, clock, watchers, poll } = startPoll(2, { members: 130, maxInFlight: 4 });
    start();
    clock.advance(6);
    const calls = backend.open;
    for (const call of calls.slice(0, 3)) call.fail();
    const late = new Watcher().joins(poll);
    expect(late.given).toEqual(['!1']);
    calls[3]!.fail();
    clock.settle();
    expect(watchers.every(({ given }) => given.join() === '!1,!3')).toBe(true);
    expect(late.given).toEqual(['!1', '!1']);
  });

  test('the last one leaving in the middle ends it cleanly', () => {
    const { start, backend, clock, watchers, ended } = startPoll(2, { members: 130, maxInFlight: 2 });
    start();
    clock.advance(2);
    const [first, second] = backend.open;
    first!.reply(200, '1');
    second!.reply(200, '2');
    for (const watcher of watchers) watcher.leave();
    clock.settle();
    clock.advance(1000);
    expect(ended()).toBe(1);
    expect(clock.timers).toBe(0);
    expect(watchers.filter(({ given }) => given.length > 0)).toHaveLength(SLICE);
  });

  test('whoever comes, goes and brings others while results flow: everybody sees each result once or counts it', () => {
    const step = fc.record({
      joins: fc.integer({ min: 0, max: 90 }),
      leaves: fc.integer({ min: 0, max: 60 }),
      turns: fc.integer({ min: 0, max: 3 }),
      answers: fc.integer({ min: 0, max: 7 }),
      fails: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
      leavesWithin: fc.boolean(),
    });
    let dropped = 0;
    const play = (steps: Step[]): void => {
      const { start, backend, clock, poll, watchers, ended } = startPoll(2, { members: 1, maxInFlight: 8 });
      start();
      clock.advance(14);
      const anchor = watchers[0]!;
      const all = [{ watcher: anchor, joinedAt: 0 }];
      const here: Watcher[] = [];
      let number = 0;
      let failures = 0;
      for (const { joins, leaves, turns, answers, fails, leavesWithin } of steps) {
        for (let i = 0; i < joins; i++) {
          const watcher = new Watcher();
          if (leavesWithin && i % 7 === 0) watcher.onGiven = () => watcher.leave();
          watcher.joins(poll);
          all.push({ watcher, joinedAt: number });
          here.push(watcher);
        }
        for (const watcher of here.splice(0, leaves)) watcher.leave();
        for (const call of backend.open.slice(0, answers)) {
          if (fails) {
            failures++;
            call.fail();
          } else call.reply(200, String(++number));
        }
        for (let i = 0; i < turns; i++) clock.turn();
        if (turns === 3) clock.advance(20);
      }
      clock.settle();
      expect(ended()).toBe(0);
      for (const { watcher, joinedAt } of all) {
        let last: number | undefined;
        for (const [result, missed] of watcher.results()) {
          // The newest there was when it joined is given at once, and counts for itself.
          if (last === undefined)
            expect(result === joinedAt && missed === 0 ? joinedAt : result - 1 - missed).toBe(joinedAt);
          else expect(result - 1 - missed).toBe(last);
          last = result;
        }
      }
      // The one that was there all the time is behind by nothing.
      const missed = anchor.results().reduce((sum, [, one]) => sum + one, 0);
      expect(anchor.results().length + missed).toBe(number);
      expect(anchor.failures()).toBe(failures);
      dropped += missed;
    };
    const crowd = { joins: 90, leaves: 0, turns: 1, answers: 0, fails: false, leavesWithin: false };
    play([crowd, { ...crowd, answers: 7, turns: 0 }]);
    expect(dropped).toBeGreaterThan(0);
    fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), play), { numRuns: 200 });
  });

  test('a member that throws keeps the others waiting for nothing', () => {
    const { start, backend, clock, watchers } = startPoll(100, { members: 200 });
    watchers[10]!.onGiven = () => {
      throw new Error('a fault of its own');
    };
    start();
    expect(() => backend.last.reply(200, '1')).toThrow('a fault of its own');
    clock.settle();
    expect(watchers.every(({ given }) => given.join() === '1')).toBe(true);
    watchers[10]!.onGiven = undefined;
    clock.advance(100);
    backend.last.reply(200, '2');
    clock.settle();
    expect(watchers.every(({ given }) => given.join() === '1,2')).toBe(true);
  });
});
