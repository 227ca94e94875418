// Time as a parameter: the session and the polls run on the real clock in service and on a hand-driven one in tests.
import { cpus } from 'node:os';
import { BusyPolling } from './busy-polling.ts';
import { Metronome } from './metronome.ts';

/** A running timer; opaque. */
export type Timer = object;

export interface Clock {
  /** Milliseconds on a monotonic clock, with fractions. */
  now(): number;
  /** Milliseconds since 1970, whole. */
  epoch(): number;
  /** Calls once, `ms` from now; fractions are rounded up, so a timer never fires early on purpose. */
  setTimer(ms: number, fire: () => void): Timer;
  /** Calls once when `now()` reaches `at`, as precisely as the machine allows; cleared like a timer. */
  setDeadline(at: number, fire: () => void): Timer;
  clearTimer(timer: Timer | undefined): void;
  /** Calls once, after the events that are already waiting have been handled. */
  soon(fire: () => void): void;
  /**
   * Something is due before `until`, on `now()`, that somebody waits for: sleeping meanwhile, and being woken for it, would make it late.
   * Nothing happens on a machine with one core: what is waited for may need it.
   */
  stayAwake(until: number): void;
}

/** Longer waits are cut to this: above it, Node fires at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Waits shorter than this are met by the metronome, ms: for longer ones a whole millisecond more or less is no matter. */
const PRECISE_BELOW_MS = 8;

const metronome = new Metronome();

let cores: number | undefined;
const busyPolling = new BusyPolling({
  now: () => performance.now(),
  soon: (fire) => realClock.soon(fire),
  // Its thread would have to get at the core first.
  turned: () => metronome.look(),
});

export const realClock: Clock = {
  now: () => performance.now(),
  epoch: () => Date.now(),
  setTimer: (ms, fire) => setTimeout(fire, Math.min(LONGEST_TIMER_MS, Math.max(1, Math.ceil(ms)))),
  setDeadline: (at, fire) => {
    const left = at - performance.now();
    return left < PRECISE_BELOW_MS ? metronome.set(at, fire) : realClock.setTimer(left, fire);
  },
  clearTimer: (timer) => {
    if (timer && !metronome.clear(timer)) clearTimeout(timer as NodeJS.Timeout);
  },
  soon: (fire) => {
    setImmediate(fire);
  },
  stayAwake: (until) => {
    cores ??= cpus().length;
    if (cores > 1) busyPolling.stayAwake(until);
  },
};
