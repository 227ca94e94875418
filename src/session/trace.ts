// A relayed request and how it ended, for the log and the counters.
import type { BackendAnswer } from '../backend/backend.ts';
import type { Relay } from '../commands/command.ts';
import type { ControlTrace } from './ports.ts';

export function traceOf(relay: Relay, answer: BackendAnswer, ok: boolean, reported: boolean): ControlTrace {
  return {
    method: relay.method,
    path: relay.path,
    ok,
    outcome: ok ? 'ok' : answer.ok ? 'refused' : answer.outcome,
    status: answer.status,
    reason: answer.ok ? undefined : answer.reason,
    durationMs: answer.durationMs,
    reported,
  };
}
