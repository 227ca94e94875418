// Small tools for writing down servers that are wrong in one way.
import type { Json } from './match.ts';
import type { Everyone, Mutation } from './mutant-proxies.ts';

export interface Mutant extends Mutation {
  readonly name: string;
  /** Ids of checks that must fail against it. */
  readonly caught: readonly string[];
}

/** Line by line on parsed JSON; `undefined` keeps the line, text replaces it (with its newline, or nothing at all). */
export const lines =
  (change: (line: Json, text: string, everyone: Everyone) => string | undefined) =>
  (everyone: Everyone) =>
  (text: string): string =>
    change(JSON.parse(text) as Json, text, everyone) ?? `${text}\n`;

export const reprint = (line: Json, changes: Json) => `${JSON.stringify({ ...line, ...changes })}\n`;

/** Whole lines of what the client sends, rewritten one by one. */
export const commands = (change: (line: string) => string) => () => {
  let rest = '';
  return (segment: Buffer): Buffer => {
    const parts = (rest + segment.toString('latin1')).split('\n');
    rest = parts.pop() ?? '';
    return Buffer.from(parts.map((line) => `${change(line)}\n`).join(''), 'latin1');
  };
};

export const set =
  (name: string, change: (value: string | undefined) => string | undefined) =>
  (env: Readonly<Record<string, string>>) => {
    const value = change(env[name]);
    const others = Object.fromEntries(Object.entries(env).filter(([key]) => key !== name));
    return value === undefined ? others : { ...others, [name]: value };
  };

export const plusOne = (fallback: string) => (value: string | undefined) => String(Number(value ?? fallback) + 1);

/** As a gateway does that parses and prints again. */
export const renumber = (text: string): string => {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
};
