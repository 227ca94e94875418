// Every error code a client can meet: its group, whether it closes the connection, and what the client should do.

/** Whether a code ends the session: `sometimes` is settled by the clause it names, and the line itself then says `"fatal":true`. */
type Fatality = 'never' | 'always' | 'sometimes';

interface ErrorRow {
  /** Group of the error reference [OS-5]. */
  readonly group: 'session' | 'payload' | 'HANDSHAKE' | 'MONITOR' | 'CONTROL' | 'STOP';
  readonly fatal: Fatality;
  /** True when a line answered by this code counts towards MAX_CONSECUTIVE_ERRORS [OS-1.8]. */
  readonly malformed: boolean;
  /** `strict`, `vendor`: the code occurs in that profile only [OS-4]. */
  readonly profile: 'both' | 'strict' | 'vendor';
  readonly clause: string;
  /** What the client does about it, in one sentence; the default `hint`. */
  readonly hint: string;
}

const row = (
  group: ErrorRow['group'],
  clause: string,
  hint: string,
  more: Partial<Pick<ErrorRow, 'fatal' | 'malformed' | 'profile'>> = {},
): ErrorRow => ({ group, clause, hint, fatal: 'never', malformed: false, profile: 'both', ...more });

const field = { malformed: true } as const;
const strict = { profile: 'strict' } as const;
const vendor = { malformed: true, profile: 'vendor' } as const;

export const ERRORS = {
  invalid_ndjson: row('session', 'OS-1.5', 'send one JSON object per line, in UTF-8, ended by a newline', {
    fatal: 'sometimes',
    malformed: true,
  }),
  rx_buf_overflow: row('session', 'OS-1.4', 'send shorter lines', { fatal: 'sometimes', malformed: true }),
  handshake_required: row('session', 'OS-3.1', 'send HANDSHAKE first: {"cmd":"HANDSHAKE","payload":{"major":1}}'),
  version_mismatch: row('session', 'OS-3.1', 'send HANDSHAKE again with the major version of this server'),
  busy_session_active: row('session', 'OS-3.1', 'STOP the running activity first'),
  session_timeout: row('session', 'OS-3.6', 'keep sending valid commands, or keep reading the stream; connect again', {
    fatal: 'always',
  }),
  invalid_cmd: row('payload', 'OS-2.3', 'use HANDSHAKE, MONITOR, CONTROL or STOP', field),
  invalid_payload: row('payload', 'OS-2.3', 'make payload a JSON object', field),
  missing_field: row('payload', 'OS-2.3', 'add the field', field),
  invalid_type: row('payload', 'OS-2.3', 'send the field with the type that is asked for', field),
  invalid_value: row('payload', 'OS-2.3', 'send a value that is allowed', field),
  handshake_rejected: row('HANDSHAKE', 'OS-3.2', 'check the credentials, or connect again later', { fatal: 'always' }),
  invalid_method: row('MONITOR', 'OS-2.1', 'MONITOR takes the method GET, CONTROL takes POST, PUT or DELETE', field),
  invalid_url: row('MONITOR', 'OS-2.7', 'send a path that starts with one / and follows the url rules', field),
  invalid_period: row('MONITOR', 'OS-2.1', 'send a period_ms from 2 to 30000', field),
  monitor_already_active: row('MONITOR', 'OS-3.3', 'STOP the monitor first', strict),
  monitor_internal_error: row('MONITOR', 'OS-3.3', 'the monitor goes on by itself; check the backend'),
  control_err: row('CONTROL', 'OS-2.5', 'inspect status, body and outcome'),
  invalid_body: row('CONTROL', 'OS-2.1', 'make body a JSON object or array', field),
  method_not_allowed: row('CONTROL', 'OS-2.1', 'CONTROL takes the methods POST, PUT and DELETE', {
    ...field,
    ...strict,
  }),
  control_busy: row('CONTROL', 'OS-3.4', 'wait for earlier commands to finish, then send it again'),
  invalid_target: row('STOP', 'OS-2.1', 'STOP takes the target monitor, control or session', field),
  nothing_to_stop: row('STOP', 'OS-3.5', 'nothing was running; this can be ignored', strict),
  stop_failed: row('STOP', 'OS-3.5', 'the command in flight was aborted and its outcome is unknown; connect again'),
  missing_major: row('payload', 'OS-4', 'add major, the protocol version of the client', vendor),
  missing_url: row('payload', 'OS-4', 'add url', vendor),
  missing_method: row('payload', 'OS-4', 'add method', vendor),
  missing_period_ms: row('payload', 'OS-4', 'add period_ms', vendor),
  missing_target: row('payload', 'OS-4', 'add target: monitor, control or session', vendor),
  invalid_major_type: row('payload', 'OS-4', 'send major as an integer', vendor),
  invalid_version: row('payload', 'OS-4', 'send major as an integer of 0 or more', vendor),
  url_too_long: row('payload', 'OS-4', 'send a url of at most 2048 bytes', vendor),
  invalid_args: row('payload', 'OS-4', 'make args a JSON object', vendor),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;
