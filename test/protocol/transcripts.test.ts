// The golden conversations as text: each can be read, is valid by the schemas, and together they reach every code and event.
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../protocol/commands.ts';
import { ERRORS } from '../../protocol/errors.ts';
import { EVENTS } from '../../protocol/events.ts';
import { PROFILE_CODES, PROFILES, type Profile } from '../../protocol/profiles.ts';
import { filesBelow, quoted, read, table, tags } from './pages.ts';
import { parseTranscript, type Transcript } from './transcript.ts';
import { difference, sample } from './wire-match.ts';

const all = filesBelow('protocol/transcripts', ['.wire']).map((path) => [path, parseTranscript(read(path))] as const);
const ajv = new Ajv({ strict: true });
const validators = new Map(
  Object.keys(EVENTS).map((name) => [name, ajv.compile(JSON.parse(read(`schemas/events/${name}.schema.json`)))]),
);
type Line = Readonly<Record<string, unknown>>;
const events = (transcript: Transcript): Line[] =>
  transcript.steps.flatMap((step) => (step.kind === 'receive' ? [JSON.parse(sample(step.text)) as Line] : []));
const nameOf = (line: Line): string => (typeof line['type'] === 'string' ? line['type'] : 'error');

describe.each(all)('%s', (_path, transcript) => {
  test('names the clause it shows', () => {
    expect(tags(transcript.title).length).toBeGreaterThan(0);
  });

  test('has only lines of the server that its schemas allow', () => {
    for (const line of events(transcript)) {
      const validate = validators.get(nameOf(line))!;
      expect({ line, errors: validate(line) ? [] : validate.errors }).toEqual({ line, errors: [] });
    }
  });

  test('ends when a line says that it is fatal', () => {
    transcript.steps.forEach((step, at) => {
      if (step.kind !== 'receive' || JSON.parse(sample(step.text)).fatal !== true) return;
      expect(transcript.steps[at + 1]?.kind).toBe('closed');
    });
  });
});

/** Codes that the other profile has an answer of its own for, or none at all. */
const strictOnly = Object.values(PROFILE_CODES)
  .filter(({ strict, vendor }) => vendor === null && strict !== 'invalid_period')
  .map(({ strict }): string => strict);
const codesOf = (profile: Profile): string[] =>
  Object.entries(ERRORS)
    .filter(([code, row]) =>
      profile === 'strict'
        ? row.profile !== 'vendor'
        : ![...strictOnly, 'method_not_allowed', 'control_err'].includes(code),
    )
    .map(([code]) => code);

describe.each(PROFILES)('the transcripts of %s', (profile) => {
  const mine = all.map(([, transcript]) => transcript).filter(({ profiles }) => profiles.includes(profile));
  const lines = mine.flatMap(events);

  test('reach every error code of the profile and no other', () => {
    const reached = new Set(lines.flatMap((line) => (line['error'] === undefined ? [] : [line['error'] as string])));
    expect([...reached].sort()).toEqual(codesOf(profile).sort());
  });

  test('reach every event', () => {
    expect([...new Set(lines.map(nameOf))].sort()).toEqual(Object.keys(EVENTS).sort());
  });

  test('send every command', () => {
    const sent = mine.flatMap(({ steps }) => steps.flatMap((step) => (step.kind === 'send' ? String(step.bytes) : [])));
    for (const command of COMMANDS) expect(sent.some((line) => line.includes(`{"cmd":"${command}"`))).toBe(true);
  });
});

describe('the notation', () => {
  const parse = (...lines: string[]) => parseTranscript(['# [OS-1] title', '! profiles strict', ...lines].join('\n'));

  test('is described completely', () => {
    const page = read('protocol/transcripts/README.md');
    const heads = ['What else happens', 'Header', "The client's lines", "The server's lines"];
    const parts = heads.map((head) => page.slice(page.indexOf(`## ${head}`)));
    for (const [line] of table(parts[0]!, 'Line', 'Meaning')) expect(() => parse(quoted(line!)[0]!)).not.toThrow();
    for (const [line] of table(parts[1]!, 'Line', 'Meaning'))
      expect(() => parse(quoted(line!)[0]!, '> {}')).not.toThrow();
    for (const [mark] of table(parts[2]!, 'Mark', 'Meaning')) {
      const [step] = parse(`> ${quoted(mark!)[0]!}`).steps;
      expect(step?.kind === 'send' && String(step.bytes)).not.toContain('<');
    }
    for (const [mark] of table(parts[3]!, 'Mark', 'Meaning'))
      expect(() => JSON.parse(sample(`{"a":${quoted(mark!)[0]!}}`))).not.toThrow();
  });

  test('turns the marks of the client into bytes', () => {
    const [step] = parse('> a<bytes EF BB BF>b<3 times xy>c<no newline>').steps;
    expect(step).toMatchObject({ kind: 'send', bytes: Buffer.from('a\ufeffbxyxyxyc'), line: 3 });
  });

  test.each([
    ['a line without a mark', 'hello'],
    ['a mark without a space', '>x'],
    ['an unknown mark', '% x'],
    ['a server line that is no object', '< hello'],
    ['an unknown happening', '~ the moon rises'],
    ['an unknown header', '! backed GET / => 200'],
    ['an unknown profile', '! profiles lax'],
    ['a setting without a value', '! set PORT'],
  ])('refuses %s and names its line', (_name, line) => {
    expect(() => parse(line)).toThrow(/^line 3: /);
  });

  test('refuses a header after the conversation began, a file without title, profile or conversation', () => {
    expect(() => parse('> {}', '! simulator')).toThrow(/^line 4: /);
    expect(() => parse('! simulator', '! backend none')).toThrow(/^line 4: /);
    expect(() => parseTranscript('> {}')).toThrow(/^line 1: /);
    expect(() => parseTranscript('# title\n> {}')).toThrow(/profile/);
    expect(() => parse()).toThrow(/conversation/);
  });
});

describe('comparing lines', () => {
  test.each([
    ['the same members in another order', '{"a":1,"b":"x"}', '{"b":"x","a":1}'],
    ['a number', '{"ts":<number>}', '{"ts":1700000000000.25}'],
    ['a text', '{"message":<text>}', '{"message":"say \\"no\\", please"}'],
    ['a text with a word in it', '{"message":<text naming url>}', '{"message":"payload.url \\"x\\" is wrong"}'],
    ['a mark inside of a value', '{"result":{"val":<number>,"l":[<text>]}}', '{"result":{"val":-1e-3,"l":["a"]}}'],
    ['a hint that is not written', '{"error":"x"}', '{"error":"x","hint":"do"}'],
  ])('takes %s', (_name, expected, actual) => {
    expect(difference(expected, actual)).toBeUndefined();
  });

  test.each([
    ['another spelling of a number', '{"a":1.0}', '{"a":1}'],
    ['a member too few', '{"a":1,"b":2}', '{"a":1}'],
    ['a member too many', '{"a":1}', '{"a":1,"b":2}'],
    ['a text in place of a number', '{"a":<number>}', '{"a":"1"}'],
    ['an empty text', '{"a":<text>}', '{"a":""}'],
    ['a text without the word', '{"a":<text naming url>,"b":"url"}', '{"a":"wrong","b":"url"}'],
    ['a hint other than the one written', '{"hint":"a"}', '{"hint":"b"}'],
  ])('refuses %s', (_name, expected, actual) => {
    expect(difference(expected, actual)).toBeTypeOf('string');
  });
});
