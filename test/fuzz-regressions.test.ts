// What fuzzing once found stays found; and in every run it goes on looking for a few seconds.
import { afterAll, describe, expect, test } from 'vitest';
import { inputOf, readRegressions, runSeed, search } from './fuzz/support/campaign.ts';
import { Random } from './fuzz/support/random.ts';
import type { Target } from './fuzz/support/target.ts';
import { createTargets } from './fuzz/targets/all.ts';

const targets = createTargets();
afterAll(async () => {
  for (const target of targets) await target.stop?.();
});

describe('inputs that failed once', () => {
  const regressions = readRegressions();

  test.each(regressions)('$file', async (regression) => {
    const target = targets.find(({ name }) => name === regression.target);
    if (!target) throw new Error(`no target is called ${regression.target}`);
    await target.check(inputOf(regression));
  });

  test('are found where they are kept', () => {
    expect(regressions.length).toBeGreaterThan(0);
  });
});

describe('a few seconds more', () => {
  test.each(targets)('$name', async (target) => {
    const seconds = target.name === 'server' ? 2 : 0.3;
    const tally = await search({ targets: [target], seconds, seed: Date.now() >>> 0, keep: false });
    expect(tally[target.name]).toBeGreaterThan(0);
  });
});

describe('the search itself', () => {
  const broken: Target = {
    name: 'broken',
    generate: (random) => random.bytes(40),
    check: (input) => {
      if (input.includes(0x41)) throw new Error('there is an A');
    },
  };

  test('finds what is wrong, makes it small, and tells how to run it again', async () => {
    const wrong = await search({ targets: [broken], seconds: 10, seed: 1, keep: false }).catch(String);
    expect(wrong).toMatch(/^Error: broken: there is an A/);
    expect(wrong).toMatch(/"text": "A"/);
    const seed = Number(/FUZZ_SEED=broken:(\d+) /.exec(String(wrong))?.[1]);
    await expect(runSeed(broken, seed, false)).rejects.toThrow(/there is an A/);
    await expect(runSeed(broken, seed, false)).rejects.toThrow(`FUZZ_SEED=broken:${seed} npm run test:fuzz`);
  });

  test('a seed settles everything', () => {
    for (const target of targets) {
      expect(target.generate(new Random(7))).toEqual(target.generate(new Random(7)));
    }
  });
});
