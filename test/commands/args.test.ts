// `args` as query parameters: what a receiver decodes is what the client wrote, in its order and spelling [OS-2.8] [OS-2.9].
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEnvelope } from '../../src/commands/parse-command.ts';
import { encodeArgs } from '../../src/commands/url.ts';
import { decodeLine } from '../../src/framing/decode-line.ts';
import { eachMember, rawElements } from '../../src/framing/raw-members.ts';
import { objectText } from '../framing/json-texts.ts';

const STRING_OR_SPACE = /"(?:[^"\\]|\\.)*"|[ \t\r\n]+/gs;
const compact = (raw: string): string => raw.replace(STRING_OR_SPACE, (token) => (token.startsWith('"') ? token : ''));

/** One value as the text that a receiver should read. */
function text(raw: string): string {
  if (raw.startsWith('"')) return JSON.parse(raw) as string;
  if (raw === 'null') return '';
  return raw.startsWith('{') || raw.startsWith('[') ? compact(raw) : raw;
}

/** The pairs that a receiver should see. */
function expected(args: string): [string, string][] {
  const members: [string, string][] = [];
  eachMember(args, args.indexOf('{'), (name, raw) => members.push([name, raw]));
  const last = members.filter(([name], i) => !members.slice(i + 1).some(([later]) => later === name));
  return last.flatMap(([name, raw]) =>
    (raw.startsWith('[') ? rawElements(raw) : [raw]).map((one): [string, string] => [name, text(one)]),
  );
}

describe('[OS-2.8]', () => {
  test('a receiver of any kind decodes what was written', () => {
    let pairs = 0;
    fc.assert(
      fc.property(objectText, (args) => {
        const encoded = encodeArgs(args);
        const wanted = expected(args);
        const carried = wanted.every(([name, value]) => name.isWellFormed() && value.isWellFormed());
        if ('unencodable' in encoded) {
          expect(
            wanted.some(([name, value]) => !name.isWellFormed() || !value.isWellFormed()) || !carriesNames(args),
          ).toBe(true);
          return;
        }
        if ('tooLong' in encoded) throw new Error('ordinary args do not make a query that is too long');
        expect(carried).toBe(true);
        expect(encoded.query).toMatch(/^[A-Za-z0-9\-._~%=&]*$/);
        pairs += wanted.length;
        expect([...new URLSearchParams(encoded.query)]).toEqual(wanted);
        // A receiver that does not take + for a space reads the same.
        const plain =
          encoded.query === '' ? [] : encoded.query.split('&').map((pair) => pair.split('=').map(decodeURIComponent));
        expect(plain).toEqual(wanted);
      }),
      { numRuns: 1500 },
    );
    expect(pairs).toBeGreaterThan(1000);
  });

  /** An empty array sends nothing, but its name is looked at all the same. */
  const carriesNames = (args: string): boolean => {
    let sound = true;
    eachMember(args, args.indexOf('{'), (name) => {
      sound &&= name.isWellFormed();
    });
    return sound;
  };

  test.each([
    ['{}', ''],
    ['{"a":1.0,"b":-0.0,"c":1e3,"d":9007199254740993}', 'a=1.0&b=-0.0&c=1e3&d=9007199254740993'],
    ['{"a":true,"b":false,"c":null}', 'a=true&b=false&c='],
    ['{"a":"x y","b":"+&=?#/%"}', 'a=x%20y&b=%2B%26%3D%3F%23%2F%25'],
    ['{"a":"!\'()*-._~"}', 'a=%21%27%28%29%2A-._~'],
    ['{"a":[1,"b",null,2.0]}', 'a=1&a=b&a=&a=2.0'],
    ['{"a":[]}', ''],
    ['{"a":{"b": [1.0 , 2]}}', 'a=%7B%22b%22%3A%5B1.0%2C2%5D%7D'],
    ['{"a":[[1, 2],{"x" : " "}]}', 'a=%5B1%2C2%5D&a=%7B%22x%22%3A%22%20%22%7D'],
    ['{"a":1,"b":2,"a":3}', 'b=2&a=3'],
    ['{"a":1,"\\u0061":2}', 'a=2'],
    ['{"é":"😀"}', '%C3%A9=%F0%9F%98%80'],
    ['{"":""}', '='],
    ['{"__proto__":1}', '__proto__=1'],
  ])('%s', (args, query) => {
    expect(encodeArgs(args)).toEqual({ query });
  });

  test.each([
    ['{"a":"\\ud800"}', 'a'],
    ['{"\\udc00":1}', '\udc00'],
    ['{"ok":1,"b":["x","\\ud800y"]}', 'b'],
  ])('half of a surrogate pair has no UTF-8: %s', (args, name) => {
    expect(encodeArgs(args)).toEqual({ unencodable: name });
  });
});

test('[OS-2.9] names in args and body are those of the line, also where the engine takes escaped names for others', () => {
  const parse = (payload: string): unknown => {
    const line = decodeLine(Buffer.from(payload));
    const envelope = 'fault' in line ? undefined : parseEnvelope(line, 'strict');
    return envelope && 'parse' in envelope ? envelope.parse() : undefined;
  };
  const control = (name: string) =>
    parse(`{"cmd":"CONTROL","payload":{"url":"/a","method":"POST","body":{"x":1,"${name}":2}}}`);
  const monitor = (name: string) =>
    parse(`{"cmd":"MONITOR","payload":{"url":"/a","method":"GET","period_ms":5,"args":{"x":1,"${name}":2}}}`);
  // Behind these, V8 from Node 24 on reads the names that follow as a single backslash.
  control('\\\\');
  monitor('\\\\');
  expect(control('\\u0061')).toMatchObject({ relay: { body: '{"x":1,"\\u0061":2}' } });
  expect(monitor('\\u0061')).toMatchObject({ path: '/a?x=1&a=2' });
});
