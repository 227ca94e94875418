// The examples: valid ones pass, invalid ones fail, and an invalid command is answered as its file name says in both profiles.
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Ajv, type ErrorObject } from 'ajv';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../protocol/commands.ts';
import { ERRORS } from '../../protocol/errors.ts';
import { EVENTS } from '../../protocol/events.ts';
import { PROFILE_CODES, PROFILES, type Profile, type ProfileCase } from '../../protocol/profiles.ts';
import { parseEnvelope } from '../../src/commands/parse-command.ts';
import { decodeLine } from '../../src/framing/decode-line.ts';
import { filesBelow, ROOT, read } from './pages.ts';

const COMMAND_NAMES = ['envelope', ...COMMANDS.map((name) => name.toLowerCase())];
const NAMES = [...COMMAND_NAMES, ...Object.keys(EVENTS)];
const ajv = new Ajv({ allErrors: true, strict: true, verbose: true });
ajv.addKeyword('x-error');

const validatorOf = (name: string) => {
  const folder = COMMAND_NAMES.includes(name) ? 'commands' : 'events';
  const schema = JSON.parse(read(`schemas/${folder}/${name}.schema.json`)) as { readonly $id: string };
  return ajv.getSchema(schema.$id) ?? ajv.compile(schema);
};

const examples = (name: string, kind: 'valid' | 'invalid'): [string, string][] =>
  filesBelow(`schemas/examples/${name}/${kind}`, ['.json']).map((path) => [basename(path, '.json'), read(path)]);

test('every command and event has a folder of examples, and every folder belongs to a schema', () => {
  const folders = readdirSync(join(ROOT, 'schemas/examples'));
  expect(folders).toEqual(expect.arrayContaining(NAMES));
  const schemas = filesBelow('schemas', ['.schema.json']).map((path) => basename(path, '.schema.json'));
  expect(folders.filter((name) => !schemas.includes(name))).toEqual([]);
});

describe.each(NAMES)('%s', (name) => {
  const validate = validatorOf(name);

  test.each(examples(name, 'valid'))('takes %s', (_file, text) => {
    expect(validate(JSON.parse(text)) ? [] : validate.errors).toEqual([]);
  });

  test.each(examples(name, 'invalid'))('refuses %s', (_file, text) => {
    expect(validate(JSON.parse(text))).toBe(false);
  });
});

/** The names that the broken rules have for their answers. */
const answersOf = (errors: readonly ErrorObject[]): string[] =>
  errors.flatMap((error) => {
    const answer = (error.parentSchema as Record<string, Record<string, unknown>>)['x-error']?.[error.keyword];
    const missing = (error.params as { readonly missingProperty?: string }).missingProperty;
    if (typeof answer === 'string') return [answer];
    return typeof answer === 'object' ? [(answer as Record<string, string>)[missing!]!] : [];
  });

const codeIn = (profile: Profile, name: string): string | null =>
  name in PROFILE_CODES ? PROFILE_CODES[name as ProfileCase][profile] : name;

/** What the gateway's own parser answers to this payload, or null when it takes it. */
function parse(command: string, text: string, profile: Profile): string | null {
  const line = command === 'envelope' ? text : `{"cmd":"${command.toUpperCase()}","payload":${text}}`;
  const decoded = decodeLine(Buffer.from(line.trim()));
  if ('fault' in decoded) return 'invalid_ndjson';
  const envelope = parseEnvelope(decoded, profile);
  if ('code' in envelope) return envelope.code;
  const parsed = command === 'envelope' ? envelope : envelope.parse();
  return 'code' in parsed ? parsed.code : null;
}

describe.each(COMMAND_NAMES)('invalid %s', (command) => {
  const cases = examples(command, 'invalid').map(([file, text]) => [file, file.split('.')[0]!, text] as const);

  test.each(cases)('%s breaks the rule it is named after', (_file, answer, text) => {
    const validate = validatorOf(command);
    validate(JSON.parse(text));
    expect(answersOf(validate.errors ?? [])).toContain(answer);
  });

  test.each(cases)('%s gets the answer it is named after', (_file, answer, text) => {
    for (const profile of PROFILES) {
      const code = codeIn(profile, answer);
      expect(code === null || code in ERRORS).toBe(true);
      expect({ profile, code: parse(command, text, profile) }).toEqual({ profile, code });
    }
  });
});

test('the invalid examples show every answer that the schemas of the commands give', () => {
  const shown = new Set(
    COMMAND_NAMES.flatMap((name) => examples(name, 'invalid').map(([file]) => file.split('.')[0]!)),
  );
  const given = COMMAND_NAMES.flatMap((name) => [
    ...read(`schemas/commands/${name}.schema.json`).matchAll(/"x-error": \{([^}]*\}?[^}]*)\}/g),
  ]).flatMap((match) => [...match[1]!.matchAll(/: "(\w+)"/g)].map((answer) => answer[1]!));
  expect(given.length).toBeGreaterThan(20);
  expect([...new Set(given)].filter((name) => !shown.has(name))).toEqual([]);
});
