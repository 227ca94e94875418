// One poll on absolute deadlines, shared by every monitor that asks for the same.
import { RETRY_MAX_INTERVAL_MS } from '../../protocol/limits.ts';
import type { BackendAnswer, Call } from '../backend/backend.ts';
import type { Clock, Timer } from '../clock.ts';
import type { DataEvent } from '../events/data.ts';
import type { PollFailure, PollOutcome } from '../events/outcomes.ts';
import type { Runnable, Turns } from '../turns.ts';
import { Audience, type PollMember } from './audience.ts';

export interface PollMembership {
  /**
   * Since when an answer has been due and none has come, ms on the clock; undefined while no poll is under way [OS-3.6]. A poll that
   * hangs while others are answered is no dead stream.
   */
  pendingSince(): number | undefined;
  leave(): void;
}

/** What happens to polls, for whoever counts it; must not throw. */
export interface PollObserver {
  /** A deadline's poll was sent `latenessMs` after it, or given up then. Not called for the first, which is at once. */
  ticked(latenessMs: number): void;
  /** Deadlines that no poll was sent for: the timer was too late, or a poll outlasted them. */
  voided(count: number): void;
  polled(durationMs: number, failed: boolean): void;
  /** The poll waits for `waitMs` because it fails; `failures` in a row. */
  backedOff(waitMs: number, failures: number, reason: string): void;
  recovered(failures: number): void;
}

export interface PollOptions {
  readonly periodMs: number;
  readonly clock: Clock;
  readonly observer: PollObserver;
  /** Shared by all polls: many that are due at once are not all sent in one turn of the event loop. */
  readonly turns: Turns;
  /** Polls under way at once; 1 unless MONITOR_MAX_IN_FLIGHT asks for more. */
  readonly maxInFlight: number;
  /** All connections are taken by polls: a second one of this poll would only wait, and keep others' first ones waiting. */
  crowded(): boolean;
  send(done: (answer: BackendAnswer) => void): Call;
  judge(answer: BackendAnswer, attempt: number): PollOutcome;
  /** The last member left; the poll has ended. */
  onEnd(): void;
}

/** A deadline that could not be polled for when its timer fired. */
interface Postponed {
  readonly index: number;
  /** The deadline that the timer was set for: an older one when it fired too late. */
  readonly dueAt: number;
}

/** The units of a turn that sending a poll costs. */
const POLL_UNITS = 4;

interface Flight {
  readonly index: number;
  readonly dueAt: number;
  call: Call | undefined;
}

export class Poll implements Runnable {
  readonly #options: PollOptions;
  readonly #origin: number;
  readonly #audience: Audience;
  readonly #flights: Flight[] = [];
  /** Index of the deadline that the timer waits for. */
  #next = 0;
  /** Index of the newest deadline that was polled for; none is polled for twice. */
  #newestSent = -1;
  #timer: Timer | undefined;
  /** Waits for the end of this turn, or for a later one. */
  #postponed: Postponed | undefined;
  #failures = 0;
  /** The latest failure; while a pause lasts, the one that asked for it. */
  #standing: PollFailure | undefined;
  /** The backend asked for a pause until then; also a success that was under way already does not end it. */
  #pausedUntil = Number.NEGATIVE_INFINITY;
  /** When the latest answer came, of whichever poll. */
  #answeredAt = Number.NEGATIVE_INFINITY;
  #newest: { readonly event: DataEvent; readonly at: number } | undefined;
  #deliveredIndex = -1;
  #ended = false;

  constructor(options: PollOptions) {
    this.#options = options;
    this.#origin = options.clock.now();
    this.#audience = new Audience(options.clock);
  }

  /** Sends the first poll, for deadline 0, which is now. Apart from the constructor, so that members can join before it. */
  start(): void {
    this.#tick();
  }

  /** A newcomer gets the newest result at once when it is younger than a period, and a failure that still lasts [OS-3.3]. */
  join(monitor: PollMember): PollMembership {
    const listener = this.#audience.add(monitor);
    const failure = this.#standingFailure();
    if (failure) monitor.onFailure(failure, 1);
    const newest = this.#newest;
    const isYoung = newest !== undefined && this.#options.clock.now() - newest.at < this.#options.periodMs;
    if (isYoung && this.#failures === 0) monitor.onData(newest.event, 0);
    return {
      pendingSince: () => this.#pendingSince(),
      leave: () => {
        if (this.#audience.remove(listener) && this.#audience.size === 0) this.#end();
      },
    };
  }

  #pendingSince(): number | undefined {
    const oldest = this.#flights[0];
    return oldest && Math.max(oldest.dueAt, this.#answeredAt);
  }

  /** Why no results come now: polls fail, or the backend has asked for a pause with one that did, whatever came after it. */
  #standingFailure(): PollFailure | undefined {
    return this.#failures > 0 || this.#options.clock.now() < this.#pausedUntil ? this.#standing : undefined;
  }

  #end(): void {
    this.#ended = true;
    this.#options.clock.clearTimer(this.#timer);
    this.#options.turns.forget(this);
    for (const flight of this.#flights.splice(0)) flight.call?.abort();
    this.#options.onEnd();
  }

  #dueAt(index: number): number {
    return this.#origin + index * this.#options.periodMs;
  }

  #arm(index: number): void {
    this.#options.clock.clearTimer(this.#timer);
    this.#next = Math.max(index, this.#newestSent + 1);
    this.#timer = this.#options.clock.setDeadline(this.#dueAt(this.#next), () => this.#tick());
  }

  #tick(): void {
    this.#timer = undefined;
    const { clock, turns, observer } = this.#options;
    const dueAt = this.#dueAt(this.#next);
    // A timer that is too late polls for the deadline it is at, never for those it missed.
    const index = Math.max(this.#next, this.#indexNow());
    if (index > this.#next) observer.voided(index - this.#next);
    if (this.#postponed && this.#postponed.index < this.#next) this.#giveUp(this.#postponed);
    if (this.#postponed === undefined && this.#hasRoom() && turns.take(POLL_UNITS)) {
      this.#ticked(dueAt);
      this.#send(index);
    } else {
      const isWaiting = this.#postponed !== undefined;
      this.#postponed = { index, dueAt };
      // After a hold-up the answer may have arrived and only not been read yet: it is, before this turn is over.
      if (!this.#hasRoom()) clock.soon(() => this.run());
      // Of many polls that are due at once each turn sends some: commands and answers are read in between.
      else if (!isWaiting) turns.later(this);
    }
    // While it fails, the next try is settled by this one's answer.
    if (!this.#ended && this.#failures === 0) this.#arm(index + 1);
  }

  #indexNow(): number {
    return Math.floor((this.#options.clock.now() - this.#origin) / this.#options.periodMs);
  }

  #ticked(dueAt: number): void {
    if (dueAt > this.#origin) this.#options.observer.ticked(Math.max(0, this.#options.clock.now() - dueAt));
  }

  #hasRoom(): boolean {
    if (this.#flights.length === 0) return true;
    const { maxInFlight, crowded } = this.#options;
    return this.#flights.length < maxInFlight && this.#failures === 0 && !crowded();
  }

  /** The turn that a postponed deadline waited for; nothing was sent meanwhile. */
  run(): void {
    const postponed = this.#postponed;
    if (this.#ended || postponed === undefined) return;
    // While no timer is set it fails, and this was its next try: nothing else would lead to another.
    const index = this.#timer === undefined ? Math.max(postponed.index, this.#indexNow()) : postponed.index;
    // An answer has set the timer anew for this very deadline.
    const isSetAnew = this.#timer !== undefined && this.#next <= index;
    const isWanted = !isSetAnew && this.#mayStillSend(index);
    if (isWanted && !this.#options.turns.take(POLL_UNITS)) {
      this.#options.turns.later(this);
      return;
    }
    this.#postponed = undefined;
    if (isSetAnew) return;
    if (!isWanted) {
      this.#giveUp(postponed);
      return;
    }
    if (index > postponed.index) this.#options.observer.voided(index - postponed.index);
    this.#ticked(postponed.dueAt);
    this.#send(index);
  }

  #mayStillSend(index: number): boolean {
    if (!this.#hasRoom()) return false;
    if (this.#timer === undefined) return true;
    const isPaused = this.#failures > 0 || this.#options.clock.now() < this.#pausedUntil;
    return !isPaused && this.#indexNow() <= index;
  }

  #giveUp({ dueAt }: Postponed): void {
    this.#ticked(dueAt);
    this.#options.observer.voided(1);
  }

  #send(index: number): void {
    const flight: Flight = { index, dueAt: this.#dueAt(index), call: undefined };
    this.#flights.push(flight);
    this.#newestSent = index;
    flight.call = this.#options.send((answer) => this.#answered(flight, answer));
  }

  #answered(flight: Flight, answer: BackendAnswer): void {
    const at = this.#flights.indexOf(flight);
    if (this.#ended || at < 0) return;
    this.#flights.splice(at, 1);
    this.#answeredAt = this.#options.clock.now();
    const outcome = this.#options.judge(answer, this.#failures + 1);
    this.#options.observer.polled(answer.durationMs, 'failure' in outcome);
    if ('failure' in outcome) this.#fail(flight, outcome.failure);
    else this.#succeed(flight, outcome.data);
  }

  #succeed(flight: Flight, event: DataEvent): void {
    if (this.#failures > 0) {
      this.#options.observer.recovered(this.#failures);
      this.#failures = 0;
      const time = Math.max(this.#options.clock.now(), this.#pausedUntil);
      this.#arm(this.#indexAfter(time, flight.index + 1));
    }
    if (this.#answeredAt >= this.#pausedUntil) this.#standing = undefined;
    // Overtaken by a newer result: it would arrive out of order, so it only counts as missed.
    if (flight.index < this.#deliveredIndex) {
      this.#audience.miss();
      return;
    }
    this.#deliveredIndex = flight.index;
    this.#newest = { event, at: this.#answeredAt };
    this.#audience.give(event);
  }

  #fail(flight: Flight, failure: PollFailure): void {
    const { clock, periodMs, observer } = this.#options;
    this.#failures++;
    const now = clock.now();
    const pausedUntil = now + (failure.retryAfterMs ?? 0);
    if (pausedUntil >= this.#pausedUntil) {
      this.#pausedUntil = pausedUntil;
      this.#standing = failure;
    }
    const doubled = 2 ** Math.min(this.#failures - 1, 30);
    const longest = Math.max(1, Math.floor(RETRY_MAX_INTERVAL_MS / periodMs));
    const index = this.#indexAfter(this.#pausedUntil, flight.index + Math.min(doubled, longest));
    // Another poll of the same burst may have settled a later try already.
    this.#arm(this.#failures > 1 && this.#timer !== undefined ? Math.max(index, this.#next) : index);
    observer.backedOff(this.#dueAt(this.#next) - now, this.#failures, failure.message);
    this.#audience.fail(failure);
  }

  /** The first deadline that is neither before `time` nor before `least`. */
  #indexAfter(time: number, least: number): number {
    return Math.max(least, Math.ceil((time - this.#origin) / this.#options.periodMs));
  }
}
