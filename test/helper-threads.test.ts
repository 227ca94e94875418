// The event loop goes first: V8's threads have a lower priority, itself and those somebody waits for the full one.
import { execFile } from 'node:child_process';
import { availableParallelism, platform } from 'node:os';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { yieldToEventLoop } from '../src/helper-threads.ts';

const run = promisify(execFile);

// In a process of its own: the priorities of this one are none of a test's business.
const script = `
  import { readdirSync } from 'node:fs';
  import { readlink } from 'node:fs/promises';
  import { getPriority } from 'node:os';
  import { Worker } from 'node:worker_threads';
  import { yieldToEventLoop } from './src/helper-threads.ts';
  const threads = () => readdirSync('/proc/self/task').map(Number);
  const own = getPriority(process.pid);
  const lowered = yieldToEventLoop();
  const later = new Worker('setInterval(() => {}, 1000)', { eval: true });
  await new Promise((resolve) => later.once('online', resolve));
  // Whoever follows this link from the pool that reads files names the pool's thread.
  const links = await Promise.all(Array.from({ length: 100 }, () => readlink('/proc/thread-self')));
  const pool = [...new Set(links.map((link) => Number(link.split('/')[2])))];
  const low = threads().filter((id) => getPriority(id) === own + 10);
  console.log(JSON.stringify({
    lowered,
    low: low.length,
    lowPool: pool.filter((id) => low.includes(id)).length,
    pool: pool.length,
    isOwnLow: low.includes(process.pid),
  }));
  process.exit(0);`;

describe.runIf(platform() === 'linux')(
  'V8’s threads yield, the event loop and the pool that reads files do not',
  () => {
    test.each([
      ['by default', [], 5],
      ['with two threads', ['--v8-pool-size=2'], 3],
      ['with two threads, the last of two options', ['--v8-pool-size=3', '--v8-pool-size=2'], 3],
      ['with as many threads as the machine likes', ['--v8-pool-size=0'], 1 + Math.max(1, availableParallelism() - 1)],
    ])('%s', async (_what, options, expected) => {
      const arguments_ = [...options, '--import', 'tsx', '--input-type=module', '--eval', script];
      const { stdout } = await run(process.execPath, arguments_);
      const { pool, ...seen } = JSON.parse(stdout) as Record<string, unknown>;
      expect(seen).toEqual({ lowered: expected, low: expected, lowPool: 0, isOwnLow: false });
      expect(pool).toBeGreaterThan(0);
    });
  },
);

test('a process whose threads nobody tells is left as it is', () => {
  expect(yieldToEventLoop(0)).toBe(0);
});
