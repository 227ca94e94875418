// This process's own snapshots: built when somebody asks, a slice of the sessions per turn of the event loop.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CloseReason } from '../../protocol/close-reasons.ts';
import type { Lane } from '../backend/backend.ts';
import { clip } from '../log.ts';
import type { SessionView } from '../session/ports.ts';
import { EndedSessions } from './ended-sessions.ts';
import { EventLoopMonitor } from './event-loop.ts';
import { processNumbers } from './process-numbers.ts';
import {
  type BackendState,
  type EndedSession,
  LIVE_KEPT,
  type LiveSession,
  type Numbers,
  type Readiness,
  type SessionList,
  type Sources,
} from './snapshot.ts';
import type { Telemetry } from './telemetry.ts';

/** A connection as seen from here. */
export interface Observed {
  readonly session: SessionView;
  readonly bytes: { readonly received: number; readonly written: number; readonly waiting: number };
}

export interface LocalSourcesOptions {
  readonly telemetry: Telemetry;
  readonly connections: () => ReadonlyMap<Observed, unknown>;
  readonly listening: () => boolean;
  readonly draining: () => boolean;
  readonly backend: () => Promise<BackendState>;
  /** Calls to the backend that are under way. */
  readonly calls: Readonly<Record<Lane, number>>;
  readonly pollsRunning: () => number;
}

/** Sessions described in one turn of the event loop. */
const SESSIONS_PER_TURN = 256;

export class LocalSources implements Sources {
  readonly #options: LocalSourcesOptions;
  readonly #ended = new EndedSessions<EndedRow>();
  readonly #eventLoop = new EventLoopMonitor();

  constructor(options: LocalSourcesOptions) {
    this.#options = options;
  }

  /** A session ended: it moves to the ended ones, its counts to the totals. */
  ended({ session, bytes }: Observed, reason: CloseReason): void {
    const { telemetry } = this.#options;
    telemetry.closes[reason]++;
    telemetry.ended.lines += session.counts.lines;
    telemetry.ended.events += session.counts.events;
    telemetry.ended.skipped += session.counts.skipped;
    telemetry.ended.bytesReceived += bytes.received;
    telemetry.ended.bytesSent += bytes.written;
    this.#ended.add({ row: rowOf({ session, bytes }), reason });
  }

  async readiness(): Promise<Readiness> {
    const { listening, draining, backend } = this.#options;
    return { listening: listening(), draining: draining(), backend: await backend() };
  }

  /** The first call starts the measuring of the event loop, so that it costs nothing where nobody asks. */
  async numbers(): Promise<Numbers> {
    const { telemetry, backend, calls, pollsRunning } = this.#options;
    this.#eventLoop.start();
    const [state, process] = await Promise.all([backend(), processNumbers()]);
    const delay = this.#eventLoop.delay;
    const { sessionsOpened, deadlinesVoided, authenticationFailures } = telemetry;
    return {
      ...this.#totals(),
      sessionsOpened,
      deadlinesVoided,
      authenticationFailures,
      closes: { ...telemetry.closes },
      errors: { ...telemetry.errors },
      controls: { ...telemetry.controls },
      wills: { ...telemetry.wills },
      polls: { ...telemetry.polls },
      ticks: { ...telemetry.ticks },
      controlDurationMs: telemetry.controlDurationMs.numbers(),
      pollDurationMs: telemetry.pollDurationMs.numbers(),
      latenessMs: telemetry.latenessMs.numbers(),
      pollsRunning: pollsRunning(),
      calls: { ...calls },
      backend: state,
      ...(delay === undefined ? {} : { eventLoopDelayMs: delay }),
      process,
    };
  }

  async sessions(): Promise<SessionList> {
    const connections = this.#options.connections();
    const sessions: LiveSession[] = [];
    // Those that come while this goes on stand at the end of the map, where the count of now does not reach.
    const listed = Math.min(connections.size, LIVE_KEPT);
    for (const connection of connections.keys()) {
      if (sessions.length >= listed) break;
      sessions.push(liveRowOf(connection));
      if (sessions.length % SESSIONS_PER_TURN === 0) await nextTurn();
    }
    const ended: EndedSession[] = [];
    for (const { row, reason } of this.#ended.list()) {
      ended.push({ ...shown(row), reason });
      if (ended.length % SESSIONS_PER_TURN === 0) await nextTurn();
    }
    return { live: connections.size, sessions, ended };
  }

  close(): void {
    this.#eventLoop.stop();
  }

  #totals(): Pick<
    Numbers,
    'sessions' | 'bytesWaiting' | 'lines' | 'events' | 'skipped' | 'bytesReceived' | 'bytesSent'
  > {
    const totals = { ...this.#options.telemetry.ended };
    const sessions = { CONNECTED: 0, READY: 0, CLOSING: 0 };
    let bytesWaiting = 0;
    for (const { session, bytes } of this.#options.connections().keys()) {
      sessions[session.state]++;
      totals.lines += session.counts.lines;
      totals.events += session.counts.events;
      totals.skipped += session.counts.skipped;
      totals.bytesReceived += bytes.received;
      totals.bytesSent += bytes.written;
      bytesWaiting += bytes.waiting;
    }
    return { ...totals, sessions, bytesWaiting };
  }
}

/** A session's figures as they are kept; printed only when somebody asks. */
interface Row extends Omit<EndedSession, 'credential' | 'since' | 'reason'> {
  readonly credential: string | undefined;
  /** Milliseconds since 1970. */
  readonly beganAt: number;
}

interface EndedRow {
  readonly row: Row;
  readonly reason: CloseReason;
}

function rowOf({ session, bytes }: Observed): Row {
  const { id, address, credential, counts, durationMs } = session;
  const { lines, events, skipped, errors, controls } = counts;
  return {
    pid: process.pid,
    session: id,
    address,
    credential,
    beganAt: Date.now() - durationMs,
    durationMs: Math.round(durationMs),
    lines,
    events,
    skipped,
    errors,
    controls,
    bytesReceived: bytes.received,
    bytesSent: bytes.written,
  };
}

function shown({ credential, beganAt, ...figures }: Row): Omit<EndedSession, 'reason'> {
  return {
    ...figures,
    ...(credential === undefined ? {} : { credential }),
    since: new Date(beganAt).toISOString(),
  };
}

function liveRowOf(observed: Observed): LiveSession {
  const { state, monitor } = observed.session;
  return {
    ...shown(rowOf(observed)),
    state,
    monitor: monitor ? { path: clip(monitor.path), periodMs: monitor.periodMs } : null,
    bytesWaiting: observed.bytes.waiting,
  };
}
