// The only owner of pino: every other room writes through the narrow Logger below.

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

interface LogMethod {
  (fields: object, message?: string): void;
  (message: string): void;
}

/** What other rooms may do with the log. `child` adds fields to every line. */
export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
  child(fields: object): Logger;
  isLevelEnabled(level: LogLevel): boolean;
}
