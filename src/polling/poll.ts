// One poll on absolute deadlines, shared by every monitor that asks for the same.
import { RETRY_MAX_INTERVAL_MS } from '../../protocol/limits.ts';
import type { BackendAnswer, Call } from '../backend/backend.ts';
import type { Clock, Timer } from '../clock.ts';
import type { DataEvent } from '../events/data.ts';
import type { PollFailure, PollOutcome } from '../events/outcomes.ts';
import { Audience, type PollMember } from './audience.ts';

export interface PollMembership {
  /** When the oldest poll that has not been answered yet was due; undefined while none is under way [OS-3.6]. */
  pendingSince(): number | undefined;
  leave(): void;
}

/** What happens to polls, for whoever counts it; must not throw. */
export interface PollObserver {
  /** A deadline's timer fired `latenessMs` after it. */
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
  /** Polls under way at once; 1 unless MONITOR_MAX_IN_FLIGHT asks for more. */
  readonly maxInFlight: number;
  send(done: (answer: BackendAnswer) => void): Call;
  judge(answer: BackendAnswer, attempt: number): PollOutcome;
  /** The last member left; the poll has ended. */
  onEnd(): void;
}

interface Flight {
  readonly index: number;
  readonly dueAt: number;
  call: Call | undefined;
}

export class Poll {
  readonly #options: PollOptions;
  readonly #origin: number;
  readonly #audience: Audience;
  readonly #flights: Flight[] = [];
  /** Index of the deadline that the timer waits for. */
  #next = 0;
  /** Index of the newest deadline that was polled for; none is polled for twice. */
  #newestSent = -1;
  #timer: Timer | undefined;
  #failures = 0;
  #lastFailure: PollFailure | undefined;
  /** The backend asked for a pause until then; also a success that was under way already does not end it. */
  #pausedUntil = Number.NEGATIVE_INFINITY;
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
    const newest = this.#newest;
    if (this.#failures > 0 && this.#lastFailure) monitor.onFailure(this.#lastFailure, 1);
    else if (newest) {
      const now = this.#options.clock.now();
      if (now - newest.at < this.#options.periodMs) monitor.onData(newest.event, 0, now);
    }
    return {
      pendingSince: () => this.#flights[0]?.dueAt,
      leave: () => {
        if (this.#audience.remove(listener) && this.#audience.size === 0) this.#end();
      },
    };
  }

  #end(): void {
    this.#ended = true;
    this.#options.clock.clearTimer(this.#timer);
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
    const { clock, periodMs, observer } = this.#options;
    const now = clock.now();
    // A timer that is too late polls for the deadline it is at, never for those it missed.
    const index = Math.max(this.#next, Math.floor((now - this.#origin) / periodMs));
    if (index > 0) observer.ticked(Math.max(0, now - this.#dueAt(this.#next)));
    if (index > this.#next) observer.voided(index - this.#next);
    if (this.#hasRoom()) this.#send(index);
    // After a hold-up the answer may have arrived and only not been read yet: it is, before this turn is over.
    else clock.soon(() => this.#sendOrVoid(index));
    // While it fails, the next try is settled by this one's answer.
    if (!this.#ended && this.#failures === 0) this.#arm(index + 1);
  }

  #hasRoom(): boolean {
    return this.#flights.length < (this.#failures > 0 ? 1 : this.#options.maxInFlight);
  }

  /** At the end of the turn, for a deadline that found as many polls under way as may be. */
  #sendOrVoid(index: number): void {
    // An answer may have set the timer anew for this very deadline, or it has been polled for since.
    const isSetAnew = this.#timer !== undefined && this.#next <= index;
    if (this.#ended || isSetAnew || index === this.#newestSent) return;
    const isOver = index < this.#newestSent || this.#options.clock.now() >= this.#dueAt(index + 1);
    if (this.#failures === 0 && !isOver && this.#hasRoom()) this.#send(index);
    else this.#options.observer.voided(1);
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
    const outcome = this.#options.judge(answer, this.#failures + 1);
    this.#options.observer.polled(answer.durationMs, 'failure' in outcome);
    if ('failure' in outcome) this.#fail(flight, outcome.failure);
    else this.#succeed(flight, outcome.data);
  }

  #succeed(flight: Flight, event: DataEvent): void {
    if (this.#failures > 0) {
      this.#options.observer.recovered(this.#failures);
      this.#failures = 0;
      this.#lastFailure = undefined;
      const time = Math.max(this.#options.clock.now(), this.#pausedUntil);
      this.#arm(this.#indexAfter(time, flight.index + 1));
    }
    // Overtaken by a newer result: it would arrive out of order, so it only counts as missed.
    if (flight.index < this.#deliveredIndex) {
      this.#audience.miss();
      return;
    }
    this.#deliveredIndex = flight.index;
    const at = this.#options.clock.now();
    this.#newest = { event, at };
    this.#audience.give(event, at);
  }

  #fail(flight: Flight, failure: PollFailure): void {
    const { clock, periodMs, observer } = this.#options;
    this.#failures++;
    this.#lastFailure = failure;
    const now = clock.now();
    const doubled = 2 ** Math.min(this.#failures - 1, 30);
    const longest = Math.max(1, Math.floor(RETRY_MAX_INTERVAL_MS / periodMs));
    this.#pausedUntil = Math.max(this.#pausedUntil, now + (failure.retryAfterMs ?? 0));
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
