// One poll on absolute deadlines, shared by every monitor that asks for the same; one result at a time, in order.
import { RETRY_MAX_INTERVAL_MS } from '../../protocol/limits.ts';
import type { BackendAnswer, Call } from '../backend/backend.ts';
import type { Clock, Timer } from '../clock.ts';
import type { DataEvent } from '../events/data.ts';
import type { PollFailure, PollOutcome } from '../events/outcomes.ts';

/** A monitor that takes part in a poll. */
export interface PollMember {
  /** `missed`: results since the last one this member was given, which it will never see. `at`: when the handing out began, ms on the clock. */
  onData(event: DataEvent, missed: number, at: number): void;
  /** `polls`: polls that failed since the last failure this member was given, this one included. */
  onFailure(failure: PollFailure, polls: number): void;
}

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

interface Member {
  readonly monitor: PollMember;
  /** Number of the last result given to it, or of the newest one when it joined. */
  seen: number;
  /** The same for failed polls. */
  failuresSeen: number;
  /** The last publication it took part in. */
  publication: number;
  left: boolean;
}

interface Outcome {
  readonly failure: boolean;
  readonly deliver: (member: Member) => void;
}

/** An outcome on its way to every member. */
interface Publication {
  readonly number: number;
  readonly members: Iterator<Member>;
  readonly outcome: Outcome;
}

interface Flight {
  readonly index: number;
  readonly dueAt: number;
  call: Call | undefined;
}

/** Members served in one turn of the event loop: a thousand writes at once would hold up everybody else's timers. */
const MEMBERS_PER_TURN = 64;

export class Poll {
  readonly #options: PollOptions;
  readonly #origin: number;
  readonly #members = new Set<Member>();
  readonly #flights: Flight[] = [];
  /** Index of the deadline that the timer waits for. */
  #next = 0;
  /** Index of the newest deadline that was polled for; none is polled for twice. */
  #newestSent = -1;
  #timer: Timer | undefined;
  #failures = 0;
  #lastFailure: PollFailure | undefined;
  /** Results so far, whether delivered or not. */
  #produced = 0;
  /** Failed polls so far. */
  #failed = 0;
  #newest: { readonly event: DataEvent; readonly at: number } | undefined;
  #deliveredIndex = -1;
  #publications = 0;
  #publishing: Publication | undefined;
  /** The newest result and the newest failure that came while the outcome before was handed out; older ones are counted for them. */
  #queued: Outcome[] = [];
  #ended = false;

  constructor(options: PollOptions) {
    this.#options = options;
    this.#origin = options.clock.now();
  }

  /** Sends the first poll, for deadline 0, which is now. Apart from the constructor, so that members can join before it. */
  start(): void {
    this.#tick();
  }

  /** A newcomer gets the newest result at once when it is younger than a period, and a failure that still lasts [OS-3.3]. */
  join(monitor: PollMember): PollMembership {
    const member: Member = {
      monitor,
      seen: this.#produced,
      failuresSeen: this.#failed,
      publication: this.#publications,
      left: false,
    };
    this.#members.add(member);
    const newest = this.#newest;
    if (this.#failures > 0 && this.#lastFailure) monitor.onFailure(this.#lastFailure, 1);
    else if (newest) {
      const now = this.#options.clock.now();
      if (now - newest.at < this.#options.periodMs) monitor.onData(newest.event, 0, now);
    }
    return {
      pendingSince: () => this.#flights[0]?.dueAt,
      leave: () => {
        member.left = true;
        if (this.#members.delete(member) && this.#members.size === 0) this.#end();
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
    const { clock, periodMs, observer, maxInFlight } = this.#options;
    const now = clock.now();
    // A timer that is too late polls for the deadline it is at, never for those it missed.
    const index = Math.max(this.#next, Math.floor((now - this.#origin) / periodMs));
    if (index > 0) observer.ticked(Math.max(0, now - this.#dueAt(this.#next)));
    let voided = index - this.#next;
    const limit = this.#failures > 0 ? 1 : maxInFlight;
    if (this.#flights.length < limit) this.#send(index);
    else voided++;
    if (voided > 0) observer.voided(voided);
    // While it fails, the next try is settled by this one's answer.
    if (!this.#ended && this.#failures === 0) this.#arm(index + 1);
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
    this.#produced++;
    if (this.#failures > 0) {
      this.#options.observer.recovered(this.#failures);
      this.#failures = 0;
      this.#lastFailure = undefined;
      this.#arm(this.#indexAfter(this.#options.clock.now(), flight.index + 1));
    }
    // Overtaken by a newer result: it would arrive out of order, so it only counts as missed.
    if (flight.index < this.#deliveredIndex) return;
    this.#deliveredIndex = flight.index;
    const at = this.#options.clock.now();
    this.#newest = { event, at };
    const number = this.#produced;
    const deliver = (member: Member): void => {
      if (member.seen >= number) return;
      const missed = number - member.seen - 1;
      member.seen = number;
      member.monitor.onData(event, missed, at);
    };
    this.#publish({ failure: false, deliver });
  }

  #fail(flight: Flight, failure: PollFailure): void {
    const { clock, periodMs, observer } = this.#options;
    this.#failures++;
    this.#lastFailure = failure;
    const now = clock.now();
    const doubled = 2 ** Math.min(this.#failures - 1, 30);
    const longest = Math.max(1, Math.floor(RETRY_MAX_INTERVAL_MS / periodMs));
    const asked = failure.retryAfterMs ?? 0;
    const index = this.#indexAfter(now + asked, flight.index + Math.min(doubled, longest));
    // Another poll of the same burst may have settled a later try already; the earlier wish must not undo a Retry-After.
    this.#arm(this.#failures > 1 && this.#timer !== undefined ? Math.max(index, this.#next) : index);
    observer.backedOff(this.#dueAt(this.#next) - now, this.#failures, failure.message);
    const number = ++this.#failed;
    const deliver = (member: Member): void => {
      if (member.failuresSeen >= number) return;
      const polls = number - member.failuresSeen;
      member.failuresSeen = number;
      member.monitor.onFailure(failure, polls);
    };
    this.#publish({ failure: true, deliver });
  }

  /** The first deadline that is neither before `time` nor before `least`. */
  #indexAfter(time: number, least: number): number {
    return Math.max(least, Math.ceil((time - this.#origin) / this.#options.periodMs));
  }

  #publish(outcome: Outcome): void {
    if (this.#publishing || this.#queued.length > 0)
      this.#queued = [...this.#queued.filter(({ failure }) => failure !== outcome.failure), outcome];
    else this.#begin(outcome);
  }

  #begin(outcome: Outcome): void {
    this.#publishing = { number: ++this.#publications, members: this.#members.values(), outcome };
    this.#handOut();
  }

  #publishQueued(): void {
    const next = this.#publishing ? undefined : this.#queued.shift();
    if (next) this.#begin(next);
  }

  /** Serves a bounded number of members, the others in later turns. */
  #handOut(): void {
    const publication = this.#publishing;
    if (publication === undefined) return;
    for (let served = 0; served < MEMBERS_PER_TURN; served++) {
      const { value: member, done } = publication.members.next();
      if (done) {
        this.#publishing = undefined;
        if (this.#queued.length > 0) this.#options.clock.soon(() => this.#publishQueued());
        return;
      }
      // Who joined meanwhile was given what there was when it joined.
      if (member.left || member.publication >= publication.number) continue;
      member.publication = publication.number;
      publication.outcome.deliver(member);
    }
    this.#options.clock.soon(() => this.#handOut());
  }
}
