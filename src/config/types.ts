// The shape of a checked configuration, apart from the code that reads it, so that any room can name it without loading it.
import type { Profile } from '../../protocol/profiles.ts';
import type { LogLevel } from '../log.ts';

/**
 * Everything the gateway was told at start, checked and deeply frozen.
 * Units stand in the names (…Ms milliseconds, …Bytes bytes). Optional keys are absent when their variable is unset.
 */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly trustedProxies: readonly string[];
  readonly workers: number | 'auto';

  /** Absent: the embedded simulated controller. Otherwise origin and path, without a `/` at its end. */
  readonly backendUrl?: string;
  readonly backendTimeoutMs: number;
  readonly backendConnections: number;
  /** Fixed extra headers, names in lower case; secret. */
  readonly backendHeaders: Readonly<Record<string, string>>;
  readonly backendCa?: string;
  readonly errorCatalogs: readonly string[];

  readonly profile: Profile;
  readonly idleTimeoutMs: number;
  readonly armedTimeoutMs: number;
  readonly stopGraceMs: number;
  readonly drainTimeoutMs: number;
  readonly maxConsecutiveErrors: number;

  readonly rxBufferBytes: number;
  readonly rxDiscardBytes: number;
  readonly txBufferBytes: number;
  readonly maxResultBytes: number;

  readonly monitorSharing: boolean;
  readonly monitorMaxInFlight: number;

  readonly controlQueueDepth: number;
  readonly controlQueueBytes: number;
  readonly controlExclusive: boolean;
  readonly controlExclusiveIdleMs: number;
  /** 0: off. */
  readonly controlBusyPollUs: number;

  readonly maxSessions: number;
  /** 0: no limit. */
  readonly maxSessionsPerIp: number;
  /** 0: off. */
  readonly maxConnectionsPerSecondPerIp: number;
  /** 0: off. */
  readonly maxCommandsPerSecondPerIp: number;
  readonly limitsAllow: readonly string[];
  /** As written (values or a file); secret. */
  readonly authTokens?: string;
  readonly routeRules?: string;

  /** 0: no admin port. */
  readonly adminPort: number;
  readonly adminHost: string;
  readonly logLevel: LogLevel;
}
