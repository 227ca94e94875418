// What the gateway counts about itself: plain numbers, incremented where things happen and read when somebody asks.
import { CLOSE_REASONS, type CloseReason } from '../../protocol/close-reasons.ts';
import { ERRORS, type ErrorCode } from '../../protocol/errors.ts';
import { DURATION_BOUNDS_MS, Histogram, LATENESS_BOUNDS_MS } from './histogram.ts';

/** A counter for every key of a protocol table, so that no client can add one. */
const zeroes = <Key extends string>(table: Record<Key, unknown>): Record<Key, number> =>
  Object.fromEntries(Object.keys(table).map((key) => [key, 0])) as Record<Key, number>;

export interface Totals {
  lines: number;
  events: number;
  skipped: number;
  bytesReceived: number;
  bytesSent: number;
}

/**
 * A tick later than this is late, ms: the shortest period there is, so that the fastest monitor has lost a deadline. Less says little:
 * the timers' own grain is 1 ms.
 */
export const LATE_TICK_MS = 2;

export class Telemetry {
  sessionsOpened = 0;
  readonly closes: Record<CloseReason, number> = zeroes(CLOSE_REASONS);
  readonly errors: Record<ErrorCode, number> = zeroes(ERRORS);
  /** Of sessions that have ended; the live ones are added when somebody asks. */
  readonly ended: Totals = { lines: 0, events: 0, skipped: 0, bytesReceived: 0, bytesSent: 0 };
  readonly controls = { ok: 0, refused: 0, not_sent: 0, unknown: 0 };
  readonly wills = { ok: 0, failed: 0 };
  readonly polls = { ok: 0, failed: 0 };
  /** Deadlines that no poll was sent for. */
  deadlinesVoided = 0;
  /** Deadlines met more than LATE_TICK_MS late, and all of them. */
  readonly ticks = { late: 0, all: 0 };
  authenticationFailures = 0;
  /** Of those that were sent. */
  readonly controlDurationMs = new Histogram(DURATION_BOUNDS_MS);
  readonly pollDurationMs = new Histogram(DURATION_BOUNDS_MS);
  readonly latenessMs = new Histogram(LATENESS_BOUNDS_MS);

  ticked(latenessMs: number): void {
    this.ticks.all++;
    if (latenessMs > LATE_TICK_MS) this.ticks.late++;
    this.latenessMs.observe(latenessMs);
  }
}
