// Numbers → the text that Prometheus reads; prom-client is the only one who knows that format.
import { type Metric as PromMetric, Registry } from 'prom-client';
import type { HistogramNumbers } from '../observation/histogram.ts';
import type { Numbers } from '../observation/snapshot.ts';
import { METRICS, type Metric } from './metrics.ts';

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Where it is not the metric's own. */
  readonly metricName?: string;
}

/** A registry of its own for each answer: it holds no state, so merged numbers are rendered like a single process's. */
export function renderMetrics(numbers: Numbers): Promise<string> {
  const registry = new Registry();
  for (const metric of METRICS) {
    const { name, help, type } = metric;
    const values = valuesOf(metric, numbers);
    // All that a registry asks of a metric; its own classes count by themselves, which is done elsewhere here.
    const readable = { name, help, type, aggregator: 'sum', get: async () => ({ name, help, type, values }) };
    registry.registerMetric(readable as unknown as PromMetric);
  }
  return registry.metrics();
}

const valuesOf = (metric: Metric, numbers: Numbers): readonly Value[] =>
  metric.type === 'histogram' ? histogramValues(metric.name, metric.read(numbers)) : metric.read(numbers);

/** Buckets hold everything up to their bound, in seconds. */
function histogramValues(name: string, { bounds, buckets, sum, count }: HistogramNumbers): Value[] {
  let below = 0;
  const values = bounds.map((bound, index): Value => {
    below += buckets[index] ?? 0;
    return { metricName: `${name}_bucket`, labels: { le: String(bound / 1000) }, value: below };
  });
  return [
    ...values,
    { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels: {}, value: sum / 1000 },
    { metricName: `${name}_count`, labels: {}, value: count },
  ];
}
