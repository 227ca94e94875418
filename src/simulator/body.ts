// Request bodies are hostile until checked: JSON text to an object, and fields to numbers and strings in range.
import { badBody } from './refusal.ts';

/** The fields of a JSON object, nothing assumed about them. */
export type Fields = Readonly<Record<string, unknown>>;

/** The object in `text`; an empty body counts as `{}`, since most commands need no field. Anything else: 400. */
export function parseFields(text: string): Fields {
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badBody('the body is not JSON: send one JSON object');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badBody('the body must be a JSON object');
  }
  return value as Fields;
}

/** A finite number from `min` to `max`; required. */
export function numberField(fields: Fields, name: string, min: number, max: number): number {
  const value = fields[name];
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw badBody(`"${name}" must be a number from ${min} to ${max}`);
}

/** An integer from `min` to `max`, `1.0` included; `fallback` when absent (none: required). */
export function integerField(fields: Fields, name: string, min: number, max: number, fallback?: number): number {
  const value = fields[name];
  if (value === undefined && fallback !== undefined) return fallback;
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw badBody(`"${name}" must be an integer from ${min} to ${max}`);
}

/** A string; required. */
export function stringField(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === 'string') return value;
  throw badBody(`"${name}" must be a string`);
}
