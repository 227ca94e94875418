// The byte-wise JSON check agrees with JSON.parse on every text, and making compact changes nothing but white space.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BROKEN_LINES, compactJson, PLAIN, scanJson } from '../../src/framing/json-text.ts';
import { damagedText, jsonText, parsed } from './json-texts.ts';

const scan = (text: string): number => scanJson(Buffer.from(text));
const accepted = (text: string): boolean => scan(text) === PLAIN || scan(text) === BROKEN_LINES;

describe('scanJson', () => {
  test('accepts every valid text and tells whether it has line breaks', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        expect(parsed(text)).toBeDefined();
        expect(scan(text)).toBe(/[\r\n]/.test(text) ? BROKEN_LINES : PLAIN);
      }),
      { numRuns: 1500 },
    );
  });

  test('agrees with JSON.parse on damaged texts, and the place it names is within them', () => {
    let refused = 0;
    fc.assert(
      fc.property(damagedText, (text) => {
        expect(accepted(text)).toBe(parsed(text) !== undefined);
        const at = scan(text);
        if (at >= 0) {
          refused++;
          expect(at).toBeLessThanOrEqual(Buffer.byteLength(text));
          // What stands before the place could have become JSON: cut there, the fault is the end itself.
          const start = Buffer.from(text).subarray(0, at);
          expect(scanJson(start)).toBe(isWhole(start) ? scanJson(start) : start.length);
        }
      }),
      { numRuns: 6000 },
    );
    expect(refused).toBeGreaterThan(1000);
  });

  test('agrees with JSON.parse on any short text of characters that matter', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...'{}[]",:\\u0019.-+eEtruefalsn \n\r\t\x0b\xa0'), { maxLength: 12 }),
        (characters) => {
          const text = characters.join('');
          expect(accepted(text)).toBe(parsed(text) !== undefined);
        },
      ),
      { numRuns: 6000 },
    );
  });

  test.each([
    '',
    ' ',
    '01',
    '-',
    '+1',
    '1.',
    '.1',
    '1e',
    '1e+',
    '0x1',
    '- 1',
    '--1',
    '1 2',
    'nul',
    'nulls',
    'TRUE',
    "'a'",
    '"\u0001"',
    '"\n"',
    '"\\x"',
    '"\\u12"',
    '"\\u12g4"',
    '"',
    '"\\',
    '"\\u',
    '[1,]',
    '[,1]',
    '[',
    ']',
    '{',
    '}',
    '{,}',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    '[1}',
    '{"a":1]',
    '[]]',
    '{}{}',
    '\u00a0',
    '\ufeff1',
    'NaN',
    'Infinity',
    '/**/1',
    '1 //',
  ])('refuses %j', (text) => {
    expect(parsed(text)).toBeUndefined();
    expect(scan(text)).toBeGreaterThanOrEqual(0);
  });

  test.each([
    ['{"a":tru}', 8],
    ['[1, 2', 5],
    ['{"a" 1}', 5],
    ['"ab\u0001"', 3],
    ['[1,]', 3],
    ['-a', 1],
    ['{"a":01}', 6],
    ['"\\u00e', 6],
  ])('the fault of %j is at byte %d', (text, at) => {
    expect(scan(text)).toBe(at);
  });

  test('depth is no matter', () => {
    const depth = 500_000;
    expect(scan('['.repeat(depth) + ']'.repeat(depth))).toBe(PLAIN);
    expect(scan('{"a":'.repeat(depth))).toBe(5 * depth);
    expect(scan(`${'['.repeat(depth)}${']'.repeat(depth - 1)}}`)).toBe(2 * depth - 1);
  });
});

/** A value that happens to be complete where another one begins: `1` of `1 2`. */
const isWhole = (bytes: Buffer): boolean => scanJson(bytes) < 0;

describe('compactJson', () => {
  const STRING_OR_SPACE = /"(?:[^"\\]|\\.)*"|[ \t\r\n]+/gs;

  test('takes the white space between tokens away, every other byte stays', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const compact = compactJson(Buffer.from(text)).toString();
        expect(compact).toBe(
          Buffer.from(text.replace(STRING_OR_SPACE, (token) => (token.startsWith('"') ? token : ''))).toString(),
        );
        expect(compact).not.toMatch(/[\r\n]/);
        expect(parsed(compact)).toEqual(parsed(Buffer.from(text).toString()));
      }),
      { numRuns: 1500 },
    );
  });
});
