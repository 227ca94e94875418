// The single table of settings: reading, --help, .env.example, the schema and the README table all come from it.
import { PROFILES } from '../../protocol/profiles.ts';
import { LOG_LEVELS } from '../log.ts';
import { backendUrl, headers, host } from './network-specs.ts';
import {
  addressList,
  catalogList,
  choice,
  filePath,
  integer,
  integerOrAuto,
  onOff,
  secretText,
} from './plain-specs.ts';
import { row, type Setting, unsetRow } from './setting.ts';
import type { Config } from './types.ts';

type Complete = Required<Config>;
type Mutable<T> = T extends readonly (infer E)[] ? E[] : T extends object ? { -readonly [K in keyof T]: T[K] } : T;

const BYTES_MAX = 268_435_456;
/** A body that is not JSON becomes a string in which one byte may take six characters; longer texts the engine cannot hold. */
const RESULT_BYTES_MAX = 67_108_864;
const DAY_MS = 86_400_000;

const TABLE = {
  host: row('Listening', 'HOST', host(), '::', 'Address to listen on; `::` is every address, IPv4 and IPv6.'),
  port: row('Listening', 'PORT', integer(0, 65_535, undefined, 'any free port'), '49000', 'TCP port for clients.'),
  tlsCert: unsetRow(
    'Listening',
    'TLS_CERT',
    filePath(),
    'plain TCP',
    'Certificate chain (PEM) shown to clients; set it, with `TLS_KEY`, wherever the network is not trusted.',
  ),
  tlsKey: unsetRow('Listening', 'TLS_KEY', filePath(), 'plain TCP', 'Private key (PEM) that belongs to `TLS_CERT`.'),
  tlsClientCa: unsetRow(
    'Listening',
    'TLS_CLIENT_CA',
    filePath(),
    'no client certificate is asked for',
    'Certificate authorities (PEM) one of which must have signed the certificate of each client.',
  ),
  trustedProxies: unsetRow(
    'Listening',
    'TRUSTED_PROXIES',
    addressList(),
    'nobody',
    'Load balancers that may send a PROXY header to tell the address of the client.',
  ),
  workers: row(
    'Listening',
    'WORKERS',
    integerOrAuto(1, 128, 'processes'),
    '1',
    'Processes that share the port; `auto` is one per core; raise it when one core is busy, not for a weak controller: each polls by itself.',
  ),

  backendUrl: unsetRow(
    'Backend',
    'BACKEND_URL',
    backendUrl(),
    'the embedded simulated controller',
    'Where the REST API is; its path is put before the `url` of every command.',
  ),
  backendTimeoutMs: row(
    'Backend',
    'BACKEND_TIMEOUT_MS',
    integer(10, 600_000, 'ms'),
    '3000',
    'How long one request may take, from connecting to the last byte of its answer.',
  ),
  backendConnections: row(
    'Backend',
    'BACKEND_CONNECTIONS',
    integer(1, 4096, 'connections'),
    '64',
    'Connections to the backend for each of the two lanes, polls and CONTROL, of each worker; lower it for a weak controller.',
  ),
  backendHeaders: unsetRow(
    'Backend',
    'BACKEND_HEADERS',
    headers(),
    'none',
    'Fixed extra headers of every request, such as credentials of the backend.',
  ),
  backendCa: unsetRow(
    'Backend',
    'BACKEND_CA',
    filePath(),
    'those that Node.js trusts',
    'Certificate authorities (PEM) trusted for an https backend; needed when its certificate is of your own making.',
  ),
  errorCatalogs: unsetRow(
    'Backend',
    'ERROR_CATALOGS',
    catalogList(),
    'errors are not explained',
    'Catalogs that explain the errors of the backend, tried in this order.',
  ),

  profile: row(
    'Session',
    'PROTOCOL_PROFILE',
    choice(PROFILES),
    'strict',
    'Which of the two public descriptions of the protocol decides where they disagree.',
  ),
  idleTimeoutMs: row(
    'Session',
    'IDLE_TIMEOUT_MS',
    integer(100, DAY_MS, 'ms'),
    '180000',
    'A session without MONITOR ends after this long without a valid command.',
  ),
  armedTimeoutMs: row(
    'Session',
    'ARMED_TIMEOUT_MS',
    integer(100, 3_600_000, 'ms'),
    '5000',
    'A session with MONITOR ends when nothing could be delivered for this long after it was due.',
  ),
  stopGraceMs: row(
    'Session',
    'STOP_GRACE_MS',
    integer(0, 60_000, 'ms'),
    '1000',
    'How long the CONTROL in flight may go on after STOP or at shutdown.',
  ),
  drainTimeoutMs: row(
    'Session',
    'DRAIN_TIMEOUT_MS',
    integer(100, 600_000, 'ms'),
    '10000',
    'How long a shutdown may take in all; keep it below the patience of your service manager.',
  ),
  maxConsecutiveErrors: row(
    'Session',
    'MAX_CONSECUTIVE_ERRORS',
    integer(1, 1_000_000, 'lines'),
    '32',
    'So many malformed lines in a row end the session.',
  ),

  rxBufferBytes: row(
    'Buffers',
    'RX_BUFFER_BYTES',
    integer(256, 16_777_216, 'bytes'),
    '65536',
    'Longest line a client may send; raise it for larger bodies.',
  ),
  rxDiscardBytes: row(
    'Buffers',
    'RX_DISCARD_BYTES',
    integer(0, 1_073_741_824, 'bytes'),
    '1048576',
    'How much of an overlong line is thrown away before the session is ended.',
  ),
  txBufferBytes: row(
    'Buffers',
    'TX_BUFFER_BYTES',
    integer(1024, BYTES_MAX, 'bytes'),
    '262144',
    'How much may wait for a slow reader before its `data` is skipped.',
  ),
  maxResultBytes: row(
    'Buffers',
    'MAX_RESULT_BYTES',
    integer(1, RESULT_BYTES_MAX, 'bytes'),
    '1048576',
    'Largest body the backend may answer with.',
  ),

  monitorSharing: row(
    'MONITOR',
    'MONITOR_SHARING',
    onOff(),
    'on',
    'Monitors of one worker that ask for the same thing share one poll; `off` polls for each session alone.',
  ),
  monitorMaxInFlight: row(
    'MONITOR',
    'MONITOR_MAX_IN_FLIGHT',
    integer(1, 64, 'polls'),
    '1',
    'Polls of one monitor that may be under way at once, while polls have connections left; raise it to keep the period over a slow link.',
  ),

  controlQueueDepth: row(
    'CONTROL',
    'CONTROL_QUEUE_DEPTH',
    integer(0, 100_000, 'commands'),
    '256',
    'How many CONTROLs of a session may wait behind the one in flight.',
  ),
  controlQueueBytes: row(
    'CONTROL',
    'CONTROL_QUEUE_BYTES',
    integer(0, BYTES_MAX, 'bytes'),
    '1048576',
    'How many bytes of CONTROLs of a session may wait.',
  ),
  controlExclusive: row(
    'CONTROL',
    'CONTROL_EXCLUSIVE',
    onOff(),
    'off',
    'Only one session at a time may send CONTROLs: the first that did, until it stops, ends or falls idle.',
  ),
  controlExclusiveIdleMs: row(
    'CONTROL',
    'CONTROL_EXCLUSIVE_IDLE_MS',
    integer(100, DAY_MS, 'ms'),
    '60000',
    'After this long without a CONTROL the exclusive holder loses its hold.',
  ),

  controlBusyPollUs: row(
    'CONTROL',
    'CONTROL_BUSY_POLL_US',
    integer(0, 10_000, 'µs', 'off'),
    '500',
    'A client whose CONTROLs follow one another within this time is waited for awake: answers come sooner, for all of a core.',
  ),

  maxSessions: row(
    'Access',
    'MAX_SESSIONS',
    integer(1, 1_000_000, 'sessions'),
    '4096',
    'Sessions at once, over all processes; more are refused.',
  ),
  maxSessionsPerIp: row(
    'Access',
    'MAX_SESSIONS_PER_IP',
    integer(0, 1_000_000, 'sessions', 'no limit'),
    '0',
    'Sessions at once from one IPv4 address or IPv6 /64; set it where one client must not take every place.',
  ),
  maxConnectionsPerSecondPerIp: row(
    'Access',
    'MAX_CONNECTIONS_PER_SECOND_PER_IP',
    integer(0, 100_000, 'connections/s', 'off'),
    '0',
    'New connections per second from one address; set it against reconnect storms.',
  ),
  maxCommandsPerSecondPerIp: row(
    'Access',
    'MAX_COMMANDS_PER_SECOND_PER_IP',
    integer(0, 1_000_000, 'commands/s', 'off'),
    '0',
    'Commands per second from one address; set it well above the fastest honest client.',
  ),
  limitsAllow: unsetRow(
    'Access',
    'LIMITS_ALLOW',
    addressList(),
    'nobody',
    'Addresses to which the limits per address do not apply, so that an operator is never locked out.',
  ),
  authTokens: unsetRow(
    'Access',
    'AUTH_TOKENS',
    secretText('`name:token` or `token` entries or `@file`, comma-separated'),
    'no token is asked for',
    'Tokens one of which each HANDSHAKE must carry; set it wherever others can reach the port.',
  ),
  routeRules: unsetRow(
    'Access',
    'ROUTE_RULES',
    filePath(),
    'every path is allowed',
    'File of rules that say which methods and paths may be monitored and controlled, and by whom.',
  ),

  adminPort: row(
    'Operation',
    'ADMIN_PORT',
    integer(0, 65_535, undefined, 'off'),
    '49001',
    'HTTP port for health, metrics and live sessions; another gateway on the same machine needs another one.',
  ),
  adminHost: row(
    'Operation',
    'ADMIN_HOST',
    host(),
    '127.0.0.1',
    'Address of the admin port; it asks for no credentials, so keep it on a trusted network.',
  ),
  logLevel: row(
    'Operation',
    'LOG_LEVEL',
    choice(LOG_LEVELS),
    'info',
    'Least important log lines that are written; `trace` shows every line in and out.',
  ),
} satisfies { readonly [K in keyof Complete]: Setting<Mutable<Complete[K]>> };

/** Every setting with its key in `Config`, in the order in which they are documented. */
export const SETTINGS: readonly (Setting & { readonly key: keyof Config })[] = Object.entries(TABLE).map(
  ([key, setting]) => Object.freeze({ ...(setting as unknown as Setting), key: key as keyof Config }),
);
