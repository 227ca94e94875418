// What a kind of setting is: how its text is read, what is said about it, and what may be shown of it.

export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

/** One kind of value. Reading is pure and never throws; `why` names what is wrong without repeating a secret. */
export interface Spec<T> {
  /** For people: `integer`, `URL`, `file path`… */
  readonly type: string;
  readonly unit?: string;
  /** What is allowed, for people: `0 to 65535`. */
  readonly allowed: string;
  /** The value as `--check-config` prints it, in JSON Schema. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** The value of an unset variable that has no default; absent: the key is absent. */
  readonly empty?: T;
  readonly secret?: true;
  read(text: string): Read<T>;
  /** The value as it may be printed: in the words of the variable, secrets blanked. */
  print(value: T): unknown;
  /** The text found, as it may be shown in a fault. */
  mask(text: string): string;
}

export const MASK = '***';

export function good<T>(value: T): Read<T> {
  return { ok: true, value };
}

export function bad(why: string): { readonly ok: false; readonly why: string } {
  return { ok: false, why };
}

/** Says how long a secret is, which is enough to see that the right one was meant. */
export function maskSecret(text: string): string {
  return `a secret of ${text.length} characters, not shown`;
}

export function showText(text: string): string {
  return text;
}

export function asIs(value: unknown): unknown {
  return value;
}
