// One question: how punctual can a 2 ms tick be in Node, and at what price? `node --import tsx bench/micro/tick-strategies.ts [seconds]`.
// Each strategy polls the C backend with undici on the same absolute grid; intervals are between the answers' arrivals.
import { Worker } from 'node:worker_threads';
import { Pool } from 'undici';
import { createHistogram } from '../support/histogram.ts';
import { compileTools, toolPath } from '../support/native.ts';
import { LOAD_CORE, start } from '../support/processes.ts';

const PERIOD = 2;
const seconds = Number(process.argv[2] ?? 5);

/** Milliseconds on the clock that the event loop's timers truncate: its whole numbers are where timers fire. */
const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();
const now = () => performance.now() + offset;

/** Calls `fire` for a deadline; returns how to end whatever it keeps running. */
interface Strategy {
  /** Moves the grid's origin; default: as it comes. */
  align?: (time: number) => number;
  wait(due: number, fire: () => void): void;
  end?: () => void;
}

function preciseWorker(): Strategy {
  // A thread that sleeps on a futex, to the microsecond, and then wakes the event loop.
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const cell = new Int32Array(workerData.shared);
    const dues = new Float64Array(workerData.dues);
    for (let seen = 0; ; ) {
      Atomics.wait(cell, 0, seen);
      seen = Atomics.load(cell, 0);
      if (seen < 0) break;
      const left = dues[0] - (Number(process.hrtime.bigint()) / 1e6);
      if (left > 0) Atomics.wait(cell, 1, 0, left);
      parentPort.postMessage(0);
    }`;
  const shared = new SharedArrayBuffer(8);
  const dues = new SharedArrayBuffer(8);
  const cell = new Int32Array(shared);
  const slot = new Float64Array(dues);
  const worker = new Worker(code, { eval: true, workerData: { shared, dues } });
  let pending: (() => void) | undefined;
  worker.on('message', () => pending?.());
  return {
    wait: (due, fire) => {
      pending = fire;
      slot[0] = due;
      Atomics.add(cell, 0, 1);
      Atomics.notify(cell, 0);
    },
    end: () => {
      Atomics.store(cell, 0, -1);
      Atomics.notify(cell, 0);
    },
  };
}

const spinUntil = (due: number, fire: () => void): void => {
  if (now() >= due) fire();
  else setImmediate(() => spinUntil(due, fire));
};

const strategies: Record<string, () => Strategy> = {
  'setTimeout, rounded up': () => ({
    wait: (due, fire) => setTimeout(fire, Math.max(1, Math.ceil(due - now()))),
  }),
  'setTimeout, cut off': () => ({
    wait: (due, fire) => setTimeout(fire, due - now()),
  }),
  'to the whole ms before': () => ({
    wait: (due, fire) => setTimeout(fire, Math.max(1, Math.floor(due) - Math.floor(now()))),
  }),
  'grid on whole ms': () => ({
    align: Math.floor,
    wait: (due, fire) => setTimeout(fire, Math.max(1, Math.floor(due) - Math.floor(now()))),
  }),
  'last ms by setImmediate': () => ({
    wait: (due, fire) => {
      const left = Math.floor(due - now());
      if (left < 1) spinUntil(due, fire);
      else setTimeout(() => spinUntil(due, fire), left);
    },
  }),
  // Sleeps where the event loop would wake at most 0.4 ms late; else one ms less, and turns the loop for what is left.
  'whole ms, turning the rest': () => ({
    align: Math.floor,
    wait: (due, fire) => {
      const time = now();
      const left = Math.floor(due) - Math.floor(time);
      if (time % 1 < 0.4) setTimeout(fire, Math.max(1, left));
      else if (left < 2) spinUntil(due, fire);
      else setTimeout(() => spinUntil(due, fire), left - 1);
    },
  }),
  'thread on a futex': preciseWorker,
};

async function run(strategy: Strategy, pool: Pool): Promise<string> {
  const ticks = createHistogram();
  const arrivals = createHistogram();
  let late = 0;
  let early = 0;
  let count = 0;
  let voided = 0;
  let busy = false;
  let lastTick = 0;
  let lastArrival = 0;
  await new Promise((resolve) => setTimeout(resolve, 300));
  const origin = strategy.align ? strategy.align(now()) : now();
  const cpu = process.cpuUsage();
  const poll = async () => {
    busy = true;
    const { body } = await pool.request({ path: '/project/robot/joints/joint_states', method: 'GET' });
    await body.text();
    busy = false;
    const at = now();
    if (lastArrival) arrivals.add((at - lastArrival) * 1000);
    lastArrival = at;
  };
  await new Promise<void>((resolve) => {
    let k = 0;
    const tick = () => {
      const at = now();
      if (at - origin > seconds * 1000) {
        resolve();
        return;
      }
      const lateness = at - (origin + k * PERIOD);
      late = Math.max(late, lateness);
      early = Math.min(early, lateness);
      count++;
      if (lastTick) ticks.add((at - lastTick) * 1000);
      lastTick = at;
      if (busy) voided++;
      else void poll();
      const reached = Math.floor((at - origin) / PERIOD);
      if (reached > k) voided += reached - k;
      k = Math.max(k, reached) + 1;
      strategy.wait(origin + k * PERIOD, tick);
    };
    tick();
  });
  strategy.end?.();
  const used = process.cpuUsage(cpu);
  const share = ((used.user + used.system) / 1e6 / seconds) * 100;
  const show = (us: number) => (us / 1000).toFixed(2);
  const [t, a] = [ticks.figures(), arrivals.figures()];
  return [
    `tick p50 ${show(t.p50)} p99 ${show(t.p99)} p99.9 ${show(t.p999)}`,
    `arrival mean ${(a.mean / 1000).toFixed(4)} p99 ${show(a.p99)} p99.9 ${show(a.p999)}`,
    `early ${early.toFixed(2)} late ${late.toFixed(2)}`,
    `void ${((100 * voided) / count).toFixed(2)} %`,
    `cpu ${share.toFixed(0)} %`,
  ].join('   ');
}

compileTools();
const backend = start(toolPath('backend'), [], { core: LOAD_CORE });
const { ['port']: port } = await backend.event('listening', 5000);
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 4 });
for (const [name, make] of Object.entries(strategies)) {
  console.log(`${name.padEnd(26)} ${await run(make(), pool)}`);
}
await pool.close();
await backend.stop();
