// Hands what a poll brings to everybody who takes part in it: in slices, in order, to nobody twice, with a count of what was missed.
import type { Clock } from '../clock.ts';
import type { DataEvent } from '../events/data.ts';
import type { PollFailure } from '../events/outcomes.ts';

/** A monitor that takes part in a poll. */
export interface PollMember {
  /** `missed`: results since the last one this member was given, which it will never see. */
  onData(event: DataEvent, missed: number): void;
  /** `polls`: polls that failed since the last failure this member was given, this one included. */
  onFailure(failure: PollFailure, polls: number): void;
}

/** A member and what it has been given. */
export interface Listener {
  readonly member: PollMember;
  /** Number of the last result given to it, or of the newest one when it joined. */
  seen: number;
  /** The same for failed polls. */
  failuresSeen: number;
}

interface Outcome {
  readonly failure: boolean;
  /** What serving one member moves, about. */
  readonly bytes: number;
  readonly deliver: (listener: Listener) => void;
}

/** Members served in one turn of the event loop: a thousand writes at once would hold up everybody else's timers. */
const MEMBERS_PER_TURN = 64;

/** And no more bytes than about this: a large result is work for each member, too. */
const BYTES_PER_TURN = 262_144;

/**
 * Results that may wait while the one before is handed out: a core that is taken away for some milliseconds makes a crowd late, not
 * short of results.
 */
const BACKLOG_RESULTS = 4;

/**
 * A backlog that has lasted this long, ms, is no hold-up but more than the machine can do: until it is gone only the newest result
 * waits, or what a crowd is given would stay old.
 */
const BACKLOG_MS = 1000;

export class Audience {
  readonly #clock: Pick<Clock, 'now' | 'soon'>;
  readonly #listeners = new Set<Listener>();
  /** Results so far, whether handed out or not. */
  #results = 0;
  /** Failed polls so far. */
  #failures = 0;
  #handingOut: { readonly outcome: Outcome; readonly turns: Iterator<Listener> } | undefined;
  /** What came while the outcome before was handed out; what there is no room for is counted for what follows it. */
  #queued: Outcome[] = [];
  /** Since when there has always been something queued or a queued one been handed out. */
  #backlogSince: number | undefined;

  constructor(clock: Pick<Clock, 'now' | 'soon'>) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** It is given what comes from now on. */
  add(member: PollMember): Listener {
    const listener = { member, seen: this.#results, failuresSeen: this.#failures };
    this.#listeners.add(listener);
    return listener;
  }

  /** False when it has left before. Nothing is given to it any more, also of what is being handed out. */
  remove(listener: Listener): boolean {
    return this.#listeners.delete(listener);
  }

  /** A result that nobody will be given. */
  miss(): void {
    this.#results++;
  }

  give(event: DataEvent): void {
    const number = ++this.#results;
    this.#publish(false, event.bytes.length, (listener) => {
      if (listener.seen >= number) return;
      const missed = number - listener.seen - 1;
      listener.seen = number;
      listener.member.onData(event, missed);
    });
  }

  fail(failure: PollFailure): void {
    const number = ++this.#failures;
    const bytes = failure.members.reduce((sum, [, raw]) => sum + (raw?.length ?? 0), failure.message.length);
    this.#publish(true, bytes, (listener) => {
      if (listener.failuresSeen >= number) return;
      const polls = number - listener.failuresSeen;
      listener.failuresSeen = number;
      listener.member.onFailure(failure, polls);
    });
  }

  #publish(failure: boolean, bytes: number, deliver: Outcome['deliver']): void {
    const outcome = { failure, bytes, deliver };
    if (this.#handingOut === undefined && this.#queued.length === 0) this.#begin(outcome);
    else this.#queue(outcome);
  }

  #queue(outcome: Outcome): void {
    const now = this.#clock.now();
    this.#backlogSince ??= now;
    const isLasting = now - this.#backlogSince >= BACKLOG_MS;
    const room = outcome.failure || isLasting ? 1 : BACKLOG_RESULTS;
    const isAlike = ({ failure }: Outcome) => failure === outcome.failure;
    let surplus = this.#queued.filter(isAlike).length + 1 - room;
    // The oldest of its kind go.
    this.#queued = this.#queued.filter((one) => !isAlike(one) || surplus-- <= 0);
    this.#queued.push(outcome);
  }

  #begin(outcome: Outcome): void {
    this.#handingOut = { outcome, turns: this.#listeners.values() };
    this.#handOut();
  }

  #beginQueued(): void {
    const next = this.#queued.shift();
    if (next) this.#begin(next);
  }

  /** Serves a bounded number of members, the others in later turns. */
  #handOut(): void {
    let isDone = false;
    try {
      isDone = this.#serveSome();
    } finally {
      // Also behind a member that threw: the others must not wait for ever.
      if (isDone) this.#handedOut();
      else this.#clock.soon(() => this.#handOut());
    }
  }

  /** True when everybody has been served. */
  #serveSome(): boolean {
    if (this.#handingOut === undefined) return true;
    const { outcome, turns } = this.#handingOut;
    const members = Math.min(MEMBERS_PER_TURN, 1 + Math.floor(BYTES_PER_TURN / outcome.bytes));
    for (let served = 0; served < members; served++) {
      const { value: listener, done } = turns.next();
      if (done) return true;
      // Who joined meanwhile was given what there was when it joined, and has seen this one's number.
      outcome.deliver(listener);
    }
    return false;
  }

  #handedOut(): void {
    this.#handingOut = undefined;
    if (this.#queued.length > 0) this.#clock.soon(() => this.#beginQueued());
    else this.#backlogSince = undefined;
  }
}
