// Several processes as one gateway: their snapshots put together.
import {
  type BackendState,
  ENDED_KEPT,
  type EventLoopDelay,
  LIVE_KEPT,
  type Numbers,
  type ProcessNumbers,
  type Readiness,
  type SessionList,
} from './snapshot.ts';

type Some<T> = readonly [T, ...T[]];

/** Ready as long as one of them is; they share the backend, so the newest finding holds for all. */
export function mergeReadiness(parts: Some<Readiness>): Readiness {
  return {
    listening: parts.some(({ listening }) => listening),
    draining: parts.every(({ draining }) => draining),
    backend: newest(parts),
  };
}

/** Counters and gauges are added up; of delays the worst process counts. */
export function mergeNumbers(parts: Some<Numbers>): Numbers {
  const { eventLoopDelayMs: _, ...summed } = parts.reduce((left, right) => added(left, right) as Numbers);
  const delay = worst(parts.flatMap(({ eventLoopDelayMs }) => eventLoopDelayMs ?? []));
  return {
    ...summed,
    backend: newest(parts),
    process: mergeProcesses(parts.map((part) => part.process)),
    ...(delay === undefined ? {} : { eventLoopDelayMs: delay }),
  };
}

export function mergeSessions(parts: Some<SessionList>): SessionList {
  return {
    live: parts.reduce((sum, { live }) => sum + live, 0),
    sessions: parts.flatMap(({ sessions }) => sessions).slice(0, LIVE_KEPT),
    ended: parts
      .flatMap(({ ended }) => ended)
      .sort((one, other) => endOf(other) - endOf(one))
      .slice(0, ENDED_KEPT),
  };
}

/** What stays of a process that is gone: its counters, so that their sums never fall; nothing that it had at the time. */
export function departed(numbers: Numbers): Numbers {
  const { eventLoopDelayMs: _, ...rest } = numbers;
  const { startedAt, cpuUserMs, cpuSystemMs } = numbers.process;
  return {
    ...rest,
    sessions: { CONNECTED: 0, READY: 0, CLOSING: 0 },
    bytesWaiting: 0,
    pollsRunning: 0,
    calls: { control: 0, poll: 0 },
    process: { count: 0, startedAt, cpuUserMs, cpuSystemMs, residentBytes: 0, heapUsedBytes: 0 },
  };
}

const endOf = ({ since, durationMs }: { since: string; durationMs: number }): number => Date.parse(since) + durationMs;

function newest(parts: readonly { readonly backend: BackendState }[]): BackendState {
  return parts.map(({ backend }) => backend).reduce((one, other) => (other.at > one.at ? other : one));
}

function worst(delays: readonly EventLoopDelay[]): EventLoopDelay | undefined {
  if (delays.length === 0) return undefined;
  const max = (key: keyof EventLoopDelay): number => Math.max(...delays.map((delay) => delay[key]));
  return { p50: max('p50'), p99: max('p99'), max: max('max') };
}

function mergeProcesses(parts: readonly ProcessNumbers[]): ProcessNumbers {
  const sum = parts.reduce((one, other) => added(one, other) as ProcessNumbers);
  return { ...sum, startedAt: Math.min(...parts.map(({ startedAt }) => startedAt)) };
}

/** Adds number by number whatever stands in the same place; bounds of histograms are not amounts and stay as they are. */
function added(one: unknown, other: unknown): unknown {
  if (typeof one === 'number' && typeof other === 'number') return one + other;
  if (one === undefined || other === undefined) return one ?? other;
  if (Array.isArray(one) && Array.isArray(other)) return one.map((value, index) => added(value, other[index]));
  if (!isObject(one) || !isObject(other)) return one;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries([...keys].map((key) => [key, key === 'bounds' ? one[key] : added(one[key], other[key])]));
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
