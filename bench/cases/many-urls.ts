// Claim: where nothing can be shared, a hundred different polls of 10 ms are kept with half a core.
import type { BenchCase } from '../support/case.ts';
import { cpuShare, intervalValues, ms, outcome, perCpu, percent, rate, workPerCpu } from '../support/figures.ts';
import { measure } from '../support/measure.ts';

const manyUrls = (name: string, awake: boolean, remark: string): BenchCase => ({
  name,
  claim: `100 sessions, MONITOR 10 ms each, of 100 urls${remark}.`,
  columns: ['gateway', 'undici', 'naive', 'floor'],
  metrics: [
    rate('lines', 'lines'),
    percent('missing', 'missing ticks', { reach: 0, reference: { undici: 1.6, naive: 64 } }),
    ms('p99', 'MONITOR p99'),
    cpuShare({ reach: 50, reference: { undici: 59 } }),
    perCpu('lines'),
  ],
  run: async (column, lab) => {
    if (column === 'timer') throw new Error('the bare loop has no sessions');
    const client = ['--mode', 'monitor', '--sessions', '100', '--urls', '100', '--period-ms', '10'];
    const sample = await measure(column, { client, awake, ...lab });
    const lines = sample.client.lines / sample.client.window_s;
    return outcome(sample, {
      ...workPerCpu(lines, sample),
      p99: intervalValues(sample.client.interval_us)['p99']!,
      lines,
      missing: sample.client.missing_pct,
    });
  },
});

export const manyUrlsCases = [
  manyUrls('many-urls', false, ''),
  manyUrls('many-urls-awake', true, ', of a load client that never sleeps'),
];
