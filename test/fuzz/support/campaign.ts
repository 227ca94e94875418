// The search itself: targets in turn, one seed per input; what fails is made small, told with how to run it again, and kept.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hashOf, Random } from './random.ts';
import type { Target } from './target.ts';

const REGRESSIONS = new URL('../regressions/', import.meta.url);

/** An input that failed once. */
interface Regression {
  readonly target: string;
  /** What was wrong. */
  readonly note: string;
  /** The input's bytes; `text` where they are readable. */
  readonly base64?: string;
  readonly text?: string;
}

interface CampaignOptions {
  readonly targets: readonly Target[];
  /** 0: until stopped. */
  readonly seconds: number;
  readonly seed: number;
  /** Failing inputs are written to the regressions. */
  readonly keep: boolean;
}

const SLICE_MS = 200;

/** How many inputs each target was given. */
export type Tally = Readonly<Record<string, number>>;

/** Rejects with the first failure, made small. */
export async function search({ targets, seconds, seed, keep }: CampaignOptions): Promise<Tally> {
  const tally: Record<string, number> = Object.fromEntries(targets.map(({ name }) => [name, 0]));
  const end = seconds === 0 ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000;
  // Each target has its share of the time, in small slices, however long one of its inputs takes.
  for (let number = seed; performance.now() < end; ) {
    for (const target of targets) {
      const sliceEnd = Math.min(end, performance.now() + (target.sliceMs ?? SLICE_MS));
      do {
        await runSeed(target, number++, keep);
        tally[target.name]!++;
      } while (performance.now() < sliceEnd);
    }
  }
  return tally;
}

/** One seed of one target. */
export async function runSeed(target: Target, seed: number, keep: boolean): Promise<void> {
  const input = target.generate(new Random(seed >>> 0));
  const wrong = await failure(target, input);
  if (wrong === undefined) return;
  const small = await shrink(target, input);
  const note = ((await failure(target, small)) ?? wrong).message;
  const regression = regressionOf(target.name, note, small);
  const name = `${target.name}-${hashOf(small).toString(16).padStart(8, '0')}.json`;
  const json = `${JSON.stringify(regression, null, 2)}\n`;
  if (keep) writeFileSync(new URL(name, REGRESSIONS), json);
  throw new Error(
    `${target.name}: ${wrong.message}\nrun it again: FUZZ_SEED=${target.name}:${seed >>> 0} npm run test:fuzz\n` +
      `${keep ? 'kept as' : 'keep it as'} test/fuzz/regressions/${name}:\n${json}`,
    { cause: wrong },
  );
}

export function readRegressions(): (Regression & { readonly file: string })[] {
  return readdirSync(REGRESSIONS)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ file, ...(JSON.parse(readFileSync(new URL(file, REGRESSIONS), 'utf8')) as Regression) }));
}

export const inputOf = ({ base64, text }: Regression): Buffer =>
  base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');

function regressionOf(target: string, note: string, input: Uint8Array): Regression {
  const text = Buffer.from(input).toString('utf8');
  const readable = Buffer.from(text).equals(Buffer.from(input));
  return { target, note, ...(readable ? { text } : { base64: Buffer.from(input).toString('base64') }) };
}

async function failure(target: Target, input: Uint8Array): Promise<Error | undefined> {
  try {
    await target.check(input);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const SHRINK_MS = 10_000;

/** Leaves out parts, large ones first, as long as it still fails. */
async function shrink(target: Target, input: Uint8Array): Promise<Uint8Array> {
  const end = performance.now() + SHRINK_MS;
  let small = Buffer.from(input);
  for (let part = small.length >> 1; part >= 1; part >>= 1) {
    for (let at = 0; at < small.length && performance.now() < end; ) {
      const shorter = Buffer.concat([small.subarray(0, at), small.subarray(at + part)]);
      if ((await failure(target, shorter)) === undefined) at += part;
      else small = shorter;
    }
  }
  return small;
}
