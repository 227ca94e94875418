// A clock that stands still until a test moves it: timers fire in order of time, late ones as late as the test wants.
import type { Clock, Timer } from '../../../src/clock.ts';

interface HandTimer {
  at: number;
  readonly number: number;
  readonly fire: () => void;
  live: boolean;
}

export class HandClock implements Clock {
  /** How much later than asked the next timers fire, ms; asked once for each timer when it is set. */
  lateness: () => number = () => 0;
  /** Until when it was asked to stay awake, each time. */
  readonly awake: number[] = [];
  /** Called ahead of each timer that fires, in its turn. */
  firing: (() => void) | undefined;
  #now: number;
  #epoch: number;
  #timers: HandTimer[] = [];
  #soon: (() => void)[] = [];
  #number = 0;

  /** Starts at an odd fraction, so that nothing works only on whole milliseconds. */
  constructor(start = 1000.375, epoch = 1_700_000_000_000) {
    this.#now = start;
    this.#epoch = epoch - start;
  }

  /** Timers that have been set and neither fired nor been cleared. */
  get timers(): number {
    return this.#timers.filter(({ live }) => live).length;
  }

  now = (): number => this.#now;

  epoch = (): number => Math.round(this.#epoch + this.#now);

  setTimer(ms: number, fire: () => void): Timer {
    const wait = Math.max(1, Math.ceil(ms)) + this.lateness();
    const timer: HandTimer = { at: this.#now + wait, number: ++this.#number, fire, live: true };
    this.#timers.push(timer);
    return timer;
  }

  setDeadline(at: number, fire: () => void): Timer {
    return this.setTimer(at - this.#now, fire);
  }

  clearTimer(timer: Timer | undefined): void {
    const known = timer as HandTimer | undefined;
    if (!known?.live) return;
    known.live = false;
    this.#timers.splice(this.#timers.indexOf(known), 1);
  }

  soon(fire: () => void): void {
    this.#soon.push(fire);
  }

  stayAwake(until: number): void {
    this.awake.push(until);
  }

  /** Runs what was put off to the next turn of the event loop, one turn of it; false when there was nothing. */
  turn(): boolean {
    const due = this.#soon;
    if (due.length === 0) return false;
    this.#soon = [];
    for (const fire of due) fire();
    return true;
  }

  /** Everything that was put off, until nothing is. */
  settle(): void {
    for (let turns = 0; this.turn(); turns++) if (turns > 100_000) throw new Error('it never settles');
  }

  /** Lets time pass; everything that becomes due in it happens at its own time. */
  advance(ms: number): void {
    this.runUntil(this.#now + ms);
  }

  runUntil(time: number): void {
    this.settle();
    for (;;) {
      const next = this.#earliest();
      if (next === undefined || next.at > time) break;
      this.clearTimer(next);
      this.#now = Math.max(this.#now, next.at);
      this.firing?.();
      next.fire();
      this.settle();
    }
    this.#now = Math.max(this.#now, time);
  }

  /** Time passes within a turn of the event loop: nothing else happens meanwhile. */
  pass(ms: number): void {
    this.#now += ms;
  }

  /** The process was held up: time passes, but nothing fires before its end. */
  freeze(ms: number): void {
    this.#now += ms;
    this.runUntil(this.#now);
  }

  /** As the event loop does behind a hold-up: all that is due fires in one turn, which is not over yet. */
  rush(ms: number): void {
    this.#now += ms;
    for (let next = this.#earliest(); next && next.at <= this.#now; next = this.#earliest()) {
      this.clearTimer(next);
      next.fire();
    }
  }

  #earliest(): HandTimer | undefined {
    let earliest: HandTimer | undefined;
    for (const timer of this.#timers)
      if (
        earliest === undefined ||
        timer.at < earliest.at ||
        (timer.at === earliest.at && timer.number < earliest.number)
      )
        earliest = timer;
    return earliest;
  }
}
