// What a backend's answer means on the line: a result, a failed poll, or a CONTROL that succeeded or did not.
import { RETRY_AFTER_MAX_MS } from '../../protocol/limits.ts';
import type { Profile } from '../../protocol/profiles.ts';
import type { BackendAnswer, CompleteAnswer, FailedAnswer } from '../backend/backend.ts';
import { bodyText } from './body.ts';
import { type DataEvent, dataEvent } from './data.ts';
import { controlAck, controlErr, errorLine, type RawMember, vendorControlErr } from './encode.ts';

/** Looks a refusal up in the chosen catalogs [OS-2.5]; structurally the catalogs' explainer. */
export interface Explain {
  /** Some catalog recognises errors in answers below 400, so successes have to be looked at too. */
  readonly inspectsSuccess: boolean;
  explain(status: number, body: Buffer | undefined, attempt?: number): Explanation | undefined;
}

export interface Explanation {
  readonly hint?: string;
  readonly cause: { readonly retry_after_ms?: number };
}

/** Why a poll gave no result, ready for every session that shares it. */
export interface PollFailure {
  readonly message: string;
  readonly hint: string | undefined;
  readonly members: readonly RawMember[];
  /** The backend asked for this pause, or its documentation does; ms. */
  readonly retryAfterMs: number | undefined;
}

export type PollOutcome = { readonly data: DataEvent } | { readonly failure: PollFailure };

const succeeded = (answer: CompleteAnswer): boolean => answer.status >= 200 && answer.status <= 299;

/** `attempt`: failures in a row, this one included. */
export function pollOutcome(
  answer: BackendAnswer,
  epochMs: number,
  attempt: number,
  explain: Explain | undefined,
): PollOutcome {
  if (!answer.ok) return { failure: failure(answer.reason, undefined, status(answer), undefined) };
  if (succeeded(answer) && answer.oversize)
    return { failure: failure('the body is longer than MAX_RESULT_BYTES', undefined, status(answer), undefined) };
  const explanation = explained(answer, attempt, explain);
  if (succeeded(answer) && !explanation)
    return { data: dataEvent(epochMs, answer.durationMs, answer.status, answer.body) };
  const wait = retryAfterMs(answer.retryAfter, epochMs);
  const cause = causeMember(explanation, wait);
  // Nothing else tells a client why its monitor is silent meanwhile.
  const pause = wait ? `, and asks for a pause of ${Math.ceil(wait / 1000)} s, which is kept` : '';
  return {
    failure: failure(
      `the backend answered with status ${answer.status}${pause}`,
      explanation?.hint,
      [...status(answer), ['body', bodyText(answer.body)], cause],
      wait ?? explanation?.cause.retry_after_ms,
    ),
  };
}

function failure(
  message: string,
  hint: string | undefined,
  members: readonly RawMember[],
  retryAfter: number | undefined,
): PollFailure {
  return { message, hint, members, retryAfterMs: retryAfter };
}

const status = (answer: { readonly status?: number }): RawMember[] => [['status', answer.status?.toString()]];

function explained(answer: CompleteAnswer, attempt: number, explain: Explain | undefined): Explanation | undefined {
  if (explain === undefined || (succeeded(answer) && !explain.inspectsSuccess)) return undefined;
  return explain.explain(answer.status, answer.body.length === 0 ? undefined : answer.body, attempt);
}

function causeMember(explanation: Explanation | undefined, wait: number | undefined): RawMember {
  if (explanation === undefined) return ['cause', undefined];
  // What the backend itself asks for goes before what its documentation says in general.
  const cause = wait === undefined ? explanation.cause : { ...explanation.cause, retry_after_ms: wait };
  return ['cause', JSON.stringify(cause)];
}

/** How a date begins. `Date.parse` alone finds one in nearly any text that holds a number, and a poll would wait for it. */
const DATE = /^(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? |\d{4}-\d\d-\d\d)/i;

/** `Retry-After` in seconds or as a date → ms from now, kept within a day; undefined when it says nothing usable [OS-3.3]. */
export function retryAfterMs(header: string | undefined, epochMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : DATE.test(text) ? Date.parse(text) - epochMs : Number.NaN;
  return Number.isNaN(wait) ? undefined : Math.min(RETRY_AFTER_MAX_MS, Math.max(0, wait));
}

/** `monitor_internal_error` for one session [OS-3.3]; `failures` counts since its last report. */
export function pollFailureLine(failed: PollFailure, path: string, failures: number, id: string | undefined): string {
  return errorLine('monitor_internal_error', `GET ${shortened(path)}: ${failed.message}`, {
    id,
    hint: failed.hint,
    more: [...failed.members, ['failures', String(failures)]],
  });
}

const SHOWN_PATH = 120;

/** A path for a message; with its arguments it can be as long as a line. */
export const shortened = (path: string): string => (path.length > SHOWN_PATH ? `${path.slice(0, SHOWN_PATH)}…` : path);

interface ControlReport {
  readonly ok: boolean;
  /** The line for the client; undefined where success is silent. */
  readonly line: string | undefined;
}

export interface ControlContext {
  readonly method: string;
  readonly path: string;
  readonly id: string | undefined;
  readonly ack: boolean;
}

/** What one CONTROL's client is told [OS-2.5]. */
export function controlReport(
  control: ControlContext,
  answer: BackendAnswer,
  profile: Profile,
  epochMs: number,
  explain: Explain | undefined,
): ControlReport {
  if (!answer.ok) return { ok: false, line: controlFailed(control, answer, profile) };
  const explanation = answer.oversize && succeeded(answer) ? undefined : explained(answer, 1, explain);
  if (succeeded(answer) && !explanation) {
    const line = control.ack
      ? controlAck(control.id, answer.status, answer.durationMs, bodyText(answer.body))
      : undefined;
    return { ok: true, line };
  }
  const body = bodyText(answer.body);
  if (profile === 'vendor') return { ok: false, line: vendorControlErr(control.id, String(answer.status), body) };
  const line = controlErr(
    `${control.method} ${shortened(control.path)}: the backend answered with status ${answer.status}`,
    explanation?.hint ?? 'the backend refused the command; see status and body',
    control.id,
    [...status(answer), ['body', body], causeMember(explanation, retryAfterMs(answer.retryAfter, epochMs))],
  );
  return { ok: false, line };
}

const OUTCOME_HINTS = {
  not_sent: 'the command was not executed; check that the backend can be reached, then send it again',
  unknown: 'the command may have been executed; look at the state of the backend before sending it again',
} as const;

function controlFailed(
  control: ControlContext,
  answer: Pick<FailedAnswer, 'outcome' | 'status' | 'reason'>,
  profile: Profile,
): string {
  if (profile === 'vendor') return vendorControlErr(control.id, answer.status?.toString(), undefined);
  const what = answer.outcome === 'not_sent' ? 'it was not sent' : 'it was sent, its outcome is not known';
  return controlErr(
    `${control.method} ${shortened(control.path)}: ${answer.reason}; ${what}`,
    OUTCOME_HINTS[answer.outcome],
    control.id,
    [...status(answer), ['outcome', `"${answer.outcome}"`]],
  );
}

/** A CONTROL that was still waiting when its session ended [OS-3.4]. */
export const controlNotSent = (control: ControlContext, reason: string, profile: Profile): string =>
  controlFailed(control, { outcome: 'not_sent', reason }, profile);
