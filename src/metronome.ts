// Deadlines to a tenth of a millisecond: the event loop's own timers know whole milliseconds only, and round each wait up anew.
import { Worker } from 'node:worker_threads';

/**
 * The thread sleeps on a futex, which is precise, and wakes the event loop with a message. `cell[0]` counts requests, negative ends it;
 * `due[0]` is the time to wake at, ms on the clock that all threads share.
 */
const THREAD = `
const { parentPort, workerData: { cell, due } } = require('node:worker_threads');
const now = () => Number(process.hrtime.bigint()) / 1e6;
for (let seen = Atomics.load(cell, 0); seen >= 0; seen = Atomics.load(cell, 0)) {
  const left = due[0] - now();
  if (left > 0 && Atomics.wait(cell, 0, seen, left) !== 'timed-out') continue;
  parentPort.postMessage(0);
  Atomics.wait(cell, 0, seen);
}`;

/** Wake-ups are at least this far apart, ms: many deadlines cost no more than two thousand a second. */
const APART_MS = 0.5;
/** A deadline this near is met by the wake-up that is here already, ms. */
const NEAR_MS = 0.05;
/** The thread ends when nobody needed it for this long, ms. */
const IDLE_MS = 2000;
/** After a thread that could not be started, or died, another is tried no sooner than this, ms. */
const RETRY_MS = 10_000;
const LARGEST_COUNT = 0x7fff_ffff;
/** Of so many readings of two clocks the two that are closest together are taken. */
const CLOCK_READINGS = 20;

/** For tests, which cannot wait for weeks. */
interface MetronomeOptions {
  /** Default 2000. */
  readonly idleMs?: number;
  /** Where the count of wake-ups begins; default 0. */
  readonly firstCount?: number;
  /** Default 10,000. */
  readonly retryMs?: number;
}

/**
 * The clock that all threads share, minus `performance.now` of this one, ms. Readings of the two are apart by what the first calls
 * cost, up to a millisecond in a young process; every wake-up would come that much too early, and be followed by a second one.
 */
function offsetOfSharedClock(): number {
  let offset = 0;
  let closest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < CLOCK_READINGS; i++) {
    const before = performance.now();
    const shared = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before >= closest) continue;
    closest = after - before;
    offset = shared - (before + after) / 2;
  }
  return offset;
}

interface Deadline {
  readonly at: number;
  readonly fire: () => void;
}

/** `now` is the clock of the deadlines: `performance.now` of this thread. */
export class Metronome {
  /** The soonest last. */
  readonly #deadlines: Deadline[] = [];
  #thread: Worker | undefined;
  #cell = new Int32Array(new SharedArrayBuffer(4));
  #due = new Float64Array(new SharedArrayBuffer(8));
  readonly #offset = offsetOfSharedClock();
  #idle: NodeJS.Timeout | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  #wokeAt = 0;
  #waking = false;
  /** When the thread could not be started, or died; undefined unless that was just now. */
  #lostAt: number | undefined;
  /** In the lost thread's place; one at a time, or each deadline would leave another one behind. */
  #fallen: NodeJS.Timeout | undefined;
  readonly #idleMs: number;
  readonly #retryMs: number;

  constructor({ idleMs = IDLE_MS, firstCount = 0, retryMs = RETRY_MS }: MetronomeOptions = {}) {
    this.#idleMs = idleMs;
    this.#retryMs = retryMs;
    this.#cell[0] = firstCount;
  }

  /** Its thread is there; it ends when nobody needs it. */
  get isRunning(): boolean {
    return this.#thread !== undefined;
  }

  /** Calls `fire` at this time, ms on `performance.now`; never before it by more than a twentieth of a millisecond. */
  set(at: number, fire: () => void): object {
    const deadline = { at, fire };
    const { length } = this.#deadlines;
    let place = length;
    while (place > 0 && this.#deadlines[place - 1]!.at < at) place--;
    this.#deadlines.splice(place, 0, deadline);
    if (place === length) this.#arm();
    return deadline;
  }

  /** False when it is none of this metronome's, or has been met. */
  clear(deadline: object): boolean {
    const place = this.#deadlines.indexOf(deadline as Deadline);
    if (place >= 0) this.#deadlines.splice(place, 1);
    return place >= 0;
  }

  /** For an event loop that does not sleep: meets what is due now, and needs no thread to tell it so. */
  look(): void {
    if (!this.#waking && this.#isDue(performance.now())) this.#wake();
  }

  #isDue(now: number): boolean {
    const soonest = this.#deadlines.at(-1);
    return soonest !== undefined && soonest.at <= now + NEAR_MS;
  }

  #fallBack(): void {
    const soonest = this.#deadlines.at(-1);
    clearTimeout(this.#fallen);
    if (soonest) this.#fallen = setTimeout(() => this.#wake(), Math.max(1, Math.ceil(soonest.at - performance.now())));
  }

  #arm(): void {
    const soonest = this.#deadlines.at(-1);
    if (soonest === undefined || this.#waking) return;
    if (this.#lostAt !== undefined) {
      if (performance.now() - this.#lostAt < this.#retryMs) {
        this.#fallBack();
        return;
      }
      this.#lostAt = undefined;
    }
    const wakeAt = Math.max(soonest.at, this.#wokeAt + APART_MS);
    if (wakeAt >= this.#armedFor) return;
    this.#armedFor = wakeAt;
    this.#due[0] = wakeAt + this.#offset;
    try {
      this.#thread ??= this.#start();
    } catch {
      // No thread can be made, perhaps because the limit of processes is reached; the deadlines are met all the same.
      this.#lose();
      return;
    }
    // Wraps within what is not negative: it never ends the thread, however many weeks it counts.
    Atomics.store(this.#cell, 0, (Atomics.load(this.#cell, 0) + 1) & LARGEST_COUNT);
    Atomics.notify(this.#cell, 0);
  }

  #start(): Worker {
    // Without the options of this process: a loader of modules, say, would only make it start late.
    const workerData = { cell: this.#cell, due: this.#due };
    const thread = new Worker(THREAD, { eval: true, workerData, execArgv: [] });
    thread.on('message', () => this.#wake());
    thread.on('error', () => {
      if (thread === this.#thread) this.#lose();
    });
    // Who waits for a deadline is kept alive by what it polls; the thread alone keeps nothing alive.
    thread.unref();
    this.#idle = setInterval(() => this.#rest(), this.#idleMs);
    this.#idle.unref();
    return thread;
  }

  /** Without the thread deadlines are only as precise as the event loop's own timers. */
  #lose(): void {
    this.#thread = undefined;
    this.#lostAt = performance.now();
    this.#armedFor = Number.POSITIVE_INFINITY;
    clearInterval(this.#idle);
    this.#fallBack();
  }

  #wake(): void {
    const now = performance.now();
    this.#wokeAt = now;
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#waking = true;
    try {
      while (this.#isDue(now)) this.#deadlines.pop()!.fire();
    } finally {
      this.#waking = false;
      this.#arm();
    }
  }

  /** Ends the thread once it is not needed; the next deadline starts another. */
  #rest(): void {
    if (this.#deadlines.length > 0 || performance.now() - this.#wokeAt < this.#idleMs) return;
    clearInterval(this.#idle);
    Atomics.store(this.#cell, 0, -1);
    Atomics.notify(this.#cell, 0);
    this.#thread = undefined;
    // A wake-up whose deadline was cleared may still have been ordered; it will not come any more.
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#cell = new Int32Array(new SharedArrayBuffer(4));
    this.#due = new Float64Array(new SharedArrayBuffer(8));
  }
}
