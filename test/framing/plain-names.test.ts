// Names are read as they were meant, whatever others have sent before and whatever the engine makes of escapes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeLine } from '../../src/framing/decode-line.ts';
import { plainNames } from '../../src/framing/plain-names.ts';
import { eachMember } from '../../src/framing/raw-members.ts';
import { objectText } from './json-texts.ts';

/** Names of all members at any depth, in the order written, each decoded alone. */
function names(text: string): string[] {
  const found: string[] = [];
  eachMember(text, text.indexOf('{'), (name, raw) => {
    found.push(name);
    if (raw.startsWith('{')) found.push(...names(raw));
  });
  return found;
}

describe('plain names', () => {
  test.each([
    ['{"a":1}', '{"a":1}'],
    ['{"\\u0061":"\\u0061"}', '{"a":"\\u0061"}'],
    ['{"x":"a\\":","p\\u0061yload" : {"\\/":1}}', '{"x":"a\\":","payload" : {"\\/":1}}'],
    ['{"a\\"b":1,"\\u00e9":["\\u0063:",{"\\u0063":2}]}', '{"a\\"b":1,"\\u00e9":["\\u0063:",{"c":2}]}'],
    ['{"\\\\":1}', '{"\\\\":1}'],
    ['{"\\u005F\\u005c":1,"\\u007a":2,"\\u0030":3}', '{"_\\\\":1,"z":2,"\\u0030":3}'],
  ])('%s', (text, plain) => {
    expect(plainNames(text)).toBe(plain);
  });

  test('are the same names, with the same values', () => {
    fc.assert(
      fc.property(objectText, (text) => {
        const plain = plainNames(text);
        expect(JSON.parse(plain)).toEqual(JSON.parse(text));
        expect(names(plain)).toEqual(names(text));
        for (const name of names(plain)) if (/^[a-z_]{1,9}$/.test(name)) expect(plain).toContain(`"${name}"`);
      }),
      { numRuns: 1000 },
    );
  });

  test('only names that might be the protocol’s, and no more of them than a few', () => {
    const text = `{"a":"${'\\\\'.repeat(500_000)}","${'\\u0061'.repeat(100_000)}":[${'"\\n",'.repeat(100_000)}1]}`;
    expect(plainNames(text)).toBe(text);
    const many = `{${Array.from({ length: 10_000 }, () => '"\\u0061"').join(':1,')}:1}`;
    expect(plainNames(many).match(/"a"/g)).toHaveLength(64);
    expect(JSON.parse(plainNames(many))).toEqual({ a: 1 });
  });
});

describe('[OS-2.3] a name that one client escapes', () => {
  const value = (text: string): unknown => {
    const line = decodeLine(Buffer.from(text));
    if ('fault' in line) throw new Error(line.fault);
    return line.value;
  };

  test.each(['payload', 'cmd', 'id', 'url'])('%s is not taken for what another client has sent before', (name) => {
    for (let cut = 0; cut < name.length; cut++) {
      const escaped = `${name.slice(0, cut)}\\u00${name.charCodeAt(cut).toString(16)}${name.slice(cut + 1)}`;
      for (let round = 0; round < 100; round++) {
        // A name that contains a backslash where the other one has its escape.
        value(`{"first":1,"${name.slice(0, cut)}\\\\":2}`);
        expect(value(`{"first":1,"${escaped}":2}`)).toEqual({ first: 1, [name]: 2 });
        expect(value(`{"first":{"first":1,"${escaped}":2}}`)).toEqual({ first: { first: 1, [name]: 2 } });
      }
    }
  });
});
