// Claim: with MONITOR_MAX_IN_FLIGHT the period is kept in front of a backend that takes longer than it, in order.
import type { BenchCase } from '../support/case.ts';
import { cpuShare, intervalValues, meanPeriod, ms, outcome, percent, rate } from '../support/figures.ts';
import { measure } from '../support/measure.ts';

const slow = (name: string, spreadUs: number, claim: string): BenchCase => ({
  name,
  claim: `One session, MONITOR 2 ms, MONITOR_MAX_IN_FLIGHT=4, a backend that takes ${claim}.`,
  columns: ['gateway', 'undici', 'naive'],
  metrics: [
    meanPeriod(0.0025, { reach: 2, reference: { undici: 6.3, naive: 2.2 } }),
    ms('p99', 'MONITOR p99'),
    percent('missing', 'missing ticks'),
    { ...rate('disorder', 'results out of order', { reach: 0 }), better: 'lower', digits: 1 },
    { ...rate('skipped', 'skipped'), better: 'lower', digits: 1 },
    cpuShare(),
  ],
  run: async (column, lab) => {
    if (column === 'timer') throw new Error('the bare loop has no backend');
    const sample = await measure(column, {
      client: ['--mode', 'monitor', '--period-ms', '2', '--check-order', '1'],
      backendDelayUs: 5000,
      backendSpreadUs: spreadUs,
      gatewayEnv: { MONITOR_MAX_IN_FLIGHT: '4' },
      ...lab,
    });
    return outcome(sample, {
      ...intervalValues(sample.client.interval_us),
      missing: sample.client.missing_pct,
      disorder: sample.client.out_of_order / sample.client.window_s,
      skipped: sample.client.skipped / sample.client.window_s,
    });
  },
});

export const slowBackends = [
  slow('slow-backend', 0, '5 ms'),
  slow('uneven-backend', 2500, '2.5 to 7.5 ms, so that answers overtake each other'),
];
