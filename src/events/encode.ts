// Events as lines of compact JSON: the one place that knows how an event is spelled.
import { ERRORS, type ErrorCode } from '../../protocol/errors.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';

/** A member that goes into a line: its name and its value as JSON text. */
export type RawMember = readonly [name: string, json: string | undefined];

/** `{"type":…}` or `{"error":…}` with members whose values are JSON text already; undefined ones are left out. */
function line(first: string, members: readonly RawMember[]): string {
  let text = `{${first}`;
  for (const [name, json] of members) if (json !== undefined) text += `,"${name}":${json}`;
  return `${text}}\n`;
}

export const handshakeAck = (id: string | undefined): string =>
  line('"type":"handshake_ack"', [
    ['ok', 'true'],
    ['version', `"${PROTOCOL_VERSION}"`],
    ['id', id],
  ]);

/** `periodMs` is told only when it is not what was asked for [OS-4]. */
export const monitorAck = (id: string | undefined, periodMs: number | undefined): string =>
  line('"type":"monitor_ack"', [
    ['period_ms', periodMs?.toString()],
    ['id', id],
  ]);

export const stopAck = (id: string | undefined, target: string, discarded: number): string =>
  line('"type":"stop_ack"', [
    ['target', `"${target}"`],
    ['discarded', discarded > 0 ? String(discarded) : undefined],
    ['id', id],
  ]);

/** The last line of a session that the gateway ends without anybody's fault [OS-3.8]. */
export const closing = (reason: string): string => line('"type":"closing"', [['reason', JSON.stringify(reason)]]);

export interface ErrorDetails {
  readonly id?: string | undefined;
  /** Replaces the code's own hint; null leaves it out. */
  readonly hint?: string | null | undefined;
  readonly fatal?: boolean | undefined;
  readonly more?: readonly RawMember[];
}

/** The error object of section 2; `fatal` is told whenever the connection is closed behind it [OS-5]. */
export function errorLine(code: ErrorCode, message: string, details: ErrorDetails = {}): string {
  const hint = details.hint === undefined ? ERRORS[code].hint : details.hint;
  return line(`"error":"${code}"`, [
    ['message', JSON.stringify(message)],
    ['hint', hint === null ? undefined : JSON.stringify(hint)],
    ['fatal', details.fatal ? 'true' : undefined],
    ['id', details.id],
    ...(details.more ?? []),
  ]);
}

/** Both documented forms of a failed CONTROL in one line [OS-2.5]. */
export function controlErr(message: string, hint: string, id: string | undefined, more: readonly RawMember[]): string {
  return line('"type":"control_err"', [
    ['error', '"control_err"'],
    ['message', JSON.stringify(message)],
    ['hint', JSON.stringify(hint)],
    ['id', id],
    ...more,
  ]);
}

/** A failed CONTROL as the per-command pages have it [OS-4]. */
export const vendorControlErr = (
  id: string | undefined,
  status: string | undefined,
  body: string | undefined,
): string =>
  line('"type":"control_err"', [
    ['status', status],
    ['body', body],
    ['id', id],
  ]);

export const controlAck = (
  id: string | undefined,
  status: number,
  durationMs: number,
  result: string | undefined,
): string =>
  line('"type":"control_ack"', [
    ['id', id],
    ['status', String(status)],
    ['svc_dur_ms', milliseconds(durationMs)],
    ['result', result],
  ]);

/** The digits behind the point for each number of microseconds, with the point: one for every line is dear to print. */
const FRACTIONS = Array.from({ length: 1000 }, (_, us) => String(us / 1000).slice(1));

/** Milliseconds to the microsecond; not negative. */
export function milliseconds(ms: number): string {
  const us = Math.round(ms * 1000);
  if (!Number.isSafeInteger(us)) return String(ms);
  return Math.floor(us / 1000) + FRACTIONS[us % 1000]!;
}
