// Machines run for months: the metronome must outlive its own idle rests and the end of what it counts in.
import { expect, test } from 'vitest';
import { Metronome } from '../src/metronome.ts';

const REST_AFTER_MS = 20;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves once the deadline is met; the test's own time limit is the bound. */
const met = (metronome: Metronome, at: number): Promise<void> =>
  new Promise((resolve) => metronome.set(at, () => resolve()));

test('a deadline that was cleared before a rest does not keep later ones from being met', async () => {
  const metronome = new Metronome({ idleMs: REST_AFTER_MS });
  await met(metronome, performance.now() + 1);
  const given = performance.now() + 300;
  metronome.clear(metronome.set(given, () => {}));
  while (metronome.isRunning) await wait(5);
  // Had the rest left the old wake-up standing, everything behind it would wait for ever.
  expect(performance.now()).toBeLessThan(given);
  await met(metronome, given + 5);
});

test('it goes on when the count of its wake-ups reaches the end of its numbers', async () => {
  const metronome = new Metronome({ firstCount: 0x7fff_ffff - 3 });
  for (let tick = 0; tick < 10; tick++) await met(metronome, performance.now() + 2);
});
