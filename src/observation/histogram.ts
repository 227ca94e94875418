// Counts durations in fixed buckets: an increment on the hot path, everything else when somebody asks.

/** A histogram as it travels between processes. */
export interface HistogramNumbers {
  readonly bounds: readonly number[];
  readonly buckets: readonly number[];
  readonly sum: number;
  readonly count: number;
}

export class Histogram implements HistogramNumbers {
  /** Upper bounds of the buckets, ascending; what lies above the last counts in `count` only. */
  readonly bounds: readonly number[];
  readonly buckets: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.buckets = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const { bounds } = this;
    for (let i = 0; i < bounds.length; i++)
      if (value <= bounds[i]!) {
        this.buckets[i]!++;
        return;
      }
  }

  /** A copy that later observations do not change. */
  numbers(): HistogramNumbers {
    return { bounds: this.bounds, buckets: [...this.buckets], sum: this.sum, count: this.count };
  }
}

/** From a tenth of a millisecond to ten seconds, ms. */
export const DURATION_BOUNDS_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/** Finer around the grain of the timers, which is 1 ms; one bound is the lateness from which a tick counts as late. */
export const LATENESS_BOUNDS_MS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 25, 50, 100, 250, 1000];
