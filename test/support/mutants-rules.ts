// Servers that keep the limits, the profiles or the ends of a connection wrongly, and the checks that have to notice.
import { commands, lines, type Mutant, plusOne, reprint, set } from './mutant-tools.ts';

export const RULE_MUTANTS: readonly Mutant[] = [
  {
    name: 'takes a byte too many',
    caught: ['framing.rx-edge-default', 'framing.rx-edge-small', 'framing.rx-bytes', 'framing.rx-unfinished'],
    settings: set('RX_BUFFER_BYTES', plusOne('65536')),
  },
  {
    name: 'counts the line end',
    caught: ['framing.rx-crlf', 'framing.rx-edge-small'],
    settings: set('RX_BUFFER_BYTES', (value) => String(Number(value ?? '65536') - 1)),
  },
  {
    name: 'throws away for ever',
    caught: ['framing.rx-discard', 'framing.rx-discard-default'],
    settings: set('RX_DISCARD_BYTES', () => '1000000000'),
  },
  {
    name: 'forgives one error more',
    caught: ['framing.errors-in-a-row', 'framing.every-malformed-kind'],
    settings: set('MAX_CONSECUTIVE_ERRORS', plusOne('32')),
  },
  {
    name: 'forgives one error less',
    caught: ['framing.errors-in-a-row', 'framing.row-ended'],
    settings: set('MAX_CONSECUTIVE_ERRORS', (value) => String(Number(value ?? '32') - 1)),
  },
  {
    name: 'executes what the end leaves unfinished',
    caught: ['framing.half-close-rest', 'framing.half-close-cr'],
    clientEnd: 'newline',
  },
  {
    name: 'takes a half-close for the end',
    caught: ['framing.half-close', 'framing.half-close-monitor', 'framing.half-close-rest'],
    clientEnd: 'destroy',
  },
  { name: 'takes a reset for a half-close', caught: ['framing.rst', 'framing.rst-monitor'], clientReset: 'end' },
  {
    name: 'speaks the other profile',
    caught: [
      'profiles.major-type-strict',
      'profiles.major-type-vendor',
      'codes.invalid_args',
      'order.pairs-strict',
      'profiles.control-err-vendor',
    ],
    settings: set('PROTOCOL_PROFILE', (value) => (value === 'vendor' ? 'strict' : 'vendor')),
  },
  {
    name: 'clamps in silence',
    caught: ['profiles.period-range-vendor'],
    fromServer: lines((line) => (line['type'] === 'monitor_ack' ? reprint(line, { period_ms: undefined }) : undefined)),
  },
  {
    name: 'looks at payload before cmd',
    caught: ['order.envelope-strict', 'order.envelope-vendor'],
    fromClient: commands((line) => line.replace(/^\{"cmd":"PING","payload":\[\]\}/, '{"cmd":"STOP","payload":[]}')),
  },
  {
    name: 'looks at fields before the state',
    caught: ['order.handshake-first-strict'],
    fromServer: lines((line) =>
      line['error'] === 'handshake_required' ? reprint(line, { error: 'missing_field' }) : undefined,
    ),
  },
  {
    name: 'looks at the second field first',
    caught: ['order.pairs-strict', 'order.pairs-vendor'],
    fromClient: commands((line) => line.replace(/"url":(?:null|5)(?=\},"cmd":"CONTROL")/, '"url":"/ok"')),
  },
  {
    name: 'names no field',
    caught: ['order.single-strict', 'profiles.period-type-vendor'],
    fromServer: lines((line) => (line['message'] === undefined ? undefined : reprint(line, { message: 'wrong' }))),
  },
  {
    name: 'asks nobody for a token',
    caught: ['token.wrong', 'token.nothing-executed', 'token.every-time', 'token.order', 'codes.handshake_rejected'],
    settings: set('AUTH_TOKENS', () => undefined),
  },
  {
    name: 'asks everybody for a token',
    caught: ['token.ignored', 'handshake.exact'],
    settings: set('AUTH_TOKENS', (value) => value ?? 'a-token-nobody-knows'),
  },
  {
    name: 'has room for one session more',
    caught: ['handshake.full'],
    settings: set('MAX_SESSIONS', plusOne('4096')),
  },
  {
    name: 'has no limit per address',
    caught: ['handshake.full-per-ip'],
    settings: set('MAX_SESSIONS_PER_IP', () => '0'),
  },
  {
    name: 'calls busy what is a wrong version',
    caught: ['handshake.mismatch-before-busy', 'handshake.version-mismatch'],
    fromServer: lines((line) =>
      line['error'] === 'version_mismatch' ? reprint(line, { error: 'busy_session_active' }) : undefined,
    ),
  },
];
