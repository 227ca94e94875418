// Claim: a thousand sessions on one resource cost the backend one request per period and the gateway less than a core.
import type { BenchCase } from '../support/case.ts';
import { cpuShare, intervalValues, ms, outcome, perCpu, percent, rate, workPerCpu } from '../support/figures.ts';
import { measure } from '../support/measure.ts';

interface Variant {
  awake?: boolean;
  backendLong?: boolean;
}

const fanOut = (name: string, variant: Variant, remark: string): BenchCase => ({
  name,
  claim: `1000 sessions, MONITOR 10 ms each, all of one url${remark}.`,
  columns: ['gateway', 'undici', 'shared', 'naive', 'floor'],
  metrics: [
    rate('lines', 'lines', { reach: 100_000, reference: { undici: 14_300, naive: 2_700 } }),
    percent('missing', 'missing ticks', { reach: 0, reference: { undici: 86, naive: 97 } }),
    ms('p99', 'MONITOR p99'),
    { ...rate('gets', 'requests at the backend'), better: 'lower' },
    cpuShare({ reach: 90 }),
    perCpu('lines'),
  ],
  run: async (column, lab) => {
    if (column === 'timer') throw new Error('the bare loop has no sessions');
    const client = ['--mode', 'monitor', '--sessions', '1000', '--period-ms', '10'];
    const sample = await measure(column, { client, ...variant, ...lab });
    const lines = sample.client.lines / sample.client.window_s;
    return outcome(sample, {
      ...workPerCpu(lines, sample),
      p99: intervalValues(sample.client.interval_us)['p99']!,
      lines,
      missing: sample.client.missing_pct,
      gets: sample.backend!.gets / sample.client.window_s,
    });
  },
});

export const fanOuts = [
  fanOut('fan-out', {}, ''),
  fanOut('fan-out-awake', { awake: true }, ', of a load client that never sleeps'),
  fanOut('fan-out-long', { backendLong: true }, ', lines of 270 bytes instead of 220'),
];
