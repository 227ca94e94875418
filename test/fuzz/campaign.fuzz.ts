// The long search on demand, or one seed of it again.
import { afterAll, expect, test } from 'vitest';
import { runSeed, search } from './support/campaign.ts';
import { createTargets } from './targets/all.ts';

const targets = createTargets();
const again = process.env['FUZZ_SEED'];
const seconds = Number(process.env['FUZZ_SECONDS'] ?? '60');

afterAll(async () => {
  for (const target of targets) await target.stop?.();
});

test(again === undefined ? `for ${seconds === 0 ? 'ever' : `${seconds} s`}` : `again: ${again}`, async () => {
  if (again !== undefined) {
    await runAgain(again);
    return;
  }
  if (!Number.isFinite(seconds) || seconds < 0) throw new Error('FUZZ_SECONDS is a number of seconds, 0 for no end');
  const tally = await search({ targets, seconds, seed: Date.now() >>> 0, keep: true });
  console.log(
    Object.entries(tally)
      .map(([name, inputs]) => `${name} ${inputs}`)
      .join(', '),
  );
  expect(Object.values(tally).every((inputs) => inputs > 0)).toBe(true);
});

async function runAgain(which: string): Promise<void> {
  const [name, seed] = which.split(':');
  const target = targets.find((candidate) => candidate.name === name);
  if (!target || !/^\d+$/.test(seed ?? ''))
    throw new Error(`FUZZ_SEED is <target>:<number>; targets are ${targets.map((one) => one.name).join(', ')}`);
  await runSeed(target, Number(seed), true);
}
