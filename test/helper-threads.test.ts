// The event loop goes first: the threads that help it have a lower priority, itself and threads started later the full one.
import { execFile } from 'node:child_process';
import { platform } from 'node:os';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { yieldToEventLoop } from '../src/helper-threads.ts';

const run = promisify(execFile);

// In a process of its own: the priorities of this one are none of a test's business.
const script = `
  import { readdirSync } from 'node:fs';
  import { getPriority } from 'node:os';
  import { Worker } from 'node:worker_threads';
  import { yieldToEventLoop } from './src/helper-threads.ts';
  const threads = () => readdirSync('/proc/self/task').map(Number);
  const own = getPriority(process.pid);
  const before = threads();
  const lowered = yieldToEventLoop();
  const later = new Worker('setInterval(() => {}, 1000)', { eval: true });
  await new Promise((resolve) => later.once('online', resolve));
  const low = before.filter((id) => id !== process.pid && getPriority(id) > own).length;
  const fresh = threads().filter((id) => !before.includes(id)).map((id) => getPriority(id));
  console.log(JSON.stringify({ helpers: before.length - 1, lowered, low, own: getPriority(process.pid) - own, fresh: fresh.map((p) => p - own) }));
  process.exit(0);`;

test.runIf(platform() === 'linux')(
  'helpers that are there yield, the event loop and later threads do not',
  async () => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script]);
    const { helpers, lowered, low, own, fresh } = JSON.parse(stdout) as Record<string, number> & { fresh: number[] };
    expect(helpers).toBeGreaterThan(0);
    expect(lowered).toBe(helpers);
    expect(low).toBe(helpers);
    expect(own).toBe(0);
    expect(fresh).toContain(0);
    expect(fresh.every((difference) => difference === 0)).toBe(true);
  },
);

test('a process whose threads nobody tells is left as it is', () => {
  expect(yieldToEventLoop(0)).toBe(0);
});
