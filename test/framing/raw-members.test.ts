// The raw text of members and elements is what JSON.parse reads them as, and stands in the text exactly so.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eachMember, rawElements, rawMembers } from '../../src/framing/raw-members.ts';
import { jsonText, objectText, parsed } from './json-texts.ts';

/** Own members only, also one named `__proto__`. */
const own = (value: unknown): [string, unknown][] => Object.entries(value as object);

describe('members', () => {
  test('names and values are those of JSON.parse, the last of equal names winning', () => {
    fc.assert(
      fc.property(objectText, (text) => {
        const raw = rawMembers(text);
        const value = parsed(text)?.value;
        expect([...raw.keys()].sort()).toEqual(
          own(value)
            .map(([name]) => name)
            .sort(),
        );
        for (const [name, member] of own(value)) {
          expect(text).toContain(raw.get(name));
          expect(parsed(raw.get(name) ?? '')).toEqual({ value: member });
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('raw texts have no white space around them', () => {
    fc.assert(
      fc.property(objectText, (text) => {
        for (const raw of rawMembers(text).values()) expect(raw).toBe(raw.trim());
      }),
      { numRuns: 500 },
    );
  });

  test('are visited in the order written, equal names included', () => {
    const visits: string[] = [];
    eachMember('{ "a" : 1 , "\\u0061":[2,{"a":3}],"b":"x\\"}" , "a":null}', 0, (name, raw) =>
      visits.push(`${name}=${raw}`),
    );
    expect(visits).toEqual(['a=1', 'a=[2,{"a":3}]', 'b="x\\"}"', 'a=null']);
  });

  test('nested objects are found at their place', () => {
    const text = ' {"cmd":"X", "payload": {"n": 1.0, "big": 9007199254740993, "e": -0.0e+1} }';
    const payload = rawMembers(text).get('payload');
    expect(payload).toBe('{"n": 1.0, "big": 9007199254740993, "e": -0.0e+1}');
    expect(Object.fromEntries(rawMembers(payload!))).toEqual({ n: '1.0', big: '9007199254740993', e: '-0.0e+1' });
  });

  test('a name that would reach a prototype is data', () => {
    const raw = rawMembers('{"__proto__":{"x":1},"constructor":2}');
    expect(raw.get('__proto__')).toBe('{"x":1}');
    expect(raw.get('constructor')).toBe('2');
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  test('backslashes before a quote, odd and even', () => {
    for (let n = 0; n < 12; n++) {
      const text = `{"a":"${'\\\\'.repeat(n)}","b":"${'\\\\'.repeat(n)}\\"","c":1}`;
      expect(parsed(rawMembers(text).get('a')!)?.value).toBe('\\'.repeat(n));
      expect(parsed(rawMembers(text).get('b')!)?.value).toBe(`${'\\'.repeat(n)}"`);
      expect(rawMembers(text).get('c')).toBe('1');
    }
  });

  test('depth and length are no matter', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(rawMembers(`{"a":${deep},"b":2}`).get('b')).toBe('2');
    const quotes = '\\"'.repeat(100_000);
    expect(rawMembers(`{"a":"${quotes}","b":2}`).get('b')).toBe('2');
  });
});

describe('elements', () => {
  test('are those of JSON.parse, in order', () => {
    fc.assert(
      fc.property(fc.array(jsonText, { maxLength: 6 }), (items) => {
        const text = `[${items.join(',')}]`;
        expect(rawElements(text).map((raw) => parsed(raw)?.value)).toEqual(parsed(text)?.value);
        expect(rawElements(` ${text} `)).toEqual(items.map((item) => item.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')));
      }),
      { numRuns: 1000 },
    );
  });

  test('an empty array has none, however it is spelled', () => {
    expect(rawElements('[]')).toEqual([]);
    expect(rawElements('[ \t\r\n]')).toEqual([]);
  });
});
