// Turns what happens into log lines and counters: the one place that words the log.
import type { CloseReason } from '../../protocol/close-reasons.ts';
import { RETRY_MAX_INTERVAL_MS } from '../../protocol/limits.ts';
import { clip, type Logger, type LogLevel } from '../log.ts';
import type { PollObserver } from '../polling/poll.ts';
import type { PollSubject } from '../polling/poll-hub.ts';
import type { ControlTrace, SessionObserver, SessionView } from '../session/ports.ts';
import type { Guard } from './guard.ts';
import type { Telemetry } from './telemetry.ts';

const who = (session: SessionView): object => ({
  session: session.id,
  address: session.address,
  ...(session.credential === undefined ? {} : { credential: session.credential }),
});

export function sessionObserver(log: Logger, guard: Guard, telemetry: Telemetry): SessionObserver {
  return {
    gated: () => {},
    handshaken: (session) => log.debug(who(session), 'handshake'),
    failed: (session, code, message) => {
      telemetry.errors[code]++;
      guard('debug', `error ${code}`, { ...who(session), code, detail: clip(message) }, 'answered by an error');
    },
    controlled: (session, control) => {
      telemetry.controls[control.outcome]++;
      // What was never sent took no time, and would make the backend look fast.
      if (control.outcome !== 'not_sent') telemetry.controlDurationMs.observe(control.durationMs);
      if (!control.ok) {
        if (control.reported) telemetry.errors.control_err++;
        const key = `control ${control.reported} ${control.outcome} ${control.status}`;
        // Nobody else will ever tell of one that could not be reported to its client.
        guard(control.reported ? 'info' : 'warn', key, { ...who(session), ...shown(control) }, 'CONTROL failed');
      } else if (!control.reported) {
        guard('info', 'orphan', { ...who(session), ...shown(control) }, 'CONTROL ended after its session');
      }
    },
    willed: (session, will) => {
      telemetry.wills[will.ok ? 'ok' : 'failed']++;
      log[will.ok ? 'info' : 'error']({ ...who(session), ...shown(will) }, 'will relayed');
    },
  };
}

const shown = ({ method, path, outcome, status, reason, durationMs, reported }: ControlTrace): object => ({
  method,
  path: clip(path),
  outcome,
  ...(status === undefined ? {} : { status }),
  ...(reason === undefined ? {} : { reason }),
  durationMs: Math.round(durationMs * 1000) / 1000,
  reported,
});

export function pollObserver(guard: Guard, telemetry: Telemetry, subject: PollSubject): PollObserver {
  return {
    ticked: (latenessMs) => telemetry.ticked(latenessMs),
    voided: (count) => {
      telemetry.deadlinesVoided += count;
    },
    polled: (durationMs, failed) => {
      telemetry.polls[failed ? 'failed' : 'ok']++;
      telemetry.pollDurationMs.observe(durationMs);
    },
    backedOff: (waitMs, failures, reason) => {
      const path = clip(subject.path);
      // A pause that the backend or its documentation asks for is told step by step: somebody may wait beside the machine.
      const key = waitMs > RETRY_MAX_INTERVAL_MS ? `poll-pause ${path} ${Math.round(waitMs / 1000)}` : `poll ${path}`;
      guard('warn', key, { path, failures, nextTryMs: Math.round(waitMs), reason }, 'poll failed');
    },
    recovered: (failures) => {
      const path = clip(subject.path);
      guard('info', `recovered ${path}`, { path, failures }, 'poll recovered');
    },
  };
}

/** Asked first: with the log turned down, a reconnect storm should not pay for lines that nobody sees. */
const SESSIONS_AT: LogLevel = 'info';

export function logSessionBegin(log: Logger, session: SessionView): void {
  if (log.isLevelEnabled(SESSIONS_AT)) log.info(who(session), 'session began');
}

export function logSessionEnd(log: Logger, session: SessionView, reason: CloseReason): void {
  if (!log.isLevelEnabled(SESSIONS_AT)) return;
  log.info({ ...who(session), reason, durationMs: Math.round(session.durationMs), ...session.counts }, 'session ended');
}

export function logBackendChange(guard: Guard, reachable: boolean): void {
  if (reachable) guard('info', 'backend reachable', {}, 'backend reachable again');
  else guard('warn', 'backend unreachable', {}, 'backend unreachable');
}
