// The schemas of the commands as functions, and the one translation of a schema's complaint into the documented error code.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { type CommandName, FIELD_ORDER } from '../../protocol/commands.ts';
import { ERRORS, type ErrorCode } from '../../protocol/errors.ts';
import { PROFILE_CODES, type Profile, type ProfileCase } from '../../protocol/profiles.ts';
import control from '../../schemas/commands/control.schema.json' with { type: 'json' };
import envelope from '../../schemas/commands/envelope.schema.json' with { type: 'json' };
import handshake from '../../schemas/commands/handshake.schema.json' with { type: 'json' };
import monitor from '../../schemas/commands/monitor.schema.json' with { type: 'json' };
import stop from '../../schemas/commands/stop.schema.json' with { type: 'json' };

/** One broken rule: the code, its place in the order of checks [OS-2.3], and the sentence. */
export interface Complaint {
  readonly code: ErrorCode;
  readonly order: number;
  readonly message: string;
}

const ajv = new Ajv({ allErrors: true, strict: true, verbose: true, allowMatchingProperties: true });
ajv.addKeyword('x-error');

const PAYLOADS: Record<CommandName, ValidateFunction> = {
  HANDSHAKE: ajv.compile(handshake),
  MONITOR: ajv.compile(monitor),
  CONTROL: ajv.compile(control),
  STOP: ajv.compile(stop),
};
const ENVELOPE = ajv.compile(envelope);

/** Fields inside `will` are checked in the order of CONTROL's. */
const NESTED_ORDER: readonly string[] = FIELD_ORDER.CONTROL;
const NESTING = 100;
const RANKS = 10;
const RANK: Readonly<Record<string, number>> = { required: 0, type: 1 };
/** Rules that are code rather than schema, such as the syntax of `url`, come right behind the field's type. */
const VALUE_RANK = 2;

/** The first complaint about `cmd` and `payload`, or undefined. */
export function checkEnvelope(value: unknown): Complaint | undefined {
  return ENVELOPE(value) ? undefined : first(ENVELOPE.errors, ['cmd', 'payload'], '', 'strict');
}

/** The first complaint of the schema about a payload's fields, or undefined. */
export function checkPayload(name: CommandName, payload: unknown, profile: Profile): Complaint | undefined {
  const validate = PAYLOADS[name];
  return validate(payload) ? undefined : first(validate.errors, FIELD_ORDER[name], 'payload.', profile);
}

/** Where a rule that is code stands in the order of checks: `valueOrder('CONTROL', 'url')`, `valueOrder('HANDSHAKE', 'will', 'url')`. */
export function valueOrder(name: CommandName, field: string, nested?: string): number {
  return orderOf(FIELD_ORDER[name], nested === undefined ? [field] : [field, nested], VALUE_RANK);
}

function orderOf(fields: readonly string[], path: readonly string[], rank: number): number {
  const inner = path[1] === undefined ? 0 : NESTED_ORDER.indexOf(path[1]) + 1;
  return (fields.indexOf(path[0] ?? '') * NESTING + inner) * RANKS + rank;
}

function first(
  errors: ErrorObject[] | null | undefined,
  fields: readonly string[],
  prefix: string,
  profile: Profile,
): Complaint | undefined {
  let found: Complaint | undefined;
  for (const error of errors ?? []) {
    const code = codeOf(error, profile);
    if (code === undefined) continue;
    const path = pathOf(error);
    const order = orderOf(fields, path, RANK[error.keyword] ?? VALUE_RANK);
    if (found === undefined || order < found.order)
      found = { code, order, message: describe(error, prefix + path.join('.')) };
  }
  return found;
}

function pathOf(error: ErrorObject): string[] {
  const path = error.instancePath.split('/').slice(1);
  if (error.keyword === 'required') path.push((error.params as { missingProperty: string }).missingProperty);
  return path;
}

/** The answer that stands beside the broken rule, undefined for rules without one and where the profile does not object [OS-4]. */
function codeOf(error: ErrorObject, profile: Profile): ErrorCode | undefined {
  const answers = (error.parentSchema as { 'x-error'?: Record<string, unknown> } | undefined)?.['x-error'];
  const answer = answers?.[error.keyword];
  const name =
    error.keyword === 'required'
      ? (answer as Record<string, string> | undefined)?.[(error.params as { missingProperty: string }).missingProperty]
      : (answer as string | undefined);
  if (name === undefined) return undefined;
  if (name in PROFILE_CODES) return PROFILE_CODES[name as ProfileCase][profile] ?? undefined;
  if (name in ERRORS) return name as ErrorCode;
  throw new Error(`a schema names the unknown error ${name}`);
}

function describe(error: ErrorObject, field: string): string {
  switch (error.keyword) {
    case 'required':
      return `${field} is missing`;
    case 'type':
      return `${field} must be ${expected(field, error.params['type'] as string)}, not ${found(error)}`;
    case 'enum':
      return `${field} must be one of ${(error.params['allowedValues'] as string[]).join(', ')}, not ${show(error.data)}`;
    case 'maxLength':
      return `${field} must not be longer than ${error.params['limit']} characters`;
    case 'minimum':
    case 'maximum':
      return `${field} is ${show(error.data)}; it must be ${error.params['comparison'] === '>=' ? 'at least' : 'at most'} ${error.params['limit']}`;
    default:
      return `${field} ${error.message ?? 'is not valid'}`;
  }
}

/** Fields that take more than one type say so themselves: the schema's complaint names only the last it tried. */
const SEVERAL_TYPES: Readonly<Record<string, string>> = { id: 'a string or an integer', body: 'an object or an array' };

function expected(field: string, type: string): string {
  return SEVERAL_TYPES[field.slice(field.lastIndexOf('.') + 1)] ?? (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`);
}

/** A number of the wrong type is not shown: for the check it may have been replaced by a more truthful one (integers.ts). */
const found = ({ data, params }: ErrorObject): string =>
  typeof data === 'number' && params['type'] === 'integer' ? 'a number with a fraction' : show(data);

const SHOWN_CHARACTERS = 40;

/** A value for a message, cut short: a client may have put anything there. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value);
  // What stands here for integers beyond any double (integers.ts) is not what was written.
  if (typeof value === 'number' && Math.abs(value) === Number.MAX_VALUE) return 'a number beyond every limit';
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}
