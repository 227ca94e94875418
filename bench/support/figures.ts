// From what the tools report to the figures of a case: microseconds become milliseconds, faults become remarks.
import type { Metric, Outcome, Values } from './case.ts';
import type { IntervalFigures } from './histogram.ts';
import type { ClientResult, Sample } from './measure.ts';

/** mean, p50, p99, p99.9 and max in milliseconds, each key with the prefix. */
export function intervalValues(figures: IntervalFigures, prefix = ''): Values {
  return {
    [`${prefix}mean`]: figures.mean / 1000,
    [`${prefix}p50`]: figures.p50 / 1000,
    [`${prefix}p99`]: figures.p99 / 1000,
    [`${prefix}p999`]: figures.p999 / 1000,
    [`${prefix}max`]: figures.max / 1000,
  };
}

/** What makes a sample doubtful, in words; empty when nothing does. */
function remarksOn(client: ClientResult): string[] {
  const counts: [string, number][] = [
    ['errors', client.errors],
    ['control_err', client.control_errors],
    ['unknown lines', client.unknown],
    ['writes the gateway did not take', client.blocked_writes],
  ];
  const found = counts.filter(([, count]) => count > 0).map(([what, count]) => `${what}: ${count}`);
  const { sessions, sessions_ready } = client;
  if (sessions_ready < sessions) found.push(`only ${sessions_ready} of ${sessions} sessions were let in within 20 s`);
  if (client.first_error) found.push(`the first: ${client.first_error}`);
  return found;
}

export function outcome(sample: Sample, values: Values): Outcome {
  const remarks = remarksOn(sample.client);
  if (sample.loadFull) remarks.push('the load had its core full, not the subject: it could do more');
  return { values: { ...values, cpu: sample.cpuPct }, intervals: sample.client.interval_us, remarks };
}

/** A metric in milliseconds. */
export const ms = (key: string, title: string, goal?: Metric['goal'], digits = 2): Metric => ({
  key,
  title,
  unit: 'ms',
  digits,
  better: 'lower',
  ...(goal ? { goal } : {}),
});

/** The mean period: it has to be the one asked for, neither longer nor shorter. */
export const meanPeriod = (tolerance: number, goal: NonNullable<Metric['goal']>): Metric => ({
  key: 'mean',
  title: 'MONITOR mean',
  unit: 'ms',
  digits: 4,
  better: 'near',
  tolerance,
  goal,
});

export const percent = (key: string, title: string, goal?: Metric['goal']): Metric => ({
  key,
  title,
  unit: '%',
  digits: 2,
  better: 'lower',
  ...(goal ? { goal } : {}),
});

export const cpuShare = (goal?: Metric['goal']): Metric => ({ ...percent('cpu', 'share of a core', goal), digits: 0 });

export const rate = (key: string, title: string, goal?: Metric['goal']): Metric => ({
  key,
  title,
  unit: '/s',
  digits: 0,
  better: 'higher',
  ...(goal ? { goal } : {}),
});

/** Work per second of the subject's own CPU time: holds also when neighbours take the core away. */
export const perCpu = (title: string): Metric => ({ ...rate('per_cpu', `${title} per CPU-second`), unit: '' });

export const workPerCpu = (perSecond: number, sample: Sample): Values => ({
  per_cpu: perSecond / (sample.cpuPct / 100),
});
