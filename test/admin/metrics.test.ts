// /metrics is what Prometheus can read: complete, in seconds, and with labels that nobody outside can add to.
import { describe, expect, test } from 'vitest';
import { CLOSE_REASONS } from '../../protocol/close-reasons.ts';
import { ERRORS } from '../../protocol/errors.ts';
import { STATES } from '../../protocol/states.ts';
import { METRICS } from '../../src/admin/metrics.ts';
import { renderMetrics } from '../../src/admin/render-metrics.ts';
import { LATENESS_BOUNDS_MS } from '../../src/observation/histogram.ts';
import { LATE_TICK_MS, Telemetry } from '../../src/observation/telemetry.ts';
import { connections, createSources, observed, samples } from './support.ts';

async function rendered(telemetry: Telemetry, more: Parameters<typeof createSources>[0] = {}): Promise<string> {
  const sources = createSources({ telemetry, ...more });
  try {
    return await renderMetrics(await sources.numbers());
  } finally {
    sources.close();
  }
}

describe('the table of metrics', () => {
  test('names are unique and follow the conventions: _total for counters only, units spelled out', () => {
    const names = METRICS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type, help } of METRICS) {
      expect(name).toMatch(/^(open_stream|process|nodejs)_[a-z0-9_]+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name).not.toMatch(/_ms(_|$)/);
      expect(help, name).toMatch(/\.$/);
    }
  });

  test('the bound from which a tick is late is a bound of the lateness histogram too', () => {
    expect(LATENESS_BOUNDS_MS).toContain(LATE_TICK_MS);
  });
});

describe('the text', () => {
  test('every metric has its HELP and TYPE once, and nothing else does', async () => {
    const text = await rendered(new Telemetry());
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    expect(types).toEqual(METRICS.map(({ name, type }) => `${name} ${type}`));
    expect([...text.matchAll(/^# HELP (\S+) .+$/gm)].map(([, name]) => name)).toEqual(METRICS.map(({ name }) => name));
    expect(text.endsWith('\n')).toBe(true);
  });

  test('every sample is a number, under a name that the text has announced', async () => {
    const text = await rendered(new Telemetry());
    for (const [name, value] of samples(text)) {
      expect(Number.isFinite(value), name).toBe(true);
      const plain = name.replace(/\{.*/, '').replace(/_(bucket|sum|count)$/, '');
      expect(text, name).toContain(`# TYPE ${plain} `);
    }
  });

  test('labels are the keys of the tables in protocol/, all of them from the first answer on', async () => {
    const found = samples(await rendered(new Telemetry()));
    const labels = (metric: string) =>
      [...found.keys()].flatMap((key) => new RegExp(`^${metric}\\{\\w+="([^"]*)"\\}$`).exec(key)?.[1] ?? []);
    expect(labels('open_stream_closes_total')).toEqual(Object.keys(CLOSE_REASONS));
    expect(labels('open_stream_errors_total')).toEqual(Object.keys(ERRORS));
    expect(labels('open_stream_sessions')).toEqual([...STATES]);
    expect(labels('open_stream_controls_total')).toEqual(['ok', 'refused', 'not_sent', 'unknown']);
    expect(labels('open_stream_bytes_total')).toEqual(['in', 'out']);
  });

  test('hostile sessions add no series', async () => {
    const quiet = await rendered(new Telemetry());
    const hostile = observed(1, {
      address: '"} 1\nevil 1',
      credential: 'x"y',
      monitor: { path: `/${'"\n'.repeat(500)}`, periodMs: 2 },
    });
    const loud = await rendered(new Telemetry(), { connections: () => connections([hostile]) });
    expect([...samples(loud).keys()]).toEqual([...samples(quiet).keys()]);
  });

  test('durations are in seconds, buckets add up', async () => {
    const telemetry = new Telemetry();
    for (const ms of [0.05, 3, 3, 700, 60_000]) telemetry.pollDurationMs.observe(ms);
    const found = samples(await rendered(telemetry));
    const bucket = (le: string) => found.get(`open_stream_poll_duration_seconds_bucket{le="${le}"}`);
    expect([bucket('0.0001'), bucket('0.0025'), bucket('0.005'), bucket('1'), bucket('10'), bucket('+Inf')]).toEqual([
      1, 1, 3, 4, 4, 5,
    ]);
    expect(found.get('open_stream_poll_duration_seconds_sum')).toBeCloseTo(60.70605, 6);
    expect(found.get('open_stream_poll_duration_seconds_count')).toBe(5);
  });

  test('the share of late ticks', async () => {
    const telemetry = new Telemetry();
    expect(samples(await rendered(telemetry)).get('open_stream_late_ticks_ratio')).toBe(0);
    for (const ms of [0, 1, 2, 2.1]) telemetry.ticked(ms);
    const found = samples(await rendered(telemetry));
    expect(found.get('open_stream_late_ticks_ratio')).toBe(0.25);
    expect(found.get('open_stream_poll_lateness_seconds_bucket{le="0.002"}')).toBe(3);
  });

  test('live sessions count together with the ended ones', async () => {
    const telemetry = new Telemetry();
    const sources = createSources({
      telemetry,
      connections: () => connections([observed(2), observed(3, { state: 'CLOSING' })]),
    });
    sources.ended(observed(1), 'stop_session');
    const found = samples(await renderMetrics(await sources.numbers()));
    sources.close();
    expect(found.get('open_stream_lines_total')).toBe(3);
    expect(found.get('open_stream_events_total')).toBe(6);
    expect(found.get('open_stream_skipped_total')).toBe(9);
    expect(found.get('open_stream_bytes_total{direction="in"}')).toBe(30);
    expect(found.get('open_stream_bytes_total{direction="out"}')).toBe(60);
    expect(found.get('open_stream_waiting_bytes')).toBe(60);
    expect(found.get('open_stream_sessions{state="READY"}')).toBe(1);
    expect(found.get('open_stream_sessions{state="CLOSING"}')).toBe(1);
    expect(found.get('open_stream_closes_total{reason="stop_session"}')).toBe(1);
  });
});
