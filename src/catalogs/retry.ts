// When trying again can help, and how long to wait first, as far as the documents say so.
import type { Catalog, Entry, Schedule } from './catalog.ts';

interface RetryAdvice {
  readonly retryable: boolean;
  /** Milliseconds until the next try. */
  readonly retry_after_ms?: number;
  /** Tries after which the document gives up. */
  readonly max_attempts?: number;
}

/** Powers beyond this are over every allowed max_ms; the bound keeps the number finite. */
const MAX_EXPONENT = 40;

/** The wait after failure number `attempt` (1 = the first), in milliseconds. */
export function waitOf(schedule: Schedule, attempt: number): number {
  const failures = Number.isFinite(attempt) ? Math.min(Math.max(Math.trunc(attempt), 1), MAX_EXPONENT) : 1;
  return Math.min(Math.round(schedule.factor ** failures * schedule.base_ms), schedule.max_ms);
}

/** The advice for one entry; entries that need a person are never retryable and carry no times. */
export function adviceFor(catalog: Catalog, entry: Entry, attempt: number): RetryAdvice {
  if (!entry.retryable) return { retryable: false };
  if (entry.retry_after_ms !== undefined) return { retryable: true, retry_after_ms: entry.retry_after_ms };
  const schedule = entry.schedule === undefined ? undefined : catalog.schedules?.[entry.schedule];
  if (schedule === undefined) return { retryable: true };
  const { max_attempts } = schedule;
  return {
    retryable: true,
    retry_after_ms: waitOf(schedule, attempt),
    ...(max_attempts !== undefined && { max_attempts }),
  };
}
