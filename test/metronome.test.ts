// Machines run for months: the metronome must outlive its own idle rests and the end of what it counts in.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Metronome } from '../src/metronome.ts';

const REST_AFTER_MS = 20;

const run = promisify(execFile);

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

test('whoever looks meets what is due, without the thread and never early', () => {
  const metronome = new Metronome();
  const due = performance.now() + 3;
  const times: number[] = [];
  for (const at of [due + 1, due]) metronome.set(at, () => times.push(performance.now()));
  // No turn of the event loop, so no word of the thread can come.
  while (times.length < 2) metronome.look();
  expect(times[0]).toBeGreaterThanOrEqual(due - 0.05);
  expect(times[1]).toBeGreaterThanOrEqual(due + 1 - 0.05);
});

test('a look from within a deadline meets no other one out of turn', () => {
  const metronome = new Metronome();
  const due = performance.now();
  const order: string[] = [];
  for (const name of ['first', 'second']) {
    metronome.set(due, () => {
      order.push(`${name} begins`);
      metronome.look();
      order.push(`${name} ends`);
    });
  }
  while (order.length < 4) metronome.look();
  expect(order.map((word) => word.split(' ')[1])).toEqual(['begins', 'ends', 'begins', 'ends']);
});

test('without its thread it keeps one timer, however often somebody looks', async () => {
  // A fresh process, in which the metronome's thread fails; others, such as the loader's, do not.
  const script = `
    import { syncBuiltinESMExports } from 'node:module';
    import threads from 'node:worker_threads';
    threads.Worker = class extends threads.Worker {
      constructor(code, options) { super(options.eval ? 'throw new Error("lost")' : code, options); }
    };
    syncBuiltinESMExports();
    const { Metronome } = await import('./src/metronome.ts');
    const metronome = new Metronome();
    let met = 0;
    const again = () => { met++; metronome.set(performance.now() + 2, again); };
    again();
    const start = performance.now();
    const alive = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    let most = 0;
    const look = () => {
      metronome.look();
      most = Math.max(most, alive());
      if (performance.now() - start < 300) setImmediate(look);
      else { console.log(JSON.stringify({ met, most })); process.exit(0); }
    };
    look();`;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script]);
  const { met, most } = JSON.parse(stdout) as { met: number; most: number };
  expect(met).toBeGreaterThan(5);
  expect(most).toBeLessThanOrEqual(3);
});

test('a thread that cannot be made costs precision, no deadline, and is tried again', async () => {
  // As at a limit of processes: the constructor itself throws.
  const script = `
    import { syncBuiltinESMExports } from 'node:module';
    import threads from 'node:worker_threads';
    let room = false;
    let tries = 0;
    threads.Worker = class extends threads.Worker {
      constructor(code, options) {
        if (options.eval) tries++;
        if (options.eval && !room) throw new Error('no thread can be made');
        super(code, options);
      }
    };
    syncBuiltinESMExports();
    const { Metronome } = await import('./src/metronome.ts');
    const metronome = new Metronome({ retryMs: 100 });
    const alive = setInterval(() => {}, 1000);
    const met = (ms) => new Promise((resolve) => metronome.set(performance.now() + ms, resolve));
    const start = performance.now();
    let without = 0;
    for (; without < 20 || performance.now() - start < 250; without++) await met(3);
    const tookMs = performance.now() - start;
    const { length } = process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
    const failed = tries;
    room = true;
    while (!metronome.isRunning) await met(3);
    for (let i = 0; i < 20; i++) await met(3);
    clearInterval(alive);
    console.log(JSON.stringify({ tookMs, failed, tries, length }));`;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script]);
  const { tookMs, failed, tries, length } = JSON.parse(stdout) as Record<string, number>;
  // At once, and then not for each deadline.
  expect(failed).toBeGreaterThanOrEqual(2);
  expect(failed).toBeLessThanOrEqual(1 + Math.ceil(tookMs! / 100));
  expect(tries).toBe(failed! + 1);
  expect(length).toBeLessThanOrEqual(3);
});

test('it goes on when the count of its wake-ups reaches the end of its numbers', async () => {
  const metronome = new Metronome({ firstCount: 0x7fff_ffff - 3 });
  for (let tick = 0; tick < 10; tick++) await met(metronome, performance.now() + 2);
});

test('a deadline is met by one wake-up, not by one that comes too early and another one', async () => {
  // A fresh process: there the first reading of a clock is slow, and once made every wake-up early.
  const script = `
    import { Metronome } from './src/metronome.ts';
    const metronome = new Metronome();
    const alive = setInterval(() => {}, 1000);
    await new Promise((resolve) => metronome.set(performance.now() + 50, resolve));
    let orders = 0;
    const { notify } = Atomics;
    Atomics.notify = (...args) => { orders++; return notify(...args); };
    for (let tick = 0; tick < 50; tick++) await new Promise((resolve) => metronome.set(performance.now() + 3, resolve));
    clearInterval(alive);
    console.log(orders);`;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script]);
  // One order for each deadline; before, most of them took two.
  expect(Number(stdout)).toBeGreaterThanOrEqual(50);
  expect(Number(stdout)).toBeLessThan(75);
});
