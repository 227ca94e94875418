// The faults a line can have, field by field in the order of section 2, and the one code each of them is answered by.
import { PROFILE_CODES, type Profile, type ProfileCase } from '../../protocol/profiles.ts';

/** A code, or the row of the profile table that decides it. */
type Expected = { readonly code: string } | { readonly row: ProfileCase };

const code = (name: string): Expected => ({ code: name });
const row = (name: ProfileCase): Expected => ({ row: name });

/** undefined: this profile does not call it a fault. */
function codeIn(expected: Expected, profile: Profile): string | undefined {
  return 'code' in expected ? expected.code : (PROFILE_CODES[expected.row][profile] ?? undefined);
}

/** One thing wrong with a field: raw JSON text, or undefined when the field is left out. */
interface Fault {
  readonly json: string | undefined;
  readonly expected: Expected;
}

interface Field {
  readonly name: string;
  /** Raw JSON of a good value; undefined when the field is optional and stays away. */
  readonly good: string | undefined;
  readonly faults: readonly Fault[];
}

const faults = (expected: Expected, ...values: (string | undefined)[]): Fault[] =>
  values.map((json) => ({ json, expected }));

const quoted = (text: string) => JSON.stringify(text);

const id: Field = {
  name: 'id',
  good: undefined,
  faults: [
    ...faults(code('invalid_type'), 'null', 'true', '1.5', '{}', '[]', '1e-1'),
    ...faults(code('invalid_value'), quoted('x'.repeat(65)), quoted('🤖'.repeat(65))),
  ],
};

const url: Field = {
  name: 'url',
  good: '"/ok"',
  faults: [
    ...faults(row('urlMissing'), undefined),
    ...faults(row('urlType'), 'null', '5', '{}', '["/a"]', 'false'),
    ...faults(
      row('urlTooLong'),
      quoted(`/${'x'.repeat(2048)}`),
      quoted(`/${'é'.repeat(1024)}`),
      quoted('x'.repeat(2049)),
    ),
    ...faults(
      code('invalid_url'),
      ...[
        '',
        'x',
        'http://a/',
        '//host/a',
        '/a b',
        '/a\tb',
        '/a\n',
        '/\u007f',
        '/\u0000',
        '/a\u00a0b',
        '/a\u2028',
        '/\u3000',
      ],
      ...[
        '/a\\b',
        '/a#b',
        '/%',
        '/%1',
        '/%zz',
        '/..',
        '/a/../b',
        '/./a',
        '/a/.',
        '/%2e%2e/a',
        '/a%2f..%2fb',
        '/a%5c..',
        '/\u0085',
      ],
      ...['/.%2e/x', '/a/%2E', '\\a', '/a%2F.%2Fb', '/ok?q=%', '/ok?q=a b', '/ok?q#'],
    ).map((fault) => ({ ...fault, json: quoted(fault.json ?? '') })),
  ],
};

const args: Field = {
  name: 'args',
  good: undefined,
  faults: faults(row('argsType'), 'null', '[]', '"x"', '5', 'true'),
};

const methodFaults = (wrong: Expected, ...values: string[]): Fault[] => [
  ...faults(row('methodMissing'), undefined),
  ...faults(row('methodType'), 'null', '5', '["GET"]', '{}', 'true'),
  ...faults(wrong, ...values.map(quoted)),
];

/** The fields of each command in the order of section 2, the extension fields last. */
const COMMANDS: Readonly<Record<string, readonly Field[]>> = {
  HANDSHAKE: [
    {
      name: 'major',
      good: '1',
      faults: [
        ...faults(row('majorMissing'), undefined),
        ...faults(row('majorType'), 'null', '"1"', 'true', '1.5', '[1]', '{}', '-0.5'),
        ...faults(row('majorNegative'), '-1', '-1.0', '-1e3', '-9007199254740993'),
      ],
    },
    id,
  ],
  MONITOR: [
    url,
    {
      name: 'method',
      good: '"GET"',
      faults: methodFaults(code('invalid_method'), 'POST', 'PUT', 'DELETE', 'get', '', 'HEAD'),
    },
    {
      name: 'period_ms',
      good: '30000',
      faults: [
        ...faults(row('periodMissing'), undefined),
        ...faults(row('periodType'), 'null', '"100"', '2.5', 'true', '[]', '{}', '30000.5'),
        ...faults(row('periodRange'), '1', '0', '-2', '30001', '1e9', '1e400', '-1e400'),
      ],
    },
    args,
    id,
  ],
  CONTROL: [
    url,
    {
      name: 'method',
      good: '"POST"',
      faults: methodFaults(row('controlMethod'), 'GET', 'PATCH', 'post', '', 'OPTIONS'),
    },
    args,
    { name: 'body', good: undefined, faults: faults(code('invalid_body'), 'null', '1', '"{}"', 'true', '1.0') },
    id,
    { name: 'ack', good: undefined, faults: faults(code('invalid_type'), 'null', '1', '"true"', '{}', '[]') },
  ],
  STOP: [
    {
      name: 'target',
      good: '"monitor"',
      faults: [
        ...faults(row('targetMissing'), undefined),
        ...faults(row('targetType'), 'null', '5', '["monitor"]', '{}', 'true'),
        ...faults(code('invalid_target'), '"all"', '""', '"Monitor"', '"sessions"'),
      ],
    },
    id,
  ],
};

/** A command whose fields are good, but for those named. */
function line(command: string, wrong: ReadonlyMap<string, string | undefined>): string {
  const members = COMMANDS[command]!.flatMap(({ name, good }) => {
    const json = wrong.has(name) ? wrong.get(name) : good;
    return json === undefined ? [] : [`${JSON.stringify(name)}:${json}`];
  });
  // Backwards, so that the order of checks cannot be the order in which the fields happen to stand.
  return `{"payload":{${members.reverse().join(',')}},"cmd":"${command}"}`;
}

export interface Case {
  readonly line: string;
  readonly error: string;
  /** The field that the message must name. */
  readonly field: string | undefined;
}

/** Every fault of every field, alone. */
export function singles(profile: Profile): Case[] {
  return Object.entries(COMMANDS).flatMap(([command, fields]) =>
    fields.flatMap((field) =>
      field.faults.flatMap(({ json, expected }) => {
        const error = codeIn(expected, profile);
        return error === undefined
          ? []
          : [{ line: line(command, new Map([[field.name, json]])), error, field: field.name }];
      }),
    ),
  );
}

/** Of two faulty fields the one that stands first in the table decides; one fault of each kind of either field. */
export function pairs(profile: Profile): Case[] {
  return Object.entries(COMMANDS).flatMap(([command, fields]) =>
    fields.flatMap((first, index) =>
      fields.slice(index + 1).flatMap((second) =>
        kinds(first, profile).flatMap(({ json, expected }) =>
          kinds(second, profile).map((other) => ({
            line: line(command, new Map([[first.name, json]]).set(second.name, other.json)),
            error: codeIn(expected, profile)!,
            field: first.name,
          })),
        ),
      ),
    ),
  );
}

function kinds(field: Field, profile: Profile): Fault[] {
  const seen = new Set<string>();
  return field.faults.filter(({ expected }) => {
    const key = JSON.stringify(expected);
    if (seen.has(key) || codeIn(expected, profile) === undefined) return false;
    seen.add(key);
    return true;
  });
}

export const ENVELOPES: readonly Case[] = [
  { line: '{}', error: 'missing_field', field: 'cmd' },
  { line: '{"payload":5}', error: 'missing_field', field: 'cmd' },
  { line: '{"Cmd":"HANDSHAKE","payload":{"major":1}}', error: 'missing_field', field: 'cmd' },
  ...['null', '5', 'true', '["HANDSHAKE"]', '{}'].flatMap((cmd) => [
    { line: `{"cmd":${cmd},"payload":{"major":1}}`, error: 'invalid_type', field: 'cmd' },
    { line: `{"cmd":${cmd}}`, error: 'invalid_type', field: 'cmd' },
  ]),
  ...['PING', '', 'handshake', 'HANDSHAKE ', 'Stop', 'constructor'].flatMap((cmd) => [
    { line: `{"cmd":"${cmd}","payload":{"major":1}}`, error: 'invalid_cmd', field: 'cmd' },
    { line: `{"cmd":"${cmd}"}`, error: 'invalid_cmd', field: 'cmd' },
    { line: `{"cmd":"${cmd}","payload":[]}`, error: 'invalid_cmd', field: 'cmd' },
  ]),
  ...Object.keys(COMMANDS).flatMap((cmd) => [
    { line: `{"cmd":"${cmd}"}`, error: 'missing_field', field: 'payload' },
    ...['null', '[]', '5', '"{}"', 'true'].map((payload) => ({
      line: `{"cmd":"${cmd}","payload":${payload}}`,
      error: 'invalid_payload',
      field: 'payload',
    })),
  ]),
];
