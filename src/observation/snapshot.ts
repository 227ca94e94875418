// What one process tells about itself, as plain objects that survive JSON, so that several processes can be shown as one gateway.
import type { CloseReason } from '../../protocol/close-reasons.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { State } from '../../protocol/states.ts';
import type { Lane } from '../backend/backend.ts';
import type { HistogramNumbers } from './histogram.ts';
import type { Telemetry, Totals } from './telemetry.ts';

export interface BackendState {
  readonly reachable: boolean;
  /** When that was found out, ms since 1970. */
  readonly at: number;
}

export interface Readiness {
  readonly listening: boolean;
  readonly draining: boolean;
  readonly backend: BackendState;
}

/** Every number behind /metrics. Durations in ms, as they are counted. */
export interface Numbers extends Totals {
  readonly sessions: Readonly<Record<State, number>>;
  readonly sessionsOpened: number;
  readonly closes: Readonly<Record<CloseReason, number>>;
  readonly errors: Readonly<Record<ErrorCode, number>>;
  readonly controls: Readonly<Telemetry['controls']>;
  readonly wills: Readonly<Telemetry['wills']>;
  readonly polls: Readonly<Telemetry['polls']>;
  readonly deadlinesVoided: number;
  readonly ticks: Readonly<Telemetry['ticks']>;
  readonly authenticationFailures: number;
  readonly controlDurationMs: HistogramNumbers;
  readonly pollDurationMs: HistogramNumbers;
  readonly latenessMs: HistogramNumbers;
  /** Bytes that wait for slow readers now. */
  readonly bytesWaiting: number;
  /** Polls that run now; shared ones count once. */
  readonly pollsRunning: number;
  /** Calls to the backend that are under way now. */
  readonly calls: Readonly<Record<Lane, number>>;
  readonly backend: BackendState;
  /** Undefined until the first whole period of measuring is over. */
  readonly eventLoopDelayMs?: EventLoopDelay;
  readonly process: ProcessNumbers;
}

export interface EventLoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface ProcessNumbers {
  /** Processes these numbers are of. */
  readonly count: number;
  /** ms since 1970; of the oldest one. */
  readonly startedAt: number;
  readonly cpuUserMs: number;
  readonly cpuSystemMs: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  /** Where the system tells (Linux). */
  readonly openDescriptors?: number;
  readonly maxDescriptors?: number;
}

interface SessionRow {
  /** The process it lives in; `session` is unique within it. */
  readonly pid: number;
  readonly session: number;
  readonly address: string;
  readonly credential?: string;
  readonly lines: number;
  readonly events: number;
  readonly skipped: number;
  readonly errors: number;
  readonly controls: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** ISO 8601. */
  readonly since: string;
  readonly durationMs: number;
}

export interface LiveSession extends SessionRow {
  readonly state: State;
  /** The path is clipped, what looks like a token in it is blanked. */
  readonly monitor: { readonly path: string; readonly periodMs: number } | null;
  readonly bytesWaiting: number;
}

export interface EndedSession extends SessionRow {
  readonly reason: CloseReason;
}

export interface SessionList {
  /** How many are live; `sessions` may hold fewer of them. */
  readonly live: number;
  readonly sessions: readonly LiveSession[];
  /** The newest first. */
  readonly ended: readonly EndedSession[];
}

/** How many sessions a list holds at most. */
export const LIVE_KEPT = 10_000;
export const ENDED_KEPT = 1000;

/** What can be asked of a process; each answer is a plain object, so that it may come from another process. */
export interface Sources {
  readiness(): Readiness | Promise<Readiness>;
  numbers(): Numbers | Promise<Numbers>;
  sessions(): SessionList | Promise<SessionList>;
}
