// One session's MONITOR: what it is given of a poll, what it missed, and when its failures are reported [OS-3.3].
import { FAILURE_REPORT_INTERVAL_MS, PERIOD_MIN_MS } from '../../protocol/limits.ts';
import type { Clock, Timer } from '../clock.ts';
import { type DataEvent, dataPrefix } from '../events/data.ts';
import { type PollFailure, pollFailureLine } from '../events/outcomes.ts';
import type { PollMember } from '../polling/audience.ts';
import type { PollMembership } from '../polling/poll.ts';
import type { Outlet, Sent, SessionCounts } from './ports.ts';

export interface MonitorOptions {
  readonly path: string;
  readonly periodMs: number;
  /** When its first poll may be sent, ms on the clock: `nextNotBefore` of the session's monitor before. */
  readonly notBefore: number;
  /** The command's `id` as written; it stands in every event. */
  readonly id: string | undefined;
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly counts: SessionCounts;
  readonly failed: (message: string) => void;
}

/** Its fields are its own and not those of an object of options: with a thousand sessions each object on the way to the socket counts. */
export class MonitorActivity implements PollMember {
  readonly path: string;
  readonly periodMs: number;
  readonly #id: string | undefined;
  readonly #outlet: Outlet;
  readonly #clock: Clock;
  readonly #counts: SessionCounts;
  readonly #failed: (message: string) => void;
  #notBefore: number;
  #timer: Timer | undefined;
  #membership: PollMembership | undefined;
  #stopped = false;
  /** Results that this session was not given since the last one it was. */
  #skipped = 0;
  #failures = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  /** Since when an event was to be delivered and could not be; undefined when all were. */
  #undeliveredSince: number | undefined;

  constructor({ path, periodMs, notBefore, id, outlet, clock, counts, failed }: MonitorOptions) {
    this.path = path;
    this.periodMs = periodMs;
    this.#notBefore = notBefore;
    this.#id = id;
    this.#outlet = outlet;
    this.#clock = clock;
    this.#counts = counts;
    this.#failed = failed;
  }

  /**
   * When the session's next monitor may send its first poll: a session that begins and ends monitors for ever asks the backend no more
   * often than one monitor with the shortest period does.
   */
  get nextNotBefore(): number {
    return this.#notBefore;
  }

  start(join: (member: PollMember) => PollMembership): void {
    if (this.#clock.now() >= this.#notBefore) this.#join(join);
    else this.#timer = this.#clock.setDeadline(this.#notBefore, () => this.#join(join));
  }

  /** Results may come from within `join`, so the activity exists before it takes part. */
  #join(join: (member: PollMember) => PollMembership): void {
    this.#notBefore = this.#clock.now() + PERIOD_MIN_MS;
    const membership = join(this);
    // Its first result may have found the connection gone.
    if (this.#stopped) membership.leave();
    else this.#membership = membership;
  }

  stop(): void {
    this.#stopped = true;
    this.#clock.clearTimer(this.#timer);
    this.#membership?.leave();
  }

  /** Since when a stream event is due without having been delivered; undefined when nothing is [OS-3.6]. */
  dueSince(): number | undefined {
    const unanswered = this.#membership?.pendingSince();
    if (this.#undeliveredSince === undefined) return unanswered;
    return unanswered === undefined ? this.#undeliveredSince : Math.min(unanswered, this.#undeliveredSince);
  }

  /** The socket has taken some of what waited, so events do get through, however slowly. */
  progressed(): void {
    if (this.#undeliveredSince !== undefined) this.#undeliveredSince = this.#clock.now();
  }

  /** The socket has taken everything that waited. */
  flushed(): void {
    this.#undeliveredSince = undefined;
  }

  onData(event: DataEvent, missed: number): void {
    if (this.#stopped) return;
    const counts = this.#counts;
    this.#skipped += missed;
    counts.skipped += missed;
    const sent = this.#outlet.data(event, dataPrefix(this.#id, this.#skipped));
    if (sent === 'skipped') {
      this.#skipped++;
      counts.skipped++;
    } else {
      this.#skipped = 0;
      counts.events++;
    }
    this.#delivered(sent);
  }

  onFailure(failure: PollFailure, polls: number): void {
    if (this.#stopped) return;
    const outlet = this.#outlet;
    this.#failures += polls;
    const now = this.#clock.now();
    if (now - this.#reportedAt < FAILURE_REPORT_INTERVAL_MS) return;
    // A body of the backend may stand in each: whoever reads more slowly than they come gets fewer, with all failures counted.
    if (outlet.answersCongested) {
      this.#delivered('waiting');
      return;
    }
    this.#reportedAt = now;
    this.#counts.events++;
    this.#failed(failure.message);
    this.#delivered(outlet.answer(pollFailureLine(failure, this.path, this.#failures, this.#id)));
    this.#failures = 0;
  }

  #delivered(sent: Sent): void {
    if (sent === 'sent') this.#undeliveredSince = undefined;
    else this.#undeliveredSince ??= this.#clock.now();
  }
}
