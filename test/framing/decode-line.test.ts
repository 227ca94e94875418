// A line is one JSON object in UTF-8, or the sentence that says which byte is at fault [OS-1.5].
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeLine } from '../../src/framing/decode-line.ts';
import { damagedText, objectText, parsed } from './json-texts.ts';

const decode = (bytes: string | Uint8Array): ReturnType<typeof decodeLine> => decodeLine(Buffer.from(bytes));

/** The first byte that the platform's own strict decoder will not take, by trying every prefix. */
function firstFault(bytes: Uint8Array): number {
  const decoder = (prefix: Uint8Array) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(prefix);
  let whole = 0;
  for (let length = 1; length <= bytes.length; length++)
    try {
      decoder(bytes.subarray(0, length));
      whole = length;
    } catch {
      // cut inside a character, or broken
    }
  return whole;
}

describe('[OS-1.5]', () => {
  test('agrees with JSON.parse about what is an object', () => {
    fc.assert(
      fc.property(fc.oneof(objectText, damagedText), (text) => {
        const value = parsed(Buffer.from(text).toString())?.value;
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        const line = decode(text);
        if (isObject)
          expect(line).toEqual({ text: Buffer.from(text).toString(), bytes: Buffer.byteLength(text), value });
        else expect(line).toEqual({ fault: expect.stringMatching(/^(not valid JSON|the line is )/) });
      }),
      { numRuns: 2000 },
    );
  });

  test('broken UTF-8 is named by its first byte that belongs to no character', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 30 }),
        fc.uint8Array({ minLength: 1, maxLength: 5 }),
        fc.string({ maxLength: 5 }),
        (start, noise, end) => {
          const bytes = Buffer.concat([Buffer.from(start), noise, Buffer.from(end)]);
          const at = firstFault(bytes);
          const line = decode(bytes);
          if (at === bytes.length) expect(line).not.toEqual({ fault: expect.stringMatching(/UTF-8/) });
          else expect(line).toEqual({ fault: `not valid UTF-8 at byte ${at + 1} of the line` });
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['[1]', 'the line is an array, not a JSON object'],
    ['null', 'the line is null, not a JSON object'],
    ['12', 'the line is a number, not a JSON object'],
    ['"a"', 'the line is a string, not a JSON object'],
    ['{"a":1,}', "not valid JSON at byte 8 of the line: unexpected '}'"],
    ['{"a"\u0001:1}', 'not valid JSON at byte 5 of the line: unexpected byte 0x01'],
    ['{"é":x}', "not valid JSON at byte 7 of the line: unexpected 'x'"],
    ['{"a":1', 'not valid JSON: the line ends too early, after byte 6'],
  ])('%s', (text, fault) => {
    expect(decode(text)).toEqual({ fault });
  });

  test('__proto__ is data', () => {
    const line = decode('{"__proto__":{"cmd":"STOP"},"payload":{"__proto__":{"target":"session"}}}');
    if ('fault' in line) throw new Error(line.fault);
    expect(line.value['cmd']).toBeUndefined();
    expect(Object.keys(line.value)).toEqual(['__proto__', 'payload']);
  });

  test('a return before the newline is white space', () => {
    expect(decode('{}\r')).toMatchObject({ value: {} });
  });
});
