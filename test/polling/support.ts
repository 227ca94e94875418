// Polls on a clock moved by hand, with members that remember what they were given.
import type { DataEvent } from '../../src/events/data.ts';
import { type PollFailure, pollOutcome } from '../../src/events/outcomes.ts';
import type { PollMember } from '../../src/polling/audience.ts';
import { Poll, type PollMembership, type PollObserver } from '../../src/polling/poll.ts';
import { Turns } from '../../src/turns.ts';
import { HandBackend } from '../session/support/hand-backend.ts';
import { HandClock } from '../session/support/hand-clock.ts';

export class Watcher implements PollMember {
  /** `result +missed` for data, `!failures` for failures. */
  readonly given: string[] = [];
  /** Of the last failure. */
  reason = '';
  onGiven: (() => void) | undefined;
  membership: PollMembership | undefined;

  onData(event: DataEvent, missed: number): void {
    const { result } = JSON.parse(event.bytes.toString()) as { result: unknown };
    this.given.push(missed === 0 ? String(result) : `${result} +${missed}`);
    this.onGiven?.();
  }

  onFailure({ message }: PollFailure, polls: number): void {
    this.reason = message;
    this.given.push(`!${polls}`);
    this.onGiven?.();
  }

  joins(poll: { join(member: PollMember): PollMembership }): this {
    this.membership = poll.join(this);
    return this;
  }

  leave(): void {
    this.membership?.leave();
  }

  /** Each result with what was missed before it. */
  results(): (readonly [result: number, missed: number])[] {
    return this.given
      .filter((line) => !line.startsWith('!'))
      .map((line) => line.split(' +').map(Number))
      .map(([result, missed]) => [result!, missed ?? 0]);
  }

  /** Failed polls it was told of. */
  failures(): number {
    return this.given.reduce((sum, line) => sum + (line.startsWith('!') ? Number(line.slice(1)) : 0), 0);
  }

  fresh(): string[] {
    return this.given.splice(0);
  }
}

/** What the observer was told. */
export class Tally implements PollObserver {
  ticks = 0;
  latest = 0;
  voids = 0;
  polls = 0;
  failures = 0;
  waits: number[] = [];
  recoveries: number[] = [];

  ticked(latenessMs: number): void {
    this.ticks++;
    this.latest = Math.max(this.latest, latenessMs);
  }

  voided(count: number): void {
    this.voids += count;
  }

  polled(_durationMs: number, failed: boolean): void {
    this.polls++;
    if (failed) this.failures++;
  }

  backedOff(waitMs: number): void {
    this.waits.push(waitMs);
  }

  recovered(failures: number): void {
    this.recoveries.push(failures);
  }
}

export interface StartOptions {
  readonly maxInFlight?: number;
  /** False: calls are not kept, for very long runs. */
  readonly keep?: boolean;
  readonly members?: number;
}

export function startPoll(periodMs: number, { maxInFlight = 1, keep = true, members = 1 }: StartOptions = {}) {
  const clock = new HandClock();
  const backend = new HandBackend(clock, keep);
  const tally = new Tally();
  const origin = clock.now();
  let ended = 0;
  const poll = new Poll({
    periodMs,
    clock,
    observer: tally,
    turns: new Turns((fire) => clock.soon(fire)),
    maxInFlight,
    crowded: () => false,
    send: (done) => backend.call('poll', { method: 'GET', path: '/p' }, done),
    judge: (answer, attempt) => pollOutcome(answer, clock.epoch(), attempt, undefined),
    onEnd: () => ended++,
  });
  const watchers = Array.from({ length: members }, () => new Watcher().joins(poll));
  return {
    clock,
    backend,
    tally,
    origin,
    poll,
    watchers,
    /** The first member. */
    watcher: watchers[0]!,
    start: () => poll.start(),
    ended: () => ended,
    /** When each poll was sent, in ms since the start. */
    sentAt: () => backend.calls.map((call) => call.sentAt - origin),
  };
}
