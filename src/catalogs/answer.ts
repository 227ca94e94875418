// A backend's answer as the rules look at it: parsed once, bounded, and only as far as a rule asks.
import { textsOf } from './pointer.ts';

/** A longer body is not looked at: no documented error comes near it, and reading a hostile one takes time that polls need. */
export const MAX_BODY_BYTES = 65_536;

export interface Answer {
  /** HTTP status. */
  readonly status: number;
  /** The body when it is a JSON object. */
  readonly json: object | undefined;
  /** All texts of the object, or the body itself when it is plain text. Collected on first use. */
  readonly texts: () => readonly string[];
}

/** Undefined when there is nothing a rule could look at: no body, too long a body, a success that says so, JSON that is no object. */
export function readAnswer(status: number, body: Buffer | undefined): Answer | undefined {
  if (body === undefined || body.length === 0 || body.length > MAX_BODY_BYTES) return undefined;
  let text = body.toString('utf8');
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: a plain text, as some servers send.
    value = text;
  }
  if (typeof value === 'string') return value.trim() === '' ? undefined : plainText(status, value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // What calls itself a success is no error, whatever else it carries.
  if (Object.hasOwn(value, 'success') && (value as { success: unknown }).success === true) return undefined;
  return jsonObject(status, value);
}

function plainText(status: number, text: string): Answer {
  const texts = [text];
  return { status, json: undefined, texts: () => texts };
}

function jsonObject(status: number, json: object): Answer {
  let texts: string[] | undefined;
  return { status, json, texts: () => (texts ??= textsOf(json)) };
}
