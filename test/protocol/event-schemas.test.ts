// The schemas of the events against the typed tables: one per event, closed, and in agreement on what may be fatal.
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { STOP_TARGETS } from '../../protocol/commands.ts';
import { ERRORS, type ErrorCode } from '../../protocol/errors.ts';
import { EVENTS } from '../../protocol/events.ts';
import { ID_MAX_CODE_POINTS } from '../../protocol/limits.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import { filesBelow, read } from './pages.ts';

type Schema = Readonly<Record<string, unknown>>;

const names = Object.keys(EVENTS);
const load = (name: string): Schema => JSON.parse(read(`schemas/events/${name}.schema.json`)) as Schema;
const compile = (name: string) => new Ajv({ allErrors: true, strict: true }).compile(load(name));

/** Every subschema that says which members an object has. */
function closedOrNot(schema: unknown): Schema[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const inner = Object.values(schema).flatMap(closedOrNot);
  const own = schema as Schema;
  return own['type'] === 'object' && own['properties'] !== undefined ? [own, ...inner] : inner;
}

test('there is one schema per event and no other', () => {
  const files = filesBelow('schemas/events', ['.json']).map((path) => /(\w+)\.schema\.json$/.exec(path)?.[1]);
  expect(files).toEqual([...names].sort());
});

describe.each(names)('%s', (name) => {
  test('compiles in the strictest mode of the validator', () => {
    expect(() => compile(name)).not.toThrow();
  });

  test('takes no member that it does not name', () => {
    const objects = closedOrNot(load(name));
    expect(objects.length).toBeGreaterThan(0);
    for (const object of objects) expect(object['additionalProperties']).toBe(false);
  });

  test('has a type of its own, and an error only when it is a failure [OS-2.2]', () => {
    for (const object of closedOrNot(load(name))) {
      const members = object['properties'] as Record<string, Schema>;
      if (members['group']) continue; // a part of the cause of a failure, no event of its own
      if (name !== 'error') expect(members['type']).toEqual({ const: name });
      if ('type' in members && 'error' in members) expect(name).toBe('control_err');
    }
  });
});

test('the version is the one this server announces', () => {
  expect(compile('handshake_ack')({ type: 'handshake_ack', ok: true, version: PROTOCOL_VERSION })).toBe(true);
});

test('stop_ack takes the targets of STOP', () => {
  const members = load('stop_ack')['properties'] as Record<string, Schema>;
  expect(members['target']?.['enum']).toEqual([...STOP_TARGETS]);
});

test('an id has the same rules in every event [OS-6.1]', () => {
  const ids = names.flatMap((name) =>
    closedOrNot(load(name)).flatMap((object): Schema[] => {
      const id = (object['properties'] as Record<string, Schema>)['id'];
      return id === undefined ? [] : [id];
    }),
  );
  expect(ids.length).toBeGreaterThan(6);
  for (const id of ids) expect(id).toEqual(ids[0]);
  expect(ids[0]?.['then']).toMatchObject({ maxLength: ID_MAX_CODE_POINTS });
});

describe('[OS-5] the bare error', () => {
  const validate = compile('error');
  const codes = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => code !== 'control_err');
  const line = (code: ErrorCode, more: object = {}): object => ({
    error: code,
    message: 'what went wrong',
    ...(code === 'monitor_internal_error' ? { failures: 1 } : {}),
    ...more,
  });

  test('knows each code but control_err, which has a type', () => {
    const members = load('error')['properties'] as Record<string, Schema>;
    expect(members['error']?.['enum']).toEqual(codes);
  });

  test.each(codes)('%s is fatal only where the table allows it', (code) => {
    const row = ERRORS[code];
    expect(validate(line(code))).toBe(row.fatal !== 'always');
    expect(validate(line(code, { fatal: true }))).toBe(row.fatal !== 'never' || row.malformed);
  });

  test.each(codes)('%s has the status of a backend only when a poll failed', (code) => {
    const fatal = ERRORS[code].fatal === 'always' ? { fatal: true } : {};
    expect(validate(line(code, fatal))).toBe(true);
    expect(validate(line(code, { ...fatal, status: 500 }))).toBe(code === 'monitor_internal_error');
  });
});
