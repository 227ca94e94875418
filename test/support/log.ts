// A log that keeps what was written, so that a test can look at it and a faulty gateway is not silent.
import type { Logger, LogLevel } from '../../src/log.ts';

interface LogEntry {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface MemoryLog extends Logger {
  readonly entries: readonly LogEntry[];
}

const KEPT = 5000;

export function createMemoryLog(bound: Record<string, unknown> = {}, entries: LogEntry[] = []): MemoryLog {
  const at =
    (level: string) =>
    (first: object | string, message = ''): void => {
      if (entries.length >= KEPT) entries.shift();
      const entry =
        typeof first === 'string'
          ? { level, fields: bound, message: first }
          : { level, fields: { ...bound, ...first }, message };
      entries.push(entry);
    };
  return {
    entries,
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (fields: object) => createMemoryLog({ ...bound, ...fields }, entries),
    isLevelEnabled: (level: LogLevel) => level !== 'trace' && level !== 'silent',
  };
}
