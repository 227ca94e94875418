// Claim: one MONITOR of 2 ms is as punctual as the timer under it, and its mean period is the one asked for.
import type { BenchCase } from '../support/case.ts';
import { cpuShare, intervalValues, meanPeriod, ms, outcome, percent } from '../support/figures.ts';
import { measure, measureTimer } from '../support/measure.ts';

const PERIOD_MS = 2;

export const monitorAlone: BenchCase = {
  name: 'monitor-alone',
  claim: 'One session, MONITOR 2 ms, nothing else.',
  columns: ['gateway', 'undici', 'naive', 'floor', 'timer'],
  metrics: [
    meanPeriod(0.001, { reach: 2, reference: { undici: 2.094, naive: 2.172 } }),
    ms('p50', 'MONITOR p50'),
    ms('p99', 'MONITOR p99', { reach: 2.7, reference: { undici: 3.13, naive: 5.98 } }),
    ms('p999', 'MONITOR p99.9', { reach: 5, reference: { undici: 6.1, naive: 16.6 } }),
    ms('max', 'MONITOR max'),
    percent('missing', 'missing ticks', { reach: 0.1, reference: { undici: 4.5, naive: 7.9 } }),
    cpuShare(),
  ],
  run: async (column, lab) => {
    if (column === 'timer') {
      const { interval_us, missing_pct } = await measureTimer(PERIOD_MS, lab);
      return { values: { ...intervalValues(interval_us), missing: missing_pct }, intervals: interval_us, remarks: [] };
    }
    const client = ['--mode', 'monitor', '--period-ms', String(PERIOD_MS)];
    const sample = await measure(column, { client, ...lab });
    return outcome(sample, { ...intervalValues(sample.client.interval_us), missing: sample.client.missing_pct });
  },
};
