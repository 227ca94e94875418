// Claim: a CONTROL every 2 ms and a MONITOR every 2 ms in one session do not spoil each other's rhythm.
import type { BenchCase } from '../support/case.ts';
import { cpuShare, intervalValues, meanPeriod, ms, outcome, percent } from '../support/figures.ts';
import { measure } from '../support/measure.ts';

export const monitorWithControl: BenchCase = {
  name: 'monitor-with-control',
  claim: 'One session, MONITOR 2 ms, and a CONTROL every 2 ms beside it.',
  columns: ['gateway', 'undici', 'naive', 'floor'],
  metrics: [
    meanPeriod(0.001, { reach: 2.002, reference: { undici: 2.033, naive: 2.195 } }),
    ms('p99', 'MONITOR p99', { reach: 2.6, reference: { undici: 3.12, naive: 10.5 } }),
    ms('p999', 'MONITOR p99.9'),
    percent('missing', 'missing ticks'),
    ms('control_mean', 'CONTROL arrival mean'),
    ms('control_p99', 'CONTROL arrival p99', { reach: 2.5, reference: { undici: 2.72, naive: 9.15 } }),
    ms('control_p999', 'CONTROL arrival p99.9'),
    ms('control_max', 'CONTROL arrival max', { reach: 6, reference: { undici: 8.3, naive: 21 } }),
    ms('sent_p99', 'CONTROL sent, p99 (the client itself)'),
    cpuShare(),
  ],
  run: async (column, lab) => {
    if (column === 'timer') throw new Error('the bare loop has no CONTROL');
    const client = ['--mode', 'monitor', '--period-ms', '2', '--control-us', '2000'];
    const sample = await measure(column, { client, ...lab });
    return outcome(sample, {
      ...intervalValues(sample.client.interval_us),
      ...intervalValues(sample.backend!.control_arrivals_us, 'control_'),
      missing: sample.client.missing_pct,
      sent_p99: sample.client.send_interval_us.p99 / 1000,
    });
  },
};
