// The real clock: deadlines are met in order and never early, and clearing one really clears it. How late they are is for bench/.
import { expect, test } from 'vitest';
import { realClock } from '../src/clock.ts';

const reached = (at: number): Promise<number> =>
  new Promise((resolve) => realClock.setDeadline(at, () => resolve(realClock.now())));

/** The thread's sleep ends within this before a near deadline, ms. */
const EARLY_MS = 0.1;
/** The event loop's timers count whole milliseconds of their own clock. */
const GRAIN_MS = 1;

test('near and far deadlines are met, none of them early', async () => {
  const start = realClock.now();
  const dues = [start + 2.3, start + 5.05, start + 0.4, start + 30.5, start - 1, start + 2.3];
  const times = await Promise.all(dues.map(reached));
  for (const [index, time] of times.entries()) {
    const early = dues[index]! - start > 8 ? GRAIN_MS : EARLY_MS;
    expect(time).toBeGreaterThanOrEqual(dues[index]! - early);
  }
});

test('near deadlines are met in the order of their times, whatever the order in which they were set', async () => {
  const start = realClock.now() + 3;
  const order: number[] = [];
  await Promise.all([3, 1, 2, 0].map((place) => reached(start + place).then(() => order.push(place))));
  expect(order).toEqual([0, 1, 2, 3]);
});

test('a cleared deadline never comes, and the others still do', async () => {
  const start = realClock.now();
  let came = false;
  const cleared = realClock.setDeadline(start + 1, () => {
    came = true;
  });
  const later = reached(start + 6);
  realClock.clearTimer(cleared);
  realClock.clearTimer(cleared);
  await later;
  expect(came).toBe(false);
});

test('a deadline set again and again from its own callback keeps its grid', async () => {
  const origin = realClock.now();
  const ticks = 200;
  let early = 0;
  await new Promise<void>((resolve) => {
    const tick = (k: number): void => {
      if (realClock.now() < origin + k * 2 - EARLY_MS) early++;
      if (k === ticks) resolve();
      else realClock.setDeadline(origin + (k + 1) * 2, () => tick(k + 1));
    };
    realClock.setDeadline(origin + 2, () => tick(1));
  });
  expect(early).toBe(0);
});

test('the thread that keeps near deadlines is woken again after it has ended', async () => {
  await reached(realClock.now() + 1);
  // Longer than the thread stays without work.
  await reached(realClock.now() + 4500);
  const due = realClock.now() + 1.5;
  expect(await reached(due)).toBeGreaterThanOrEqual(due - EARLY_MS);
});
