// The two CONTROL cases differ in the number of sessions and in what is expected of them, in nothing else.
import type { BenchCase, Goal } from './case.ts';
import { cpuShare, ms, outcome, perCpu, rate, workPerCpu } from './figures.ts';
import { measure } from './measure.ts';

export function controlCase(sessions: number, claim: string, goal: Goal): BenchCase {
  return {
    name: `control-${sessions}`,
    claim,
    columns: ['gateway', 'undici', 'naive', 'floor'],
    metrics: [
      rate('controls', 'CONTROLs', goal),
      ms('p50', 'answer p50', undefined, 3),
      ms('p99', 'answer p99'),
      cpuShare(),
      perCpu('CONTROLs'),
    ],
    run: async (column, lab) => {
      if (column === 'timer') throw new Error('the bare loop has no CONTROL');
      const client = ['--mode', 'control', '--sessions', String(sessions)];
      const sample = await measure(column, { client, ...lab });
      const { p50, p99 } = sample.client.latency_us;
      const controls = (sample.client.acks - sample.client.control_errors) / sample.client.window_s;
      return outcome(sample, {
        ...workPerCpu(controls, sample),
        controls,
        p50: p50 / 1000,
        p99: p99 / 1000,
      });
    },
  };
}
