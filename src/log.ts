// The only owner of pino: every other room writes through the narrow Logger below and shows hostile text through clip().
import { type DestinationStream, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';

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

interface LoggerOptions {
  readonly level: LogLevel;
  /** Readable lines instead of JSON; meant for `process.stdout.isTTY === true`. */
  readonly pretty: boolean;
  /** Where finished lines go; standard output when absent. */
  readonly destination?: DestinationStream;
}

/** How many characters of lines may wait while standard output takes nothing (a full disk); what exceeds it is dropped. */
const MAX_WAITING = 1_048_576;

const SECRET_NAMES = [
  'token',
  'tokens',
  'authTokens',
  'AUTH_TOKENS',
  'authorization',
  'Authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'headers',
  'backendHeaders',
  'BACKEND_HEADERS',
  'password',
  'secret',
];

/** The last line of defence: callers do not log secrets, and when one does, these fields are blanked three levels deep. */
const REDACTED_PATHS = ['', '*.', '*.*.'].flatMap((prefix) =>
  SECRET_NAMES.map((name) => {
    const plain = /^\w+$/.test(name);
    if (plain) return `${prefix}${name}`;
    return `${prefix.slice(0, -1)}["${name}"]`;
  }),
);

/**
 * A logger that writes one JSON object per line, or readable text for a terminal, each with an ISO time.
 * Writing is synchronous, so nothing is lost when the process exits. A reader that went away (EPIPE) or a full disk
 * never stops the process.
 */
export function createLogger(options: LoggerOptions): Logger {
  const out = options.destination ?? standardOutput();
  return pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    },
    options.pretty ? prettyStream(out) : out,
  );
}

function standardOutput(): DestinationStream {
  const out = pino.destination({ dest: 1, sync: true, maxLength: MAX_WAITING });
  out.on('error', () => {});
  return out;
}

/** In this process, not in a worker thread: one process stays one process, and a bundle needs no second entry file. */
function prettyStream(out: DestinationStream): DestinationStream {
  const format = prettyFactory({
    colorize: process.stdout.isTTY === true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid',
    singleLine: true,
    // One line per message: a line break inside it could pass for a line of ours.
    messageFormat: (log, messageKey) => visible(String(log[messageKey] ?? '')),
  });
  return { write: (line) => out.write(format(escapedForTerminal(line))) };
}

/** Makes control characters inside a line of JSON stay text after it is parsed and printed on a terminal. */
function escapedForTerminal(json: string): string {
  const escaped = json.trimEnd().replace(/\\(?:u00([01][0-9a-f])|.)/g, (whole, hex: string | undefined) => {
    if (hex !== undefined) return `\\\\x${hex}`;
    return '"\\/nt'.includes(whole[1]!) ? whole : `\\${whole}`;
  });
  return `${visible(escaped, '\\\\')}\n`;
}

/** Only these fields of an error: libraries hang requests, with their headers, on the errors they throw. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const code = (error as { code?: unknown }).code;
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth >= 3 ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** Control and format characters (bidirectional overrides, zero-width ones), line separators, lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

function visible(text: string, backslash = '\\'): string {
  return text.replace(INVISIBLE, (character) => backslash + escapeOf(character));
}

function escapeOf(character: string): string {
  if (character === '\n') return 'n';
  if (character === '\r') return 'r';
  if (character === '\t') return 't';
  const hex = character.codePointAt(0)!.toString(16);
  if (hex.length <= 2) return `x${hex.padStart(2, '0')}`;
  return hex.length <= 4 ? `u${hex.padStart(4, '0')}` : `u{${hex}}`;
}

/** A member whose name is `token`, however its letters are escaped, with its value up to where the text ends. */
const TOKEN_MEMBER = new RegExp(
  `(["']?${[...'token'].map(orEscaped).join('')}\\w{0,8}["']?\\s*[:=]\\s*)("(?:[^"\\\\]|\\\\.)*(?:"|\\\\?$)|[[{][^\\]}]*[\\]}]?|[^,}\\s]+)`,
  'gis',
);

function orEscaped(letter: string): string {
  const hex = (character: string): string => character.charCodeAt(0).toString(16);
  return `(?:${letter}|\\\\u00(?:${hex(letter)}|${hex(letter.toUpperCase())}))`;
}

/**
 * Text from outside, fit for one line of a log or a message: at most `max` UTF-16 units of it (default 256; what was cut
 * is counted), control and format characters as escapes (`\x1b`, `\r`, `\u2028`), the values of `token` members blanked.
 */
export function clip(text: string | Uint8Array, max = 256): string {
  // A UTF-16 unit takes at most three bytes, so this prefix is enough and a huge line costs no more than a short one.
  const head =
    typeof text === 'string'
      ? text
      : Buffer.from(text.buffer, text.byteOffset, text.length).toString('utf8', 0, max * 3 + 3);
  const kept = endsInsideSurrogatePair(head, max) ? head.slice(0, max - 1) : head.slice(0, max);
  const shown = visible(kept.replace(TOKEN_MEMBER, '$1"***"'));
  if (typeof text === 'string') {
    return kept.length < text.length ? `${shown}… (+${text.length - kept.length} characters)` : shown;
  }
  const left = text.length - Buffer.byteLength(kept);
  return kept.length < head.length || left > 0 ? `${shown}… (of ${text.length} bytes)` : shown;
}

function endsInsideSurrogatePair(text: string, end: number): boolean {
  return end > 0 && end < text.length && /[\ud800-\udbff]/.test(text[end - 1]!) && /[\udc00-\udfff]/.test(text[end]!);
}

export interface RepeatGuardOptions {
  /** One report per key and this many milliseconds; default 10000. */
  readonly intervalMs?: number;
  /** Faults told apart at once; default 1000. Further ones share one entry, so hostile keys neither grow the table nor flood the log. */
  readonly maxKeys?: number;
  /** Milliseconds on any monotonic clock. */
  readonly now?: () => number;
}

interface Repeated {
  since: number;
  suppressed: number;
}

/** Decides whether a fault that may come a thousand times a second is worth a line. */
export class RepeatGuard {
  readonly #intervalMs: number;
  readonly #maxKeys: number;
  readonly #now: () => number;
  /** In the order of the last report, so the entry that may be forgotten first stands first. */
  readonly #entries = new Map<string, Repeated>();
  readonly #others: Repeated = { since: Number.NEGATIVE_INFINITY, suppressed: 0 };

  constructor(options: RepeatGuardOptions = {}) {
    this.#intervalMs = options.intervalMs ?? 10_000;
    this.#maxKeys = options.maxKeys ?? 1000;
    this.#now = options.now ?? (() => performance.now());
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** Undefined: stay silent. Otherwise report it; `repeated` counts how often it stayed silent since the report before. */
  admit(key: string): { readonly repeated: number } | undefined {
    const now = this.#now();
    const known = this.#entries.get(key);
    if (known !== undefined) return this.#tick(known, now, () => this.#remember(key, known));
    this.#forgetOldest(now);
    if (this.#entries.size >= this.#maxKeys) return this.#tick(this.#others, now, () => {});
    this.#remember(key, { since: now, suppressed: 0 });
    return { repeated: 0 };
  }

  #tick(entry: Repeated, now: number, reported: () => void): { repeated: number } | undefined {
    if (now - entry.since < this.#intervalMs) {
      entry.suppressed += 1;
      return undefined;
    }
    const repeated = entry.suppressed;
    entry.since = now;
    entry.suppressed = 0;
    reported();
    return { repeated };
  }

  #remember(key: string, entry: Repeated): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  /** Expired entries with nothing to tell go; one with a count moves it to the shared entry, so the count is told yet. */
  #forgetOldest(now: number): void {
    if (this.#entries.size < this.#maxKeys) return;
    for (const [key, entry] of this.#entries) {
      if (now - entry.since < this.#intervalMs) return;
      this.#others.suppressed += entry.suppressed;
      this.#entries.delete(key);
    }
  }
}

/** The level's method of `log`, guarded: the same `key` gives one line per interval, with `repeated` when some were left out. */
export function limited(log: Logger, options: RepeatGuardOptions = {}) {
  const guard = new RepeatGuard(options);
  return (level: 'debug' | 'info' | 'warn' | 'error', key: string, fields: object, message: string): void => {
    if (!log.isLevelEnabled(level)) return;
    const admitted = guard.admit(key);
    if (admitted === undefined) return;
    log[level](admitted.repeated > 0 ? { ...fields, repeated: admitted.repeated } : fields, message);
  };
}
