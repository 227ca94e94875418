// The long interval runs: the same figures alone and with CONTROL, against one backend, beside the bare deadline loop.
import type { BenchCase } from './case.ts';
import { cpuShare, intervalValues, meanPeriod, ms, outcome, percent } from './figures.ts';
import { measure, measureTimer } from './measure.ts';

const BACKENDS = { native: 'a plain HTTP server', simulator: 'the simulated controller' } as const;

export function intervalCase(backend: keyof typeof BACKENDS, control: boolean): BenchCase {
  const name = `interval-${backend === 'native' ? 'http' : 'simulator'}${control ? '-control' : ''}`;
  return {
    name,
    claim: `MONITOR 2 ms ${control ? 'with a CONTROL every 2 ms' : 'alone'}, at least 30 s, in front of ${BACKENDS[backend]}.`,
    columns: ['gateway', 'timer'],
    minWindowMs: 30_000,
    metrics: [
      meanPeriod(0.001, { reach: 2 }),
      ms('p50', 'MONITOR p50'),
      ms('p99', 'MONITOR p99'),
      ms('p999', 'MONITOR p99.9'),
      ms('max', 'MONITOR max'),
      percent('missing', 'missing ticks'),
      cpuShare(),
    ],
    run: async (column, lab) => {
      if (column === 'timer') {
        const { interval_us, missing_pct } = await measureTimer(2, lab);
        return {
          values: { ...intervalValues(interval_us), missing: missing_pct },
          intervals: interval_us,
          remarks: [],
        };
      }
      const client = ['--mode', 'monitor', '--period-ms', '2', ...(control ? ['--control-us', '2000'] : [])];
      const sample = await measure(column, { client, backend, ...lab });
      return outcome(sample, { ...intervalValues(sample.client.interval_us), missing: sample.client.missing_pct });
    },
  };
}
