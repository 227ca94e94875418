// Interval figures in the same shape as the C tools print them, for the baseline that runs inside Node.

/** Microseconds throughout. `buckets` holds [lower edge, count] for each non-empty bucket of 50 µs. */
export interface IntervalFigures {
  count: number;
  mean: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
  buckets?: [number, number][];
}

const BUCKET_US = 50;

export interface Histogram {
  add(us: number): void;
  figures(): IntervalFigures;
}

/** Keeps every value: a run holds some ten thousand, and exact quantiles need no tuning. */
export function createHistogram(): Histogram {
  const values: number[] = [];
  return {
    add: (us) => {
      values.push(us);
    },
    figures: () => {
      const sorted = Float64Array.from(values).sort();
      const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
      const buckets = new Map<number, number>();
      let sum = 0;
      for (const us of sorted) {
        sum += us;
        const edge = Math.floor(us / BUCKET_US) * BUCKET_US;
        buckets.set(edge, (buckets.get(edge) ?? 0) + 1);
      }
      const mean = sum / Math.max(1, sorted.length);
      const max = sorted.at(-1) ?? 0;
      return { count: sorted.length, mean, p50: at(0.5), p99: at(0.99), p999: at(0.999), max, buckets: [...buckets] };
    },
  };
}
