// The schemas of the commands against the typed tables: the same fields, limits and answers, and no rule without an answer.
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { COMMANDS, CONTROL_METHODS, FIELD_ORDER, MONITOR_METHODS, STOP_TARGETS } from '../../protocol/commands.ts';
import { ERRORS } from '../../protocol/errors.ts';
import { ID_MAX_CODE_POINTS, PERIOD_MAX_MS, PERIOD_MIN_MS } from '../../protocol/limits.ts';
import { PROFILE_CODES } from '../../protocol/profiles.ts';
import { clause, filesBelow, read, table } from './pages.ts';

type Schema = Readonly<Record<string, unknown>>;
type Answers = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

const load = (name: string): Schema => JSON.parse(read(`schemas/commands/${name}.schema.json`)) as Schema;
const properties = (schema: Schema): Record<string, Schema> => schema['properties'] as Record<string, Schema>;
const schemas = Object.fromEntries(COMMANDS.map((name) => [name, load(name.toLowerCase())])) as Record<string, Schema>;
const all: [string, Schema][] = [['envelope', load('envelope')], ...Object.entries(schemas)];

/** Keywords that describe rather than refuse. Everything else can be broken, and so needs an answer. */
const SILENT = new Set(['$comment', '$schema', '$id', 'title', 'properties', 'if', 'then', 'else', 'x-error']);

/** Every subschema whose complaints reach the client: `if` only chooses, so it is left out. */
function subschemas(schema: Schema): Schema[] {
  const inner = [schema['then'], schema['else'], ...Object.values(properties(schema) ?? {})].filter(
    (s) => s !== undefined,
  );
  return [schema, ...inner.flatMap((s) => subschemas(s as Schema))];
}

const named = (schema: Schema): string[] =>
  subschemas(schema).flatMap((s) =>
    Object.values((s['x-error'] ?? {}) as Answers).flatMap((a) => (typeof a === 'string' ? [a] : Object.values(a))),
  );

test('there is one schema per command, and the envelope', () => {
  const files = filesBelow('schemas/commands', ['.json']).map((path) => /(\w+)\.schema\.json$/.exec(path)?.[1]);
  expect(files).toEqual([...COMMANDS.map((name) => name.toLowerCase()), 'envelope'].sort());
});

describe.each(all)('%s', (_name, schema) => {
  test('compiles in the strictest mode of the validator', () => {
    const ajv = new Ajv({ allErrors: true, strict: true, verbose: true });
    ajv.addKeyword('x-error');
    expect(() => ajv.compile(schema)).not.toThrow();
  });

  test('has an answer beside each rule, and no answer without a rule', () => {
    for (const part of subschemas(schema)) {
      const rules = Object.keys(part).filter((keyword) => !SILENT.has(keyword));
      // A type that a `then` repeats for the validator's sake was settled by its `if` and cannot be broken there.
      const settled = part['type'] !== undefined && part['maxLength'] !== undefined ? ['type'] : [];
      const expected = rules.filter((rule) => !settled.includes(rule));
      expect(Object.keys((part['x-error'] ?? {}) as Answers).sort()).toEqual(expected.sort());
    }
  });

  test('has an answer for each required field', () => {
    for (const part of subschemas(schema)) {
      const answers = (part['x-error'] as Answers | undefined)?.['required'] ?? {};
      expect(Object.keys(answers)).toEqual(part['required'] ?? []);
    }
  });

  test('names codes and profile rows that exist', () => {
    const unknown = named(schema).filter((name) => !(name in ERRORS) && !(name in PROFILE_CODES));
    expect(unknown).toEqual([]);
  });
});

test('every profile row about a field stands in a schema, those about activities and bytes in none', () => {
  const used = new Set(all.flatMap(([, schema]) => named(schema)).filter((name) => name in PROFILE_CODES));
  const code = ['urlTooLong', 'monitorActive', 'nothingToStop'];
  expect([...used, ...code].sort()).toEqual(Object.keys(PROFILE_CODES).sort());
});

describe.each(COMMANDS)('%s', (name) => {
  const schema = schemas[name]!;

  test('describes its fields in the order of the checks', () => {
    const withoutToken = FIELD_ORDER[name].filter((field) => field !== 'token');
    expect(Object.keys(properties(schema))).toEqual(withoutToken);
  });

  test('requires what PROTOCOL.md says is required', () => {
    const rows = table(clause(read('protocol/PROTOCOL.md'), 'OS-2.1'), 'Command', 'Field', 'Required');
    const start = rows.findIndex(([command]) => command === name);
    const end = rows.findIndex(([command], at) => at > start && command !== '');
    const mine = rows.slice(start, end < 0 ? undefined : end);
    const required = mine.filter(([, , needed]) => needed === 'yes').map(([, field]) => field!.replaceAll('`', ''));
    expect(schema['required']).toEqual(required);
  });
});

describe('values', () => {
  const field = (command: string, name: string): Schema => properties(schemas[command]!)[name]!;

  test('are those of the typed tables', () => {
    expect(properties(load('envelope'))['cmd']?.['enum']).toEqual([...COMMANDS]);
    expect(field('MONITOR', 'method')['enum']).toEqual([...MONITOR_METHODS]);
    expect(field('CONTROL', 'method')['enum']).toEqual([...CONTROL_METHODS]);
    expect(field('STOP', 'target')['enum']).toEqual([...STOP_TARGETS]);
    expect(field('MONITOR', 'period_ms')).toMatchObject({ minimum: PERIOD_MIN_MS, maximum: PERIOD_MAX_MS });
  });

  test('an id has the same rules in every command [OS-6.1]', () => {
    for (const command of COMMANDS) expect(field(command, 'id')).toEqual(field('STOP', 'id'));
    expect(field('STOP', 'id')['then']).toMatchObject({ maxLength: ID_MAX_CODE_POINTS });
  });

  test('a will has the rules of a CONTROL [OS-6.4]', () => {
    const will = field('HANDSHAKE', 'will');
    const control = schemas['CONTROL']!;
    expect(will['required']).toEqual(control['required']);
    for (const [name, rules] of Object.entries(properties(will))) expect(rules).toEqual(field('CONTROL', name));
    expect(Object.keys(properties(will))).toEqual(['url', 'method', 'args', 'body']);
  });
});
