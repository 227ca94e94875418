// A bad line has exactly one answer: the first rule it breaks in the contract's order, found here by a second, plain reading of it [OS-2.3].
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CommandName } from '../../protocol/commands.ts';
import { PROFILE_CODES, PROFILES, type Profile, type ProfileCase } from '../../protocol/profiles.ts';
import { parseEnvelope } from '../../src/commands/parse-command.ts';
import { decodeLine } from '../../src/framing/decode-line.ts';

/** What one field may be filled with: the JSON text, and the error it is worth, if any. */
type Filling = readonly [text: string | undefined, worth: ProfileCase | string | undefined];

const good = (...texts: string[]): Filling[] => texts.map((text) => [text, undefined]);
const bad = (worth: string, ...texts: (string | undefined)[]): Filling[] => texts.map((text) => [text, worth]);

const URL_FILLINGS: Filling[] = [
  ...good('"/a"', '"/tasks[0]?x=1"'),
  ...bad('urlMissing', undefined),
  ...bad('urlType', '1', 'null', '["/a"]'),
  ...bad('urlTooLong', `"/${'x'.repeat(2048)}"`, `"${'x'.repeat(3000)}"`),
  ...bad('invalid_url', '"a"', '""', '"/../a"', '"/a b"', '"//a"'),
];
const ARGS: Filling[] = [
  ...good('{}', '{"a":1}'),
  [undefined, undefined],
  ...bad('argsType', '1', 'null', '[]', '"a"'),
  ...bad('invalid_value', '{"a":"\\ud800"}'),
];
const ID: Filling[] = [
  [undefined, undefined],
  ...good('1', '1.0', '-1e3', '9007199254740993', '"x"', `"${'😀'.repeat(64)}"`),
  ...bad('invalid_type', 'null', '1.5', 'true', '[]'),
  ...bad('invalid_value', `"${'x'.repeat(65)}"`),
];
const METHOD = (right: string, wrong: string, ...wrongs: string[]): Filling[] => [
  ...good(right),
  ...bad('methodMissing', undefined),
  ...bad('methodType', '1', 'null'),
  ...bad(wrong, ...wrongs),
];
const BODY: Filling[] = [
  [undefined, undefined],
  ...good('{}', '[1.0]'),
  ...bad('invalid_body', '1', 'null', '"{}"', 'true'),
];

/** Each command's fields in the order of their checks, written down once more. */
const FIELDS: Record<CommandName, Record<string, Filling[]>> = {
  HANDSHAKE: {
    major: [
      ...good('1', '1.0', '0', '1e2'),
      ...bad('majorMissing', undefined),
      ...bad('majorType', '"1"', 'null', '1.5', '1.0000000000000000001'),
      ...bad('majorNegative', '-1', '-1e99'),
    ],
    id: ID,
    token: [[undefined, undefined], ...good('"t"', 'null', '5')],
    will: [
      [undefined, undefined],
      ...good('{"url":"/w","method":"POST"}', '{"url":"/w","method":"PUT","args":{"a":1},"body":[]}'),
      ...bad('invalid_type', 'null', '[]', '"w"'),
      ...bad('urlMissing', '{}', '{"method":"GET"}'),
      ...bad('urlType', '{"url":1,"method":"GET"}'),
      ...bad('invalid_url', '{"url":"w"}'),
      ...bad('methodMissing', '{"url":"/w","args":1}'),
      ...bad('methodType', '{"url":"/w","method":1}'),
      ...bad('controlMethod', '{"url":"/w","method":"GET","args":1,"body":1}'),
      ...bad('argsType', '{"url":"/w","method":"POST","args":[],"body":1}'),
      ...bad('invalid_value', '{"url":"/w","method":"POST","args":{"a":"\\ud800"},"body":1}'),
      ...bad('invalid_body', '{"url":"/w","method":"POST","body":null}'),
    ],
  },
  MONITOR: {
    url: URL_FILLINGS,
    method: METHOD('"GET"', 'invalid_method', '"POST"', '"get"', '""'),
    period_ms: [
      ...good('2', '30000', '1e3', '10.0'),
      ...bad('periodMissing', undefined),
      ...bad('periodType', '"10"', 'null', '10.5'),
      ...bad('periodRange', '1', '30001', '-5', '1e400', '99999999999999999999'),
    ],
    args: ARGS,
    id: ID,
  },
  CONTROL: {
    url: URL_FILLINGS,
    method: METHOD('"PUT"', 'controlMethod', '"GET"', '"PATCH"', '""'),
    args: ARGS,
    body: BODY,
    id: ID,
    ack: [[undefined, undefined], ...good('true', 'false'), ...bad('invalid_type', 'null', '1', '"true"')],
  },
  STOP: {
    target: [
      ...good('"monitor"', '"session"'),
      ...bad('targetMissing', undefined),
      ...bad('targetType', '1', 'null'),
      ...bad('invalid_target', '"all"', '""'),
    ],
    id: ID,
  },
};

/** The code that a filling is worth in a profile; undefined where that profile does not object. */
function codeOf(worth: string, profile: Profile): string | undefined {
  if (!(worth in PROFILE_CODES)) return worth;
  return PROFILE_CODES[worth as ProfileCase][profile] ?? undefined;
}

/** Code and message of the refusal, or the name of the command that was parsed. */
function answer(text: string, profile: Profile): { code?: string; message?: string; name?: string } {
  const line = decodeLine(Buffer.from(text));
  if ('fault' in line) throw new Error(line.fault);
  const envelope = parseEnvelope(line, profile);
  return 'code' in envelope ? envelope : envelope.parse();
}

const filled = fc.constantFrom<CommandName>('HANDSHAKE', 'MONITOR', 'CONTROL', 'STOP').chain((name) => {
  const entries = Object.entries(FIELDS[name]);
  return fc.record({
    name: fc.constant(name),
    profile: fc.constantFrom(...PROFILES),
    fields: fc.tuple(
      // Half of the time a field is sound, so that those behind it matter.
      ...entries.map(([field, fillings]) =>
        fc
          .oneof(fc.constantFrom(...fillings.filter(([, worth]) => worth === undefined)), fc.constantFrom(...fillings))
          .map(([text, worth]) => ({ field, text, worth })),
      ),
    ),
    order: fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
    strangers: fc.constantFrom('', '"minor":0,', '"__proto__":{"url":"/x"},"zzz":[{}],'),
  });
});

describe('[OS-2.3] payload fields', () => {
  test('the first that is broken, in the order of the table, is the one answer', () => {
    const met = new Set<string>();
    fc.assert(
      fc.property(filled, ({ name, profile, fields, order, strangers }) => {
        const written = fields
          .filter(({ text }) => text !== undefined)
          .map((field, i) => ({ ...field, place: order[i % order.length]! }))
          .sort((a, b) => a.place - b.place);
        const members = written.map(({ field, text }) => `"${field}":${text}`).join(',');
        const payload = `{${strangers}${members}}`.replace(',}', '}');
        const first = fields
          .map(({ field, worth }) => ({ field, code: worth === undefined ? undefined : codeOf(worth, profile) }))
          .find(({ code }) => code !== undefined);
        const got = answer(`{"payload":${payload},"cmd":"${name}"}`, profile);
        if (first) {
          met.add(`${profile} ${first.code}`);
          expect(got.code).toBe(first.code);
          expect(got.message).toContain(`payload.${first.field}`);
        } else expect(got.name).toBe(name);
      }),
      { numRuns: 6000 },
    );
    const worths = Object.values(FIELDS).flatMap((fields) =>
      Object.values(fields).flatMap((fillings) => fillings.map(([, worth]) => worth)),
    );
    for (const profile of PROFILES)
      for (const worth of new Set(worths)) {
        const code = worth === undefined ? undefined : codeOf(worth, profile);
        if (code !== undefined)
          expect(met, `${code} in ${profile} was never the first`).toContain(`${profile} ${code}`);
      }
  });
});

describe('[OS-2.3] cmd and payload', () => {
  test.each([
    ['{}', 'missing_field', 'cmd'],
    ['{"payload":5}', 'missing_field', 'cmd'],
    ['{"cmd":null}', 'invalid_type', 'cmd'],
    ['{"cmd":5,"payload":5}', 'invalid_type', 'cmd'],
    ['{"cmd":"x","payload":5}', 'invalid_cmd', 'cmd'],
    ['{"cmd":"stop"}', 'invalid_cmd', 'cmd'],
    ['{"cmd":"STOP"}', 'missing_field', 'payload'],
    ['{"cmd":"STOP","payload":null}', 'invalid_payload', 'payload'],
    ['{"cmd":"STOP","payload":[]}', 'invalid_payload', 'payload'],
    ['{"__proto__":{"cmd":"STOP","payload":{}}}', 'missing_field', 'cmd'],
    ['{"cmd":"STOP","payload":{"__proto__":{"target":"session"}}}', 'missing_field', 'target'],
  ])('%s', (text, code, field) => {
    const got = answer(text, 'strict');
    expect(got.code).toBe(code);
    expect(got.message).toContain(field);
  });

  test('[OS-6.1] an id is told from invalid_cmd on, as it was written, when it is one', () => {
    const id = (text: string): string | undefined => (answer(text, 'strict') as { id?: string }).id;
    expect(id('{"cmd":"x","payload":{"id":1.0}}')).toBe('1.0');
    expect(id('{"cmd":"x","payload":{"id":"\\u0061"}}')).toBe('"\\u0061"');
    expect(id('{"cmd":"x","payload":{"id":1.5}}')).toBeUndefined();
    expect(id('{"cmd":"x","payload":{"id":"y","id":7}}')).toBe('7');
    expect(id(`{"cmd":"x","payload":{"id":"${'😀'.repeat(64)}"}}`)).toBe(`"${'😀'.repeat(64)}"`);
    expect(id(`{"cmd":"x","payload":{"id":"${'a'.repeat(65)}"}}`)).toBeUndefined();
    expect(id('{"cmd":5,"payload":{"id":1}}')).toBeUndefined();
    expect(id('{"payload":{"id":1}}')).toBeUndefined();
    expect(id('{"cmd":"STOP","payload":{"id":3}}')).toBe('3');
  });

  test('of equal names the last one counts, for values and for their raw text alike', () => {
    const text =
      '{"cmd":"X","cmd":"CONTROL","payload":1,"payload":{"url":"bad","url":"/u","method":"POST","body":5,"body":[1.0]}}';
    expect(answer(text, 'strict')).toMatchObject({ name: 'CONTROL', relay: { path: '/u', body: '[1.0]' } });
  });
});

describe('[OS-4] the vendor profile', () => {
  test('MONITOR with stop is STOP monitor, whatever else it has', () => {
    const text = '{"cmd":"MONITOR","payload":{"stop":true,"id":4}}';
    expect(answer(text, 'vendor')).toEqual({ name: 'STOP', target: 'monitor', id: '4' });
    expect(answer(text, 'strict').code).toBe('missing_field');
    expect(answer('{"cmd":"MONITOR","payload":{"stop":1}}', 'vendor').code).toBe('missing_url');
  });

  test.each([
    ['1', 2],
    ['-1e400', 2],
    ['30001', 30_000],
    ['1e400', 30_000],
  ])('period_ms %s becomes %d', (text, periodMs) => {
    const line = `{"cmd":"MONITOR","payload":{"url":"/a","method":"GET","period_ms":${text}}}`;
    expect(answer(line, 'vendor')).toMatchObject({ periodMs, clamped: true });
  });
});
