// The event loop stays awake for as long as it was asked to, and no turn longer.
import { cpus } from 'node:os';
import { expect, test } from 'vitest';
import { BusyPolling } from '../src/busy-polling.ts';
import { realClock } from '../src/clock.ts';

function start() {
  let now = 100;
  let turns = 0;
  let next: (() => void) | undefined;
  const polling = new BusyPolling({
    now: () => now,
    soon: (fire) => {
      expect(next).toBe(undefined);
      next = fire;
    },
    turned: () => turns++,
  });
  /** One turn of the event loop that takes so long, ms; false when it would have slept instead. */
  const turn = (ms: number): boolean => {
    const due = next;
    next = undefined;
    now += ms;
    due?.();
    return due !== undefined;
  };
  return { polling, turn, turns: () => turns };
}

test('turn after turn until the time is up', () => {
  const { polling, turn, turns } = start();
  expect(turn(1)).toBe(false);
  polling.stayAwake(103);
  expect([turn(1), turn(0.5), turn(0.5), turn(1)]).toEqual([true, true, true, false]);
  expect(turns()).toBe(3);
});

test('the longest of several wishes counts, and only one turn is asked for at a time', () => {
  const { polling, turn } = start();
  polling.stayAwake(105);
  polling.stayAwake(101);
  polling.stayAwake(104);
  for (let i = 0; i < 4; i++) {
    expect(turn(1)).toBe(true);
    polling.stayAwake(102);
  }
  expect([turn(1), turn(1)]).toEqual([true, false]);
});

test('once asleep it can be kept awake again', () => {
  const { polling, turn } = start();
  polling.stayAwake(101);
  expect([turn(2), turn(0)]).toEqual([true, false]);
  polling.stayAwake(104);
  expect([turn(1), turn(1), turn(0)]).toEqual([true, true, false]);
});

test('a time that is over costs one turn', () => {
  const { polling, turn } = start();
  polling.stayAwake(99);
  expect([turn(0), turn(0)]).toEqual([true, false]);
});

test.skipIf(cpus().length === 1)('the real event loop does not sleep meanwhile, and does afterwards', async () => {
  const idleFor = async (ms: number): Promise<number> => {
    const before = performance.eventLoopUtilization();
    await new Promise((resolve) => setTimeout(resolve, ms));
    return performance.eventLoopUtilization(before).idle;
  };
  await idleFor(10);
  const until = realClock.now() + 100;
  realClock.stayAwake(until);
  // However late the timer is, the loop has not slept before it.
  expect(await idleFor(30)).toBe(0);
  while (realClock.now() <= until) await idleFor(10);
  expect(await idleFor(30)).toBeGreaterThan(0);
});
