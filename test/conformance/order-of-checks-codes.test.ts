// Every error code of section 5 is reached over a real socket: a total table from code to the talk that provokes it.
import type { ErrorCode } from '../../protocol/errors.ts';
import { ERRORS } from '../../protocol/errors.ts';
import type { Handler } from '../support/backend.ts';
import type { CheckContext } from '../support/check.ts';
import { check } from '../support/check.ts';
import type { TestClient } from '../support/client.ts';

interface Scenario {
  readonly env?: Readonly<Record<string, string>>;
  readonly backend?: Handler;
  /** True when the talk begins before HANDSHAKE. */
  readonly fresh?: boolean;
  readonly fatal?: true;
  readonly send?: (client: TestClient) => void;
}

const monitor = { url: '/a', method: 'GET', period_ms: 100 };
const control = { url: '/a', method: 'POST' };

const line =
  (text: string) =>
  (client: TestClient): void =>
    client.send(text);
const command =
  (cmd: string, payload: object) =>
  (client: TestClient): void =>
    client.command(cmd, payload);
const without = (payload: object, name: string) =>
  Object.fromEntries(Object.entries(payload).filter(([key]) => key !== name));

/** A code that is missing here does not compile. */
const SCENARIOS: Readonly<Record<ErrorCode, Scenario>> = {
  invalid_ndjson: { send: line('{bad') },
  rx_buf_overflow: { env: { RX_BUFFER_BYTES: '300' }, send: line(`{${' '.repeat(300)}}`) },
  handshake_required: { fresh: true, send: command('STOP', { target: 'monitor' }) },
  version_mismatch: { fresh: true, send: command('HANDSHAKE', { major: 2 }) },
  busy_session_active: {
    send: (client) => {
      client.command('MONITOR', monitor);
      client.command('HANDSHAKE', { major: 1 });
    },
  },
  session_timeout: { env: { IDLE_TIMEOUT_MS: '100' }, fatal: true },
  invalid_cmd: { send: line('{"cmd":"JUMP","payload":{}}') },
  invalid_payload: { send: line('{"cmd":"STOP","payload":[]}') },
  missing_field: { send: line('{"cmd":"STOP"}') },
  invalid_type: { send: line('{"cmd":5,"payload":{}}') },
  invalid_value: { send: command('STOP', { target: 'monitor', id: 'x'.repeat(65) }) },
  handshake_rejected: {
    env: { AUTH_TOKENS: 'open-sesame' },
    fresh: true,
    fatal: true,
    send: command('HANDSHAKE', { major: 1 }),
  },
  invalid_method: { send: command('MONITOR', { ...monitor, method: 'POST' }) },
  invalid_url: { send: command('CONTROL', { ...control, url: 'a' }) },
  invalid_period: { send: command('MONITOR', { ...monitor, period_ms: 1 }) },
  monitor_already_active: {
    send: (client) => {
      client.command('MONITOR', monitor);
      client.command('MONITOR', monitor);
    },
  },
  monitor_internal_error: { backend: (_request, reply) => reply.empty(500), send: command('MONITOR', monitor) },
  control_err: { backend: (_request, reply) => reply.empty(500), send: command('CONTROL', control) },
  invalid_body: { send: command('CONTROL', { ...control, body: 'text' }) },
  method_not_allowed: { send: command('CONTROL', { ...control, method: 'GET' }) },
  control_busy: {
    env: { CONTROL_QUEUE_DEPTH: '1' },
    backend: (_request, reply) => reply.hang(),
    send: (client) => {
      for (let n = 0; n < 3; n += 1) client.command('CONTROL', control);
    },
  },
  invalid_target: { send: command('STOP', { target: 'machine' }) },
  nothing_to_stop: { send: command('STOP', { target: 'control' }) },
  stop_failed: {
    env: { STOP_GRACE_MS: '20' },
    backend: (_request, reply) => reply.hang(),
    send: (client) => {
      client.command('CONTROL', control);
      client.command('STOP', { target: 'control' });
    },
  },
  missing_major: { send: command('HANDSHAKE', {}) },
  missing_url: { send: command('MONITOR', without(monitor, 'url')) },
  missing_method: { send: command('CONTROL', without(control, 'method')) },
  missing_period_ms: { send: command('MONITOR', without(monitor, 'period_ms')) },
  missing_target: { send: command('STOP', {}) },
  invalid_major_type: { send: command('HANDSHAKE', { major: '1' }) },
  invalid_version: { send: command('HANDSHAKE', { major: -1 }) },
  url_too_long: { send: command('CONTROL', { ...control, url: `/${'x'.repeat(2048)}` }) },
  invalid_args: { send: command('CONTROL', { ...control, args: [] }) },
};

async function provoke(t: CheckContext, code: ErrorCode, profile: string): Promise<void> {
  const { env, backend, fresh, fatal, send } = SCENARIOS[code];
  const { gateway } = await t.pair(backend, { PROTOCOL_PROFILE: profile, ...env });
  const client = fresh ? await gateway.connect() : await gateway.ready();
  send?.(client);
  await client.until({ error: code, fatal, message: (text: unknown) => typeof text === 'string' && text !== '' });
  if (fatal) await client.expectClosed();
  else await client.fencePast();
}

for (const [name, { profile }] of Object.entries(ERRORS)) {
  const code = name as ErrorCode;
  const spoken = profile === 'vendor' ? 'vendor' : 'strict';
  check(`codes.${code}`, `[OS-5] ${code} is reached over a real socket (${spoken})`, (t) => provoke(t, code, spoken));
}
