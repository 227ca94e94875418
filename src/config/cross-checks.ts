// What no setting shows alone: pairs that contradict each other (faults) and pairs that surprise (warnings).
import type { Config } from './types.ts';

interface CrossCheck {
  readonly severity: 'fault' | 'warning';
  /** The check is left out when one of these could not be read. */
  readonly keys: readonly (keyof Config)[];
  /** A sentence when something is wrong. */
  check(config: Config): string | undefined;
}

function when(condition: boolean, sentence: string): string | undefined {
  return condition ? sentence : undefined;
}

function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || /^(?:::ffff:)?127\./i.test(host);
}

function overlap(one: string, other: string): boolean {
  const everywhere = (host: string): boolean => host === '::' || host === '0.0.0.0';
  return one === other || everywhere(one) || everywhere(other);
}

function hasEverybody(list: readonly string[]): boolean {
  return list.some((entry) => /\/0+$/.test(entry));
}

const CHECKS: readonly CrossCheck[] = [
  {
    severity: 'fault',
    keys: ['tlsCert', 'tlsKey'],
    check: ({ tlsCert, tlsKey }) => {
      if ((tlsCert === undefined) === (tlsKey === undefined)) return undefined;
      const [set, missing] = tlsKey === undefined ? ['TLS_CERT', 'TLS_KEY'] : ['TLS_KEY', 'TLS_CERT'];
      return `${set} is set without ${missing}: set both for TLS, or none`;
    },
  },
  {
    severity: 'fault',
    keys: ['tlsCert', 'tlsKey', 'tlsClientCa'],
    check: ({ tlsCert, tlsKey, tlsClientCa }) =>
      when(
        tlsClientCa !== undefined && tlsCert === undefined && tlsKey === undefined,
        'TLS_CLIENT_CA is set without TLS_CERT and TLS_KEY: client certificates need TLS',
      ),
  },
  {
    severity: 'fault',
    keys: ['host', 'port', 'adminHost', 'adminPort'],
    check: ({ host, port, adminHost, adminPort }) =>
      when(
        port !== 0 && port === adminPort && overlap(host, adminHost),
        `PORT and ADMIN_PORT are both ${port} on overlapping addresses: choose another ADMIN_PORT, or 0 to turn it off`,
      ),
  },
  {
    severity: 'fault',
    keys: ['controlExclusive', 'workers'],
    check: ({ controlExclusive, workers }) =>
      when(
        controlExclusive && workers !== 1,
        'CONTROL_EXCLUSIVE=on needs WORKERS=1: several processes cannot agree on one holder',
      ),
  },
  {
    severity: 'warning',
    keys: ['backendTimeoutMs', 'armedTimeoutMs'],
    check: ({ backendTimeoutMs, armedTimeoutMs }) =>
      when(
        backendTimeoutMs >= armedTimeoutMs,
        `BACKEND_TIMEOUT_MS (${backendTimeoutMs}) is not below ARMED_TIMEOUT_MS (${armedTimeoutMs}): when the backend hangs, ` +
          'monitoring sessions end by session_timeout before the failing poll is reported',
      ),
  },
  {
    severity: 'warning',
    keys: ['stopGraceMs', 'drainTimeoutMs'],
    check: ({ stopGraceMs, drainTimeoutMs }) =>
      when(
        stopGraceMs >= drainTimeoutMs,
        `STOP_GRACE_MS (${stopGraceMs}) is not below DRAIN_TIMEOUT_MS (${drainTimeoutMs}): a shutdown gives the CONTROL in flight four fifths of DRAIN_TIMEOUT_MS`,
      ),
  },
  {
    severity: 'warning',
    keys: ['controlQueueBytes', 'controlQueueDepth', 'rxBufferBytes'],
    check: ({ controlQueueBytes, controlQueueDepth, rxBufferBytes }) =>
      when(
        controlQueueDepth > 0 && controlQueueBytes < rxBufferBytes,
        `CONTROL_QUEUE_BYTES (${controlQueueBytes}) is below RX_BUFFER_BYTES (${rxBufferBytes}): ` +
          'the longest CONTROLs can never wait and are refused while another one runs',
      ),
  },
  {
    severity: 'warning',
    keys: ['monitorMaxInFlight', 'backendConnections'],
    check: ({ monitorMaxInFlight, backendConnections }) =>
      when(
        monitorMaxInFlight > backendConnections,
        `MONITOR_MAX_IN_FLIGHT (${monitorMaxInFlight}) is above BACKEND_CONNECTIONS (${backendConnections}): polls wait for a connection`,
      ),
  },
  {
    severity: 'warning',
    keys: ['backendUrl', 'backendCa'],
    check: ({ backendUrl, backendCa }) =>
      when(
        backendCa !== undefined && !(backendUrl ?? '').startsWith('https:'),
        'BACKEND_CA has no effect: BACKEND_URL is not an https URL',
      ),
  },
  {
    severity: 'warning',
    keys: ['backendUrl', 'backendHeaders'],
    check: ({ backendUrl, backendHeaders }) =>
      when(
        backendUrl === undefined && Object.keys(backendHeaders).length > 0,
        'BACKEND_HEADERS has no effect: without BACKEND_URL the embedded simulated controller answers',
      ),
  },
  {
    severity: 'warning',
    keys: ['authTokens', 'tlsCert', 'host'],
    check: ({ authTokens, tlsCert, host }) =>
      when(
        authTokens !== undefined && tlsCert === undefined && !isLoopback(host),
        'AUTH_TOKENS without TLS_CERT: tokens cross the network in clear text',
      ),
  },
  {
    severity: 'warning',
    keys: ['adminHost', 'adminPort'],
    check: ({ adminHost, adminPort }) =>
      when(
        adminPort !== 0 && !isLoopback(adminHost),
        `ADMIN_HOST ${adminHost} is not a loopback address: whoever reaches port ${adminPort} sees sessions and metrics`,
      ),
  },
  {
    severity: 'warning',
    keys: ['trustedProxies'],
    check: ({ trustedProxies }) =>
      when(hasEverybody(trustedProxies), 'TRUSTED_PROXIES holds every address: any client may claim any address'),
  },
  {
    severity: 'warning',
    keys: ['limitsAllow'],
    check: ({ limitsAllow }) =>
      when(hasEverybody(limitsAllow), 'LIMITS_ALLOW holds every address: the limits per address apply to nobody'),
  },
  {
    severity: 'warning',
    keys: ['limitsAllow', 'maxSessionsPerIp', 'maxConnectionsPerSecondPerIp', 'maxCommandsPerSecondPerIp'],
    check: (config) =>
      when(
        config.limitsAllow.length > 0 &&
          config.maxSessionsPerIp + config.maxConnectionsPerSecondPerIp + config.maxCommandsPerSecondPerIp === 0,
        'LIMITS_ALLOW has no effect: no limit per address is set',
      ),
  },
];

/** `unread` are the keys whose own value is at fault already. */
export function crossCheck(
  config: Config,
  unread: ReadonlySet<keyof Config>,
): { faults: string[]; warnings: string[] } {
  const faults: string[] = [];
  const warnings: string[] = [];
  for (const { severity, keys, check } of CHECKS) {
    if (keys.some((key) => unread.has(key))) continue;
    const sentence = check(config);
    if (sentence !== undefined) (severity === 'fault' ? faults : warnings).push(sentence);
  }
  return { faults, warnings };
}
