// Whatever a backend sends as a body, one line that JSON.parse accepts comes of it, and JSON keeps every character [OS-2.4] [OS-2.9].
import { constants } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import configSchema from '../../schemas/config.schema.json' with { type: 'json' };
import { bodyJson, bodyText } from '../../src/events/body.ts';
import { dataEvent, dataPrefix } from '../../src/events/data.ts';
import { damagedText, jsonText, parsed } from '../framing/json-texts.ts';

const MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const STRING_OR_SPACE = /"(?:[^"\\]|\\.)*"|[ \t\r\n]+/gs;
const tokens = (text: string): string => text.replace(STRING_OR_SPACE, (token) => (token.startsWith('"') ? token : ''));

const anyBody = fc.oneof(
  jsonText.map((text) => Buffer.from(text)),
  damagedText.map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(jsonText, fc.uint8Array({ minLength: 1, maxLength: 3 }))
    .map(([text, noise]) => Buffer.concat([Buffer.from(text), noise])),
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => Buffer.from(text)),
);
const marked = fc.tuple(fc.boolean(), anyBody).map(([mark, body]) => (mark ? Buffer.concat([MARK, body]) : body));

describe('[OS-2.4] bodyJson', () => {
  test('is always one line of valid JSON in UTF-8', () => {
    fc.assert(
      fc.property(marked, (body) => {
        const json = bodyJson(body);
        const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
        expect(text).not.toMatch(/[\r\n]/);
        expect(parsed(text)).toBeDefined();
      }),
      { numRuns: 4000 },
    );
  });

  test('JSON keeps its tokens character for character; everything else becomes its text', () => {
    fc.assert(
      fc.property(fc.oneof(jsonText, damagedText), (text) => {
        const body = Buffer.from(text);
        if (body.length === 0) return;
        const plain = body.toString();
        const json = bodyJson(body).toString();
        if (parsed(plain)) expect(tokens(json)).toBe(tokens(plain));
        else expect(parsed(json)).toEqual({ value: plain });
        expect(bodyText(body)).toBe(json);
      }),
      { numRuns: 4000 },
    );
  });

  test.each([
    ['{"a": 1.0}', '{"a": 1.0}'],
    ['{\n  "a": 1.0,\r\n\t"b": [ ]\n}', '{"a":1.0,"b":[]}'],
    ['9007199254740993', '9007199254740993'],
    ['1 2', '"1 2"'],
    ['\ufeff{"a":1}', '{"a":1}'],
    ['\ufeff', '"\ufeff"'],
    ['\ufefftext', '"\ufefftext"'],
    [' ', '" "'],
    ['OK\n', '"OK\\n"'],
    ['"a\\nb"', '"a\\nb"'],
    ['\u2028', '"\u2028"'],
  ])('%j is %j', (body, json) => {
    expect(bodyJson(Buffer.from(body)).toString()).toBe(json);
  });

  test('bytes that are no UTF-8 become text with the replacement character', () => {
    expect(bodyJson(Buffer.from([0x22, 0xff, 0x22])).toString()).toBe('"\\"\ufffd\\""');
  });

  test('the largest body that the settings allow still fits into one string, whatever bytes it consists of', () => {
    const control = bodyJson(Buffer.alloc(1000, 1));
    expect(control.length).toBe(6 * 1000 + 2);
    const { maximum } = (configSchema.properties as Record<string, { maximum?: number }>)['MAX_RESULT_BYTES']!;
    expect(6 * maximum!).toBeLessThan(constants.MAX_STRING_LENGTH - 100_000);
  });

  test('an empty body has no text', () => {
    expect(bodyText(Buffer.alloc(0))).toBeUndefined();
  });
});

describe('[OS-2.4] the data event', () => {
  test('is one line whose result is the body, also with members of a session’s own', () => {
    fc.assert(
      fc.property(
        marked,
        fc.option(fc.constantFrom('1', '"x"', '1.0'), { nil: undefined }),
        fc.nat(5),
        (body, id, skipped) => {
          const event = dataEvent(1_700_000_000_000, 1.23456, 200, body);
          const own = dataPrefix(id, skipped) + event.rest.toString();
          for (const text of [event.bytes.toString(), event.lineWith(dataPrefix(id, skipped)).toString()]) {
            expect(text.endsWith('}\n')).toBe(true);
            expect(text.indexOf('\n')).toBe(text.length - 1);
            const line = JSON.parse(text) as Record<string, unknown>;
            expect(line).toMatchObject({ type: 'data', ts: 1_700_000_000_000, svc_dur_ms: 1.235 });
            if (body.length === 0) expect(line).toMatchObject({ status: 200 });
            else expect(line['result']).toEqual(JSON.parse(bodyJson(body).toString()));
            expect('result' in line).toBe(body.length > 0);
          }
          if (dataPrefix(id, skipped) !== '') expect(event.lineWith(dataPrefix(id, skipped)).toString()).toBe(own);
          if (id !== undefined) expect(own).toContain(`"id":${id},`);
          expect(own.includes('"skipped":')).toBe(own.startsWith('{') && skipped > 0);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('sessions with the same beginning share the line, others get their own', () => {
    const event = dataEvent(1, 1, 200, Buffer.from('7'));
    const [one, two] = [dataPrefix(undefined, 1), dataPrefix('1', 2)];
    const first = event.lineWith(one);
    expect(event.lineWith(one)).toBe(first);
    expect(JSON.parse(event.lineWith(two).toString())).toMatchObject({ id: 1, skipped: 2, result: 7 });
    expect(JSON.parse(event.lineWith(one).toString())).toMatchObject({ skipped: 1, result: 7 });
    expect(event.lineWith('')).toBe(event.bytes);
    expect(JSON.parse(first.toString())).toEqual({ type: 'data', ts: 1, svc_dur_ms: 1, skipped: 1, result: 7 });
  });

  test('a large line is not kept a second time', () => {
    const event = dataEvent(1, 1, 200, Buffer.from(`"${'x'.repeat(70_000)}"`));
    const prefix = dataPrefix(undefined, 1);
    expect(event.lineWith(prefix)).toEqual(event.lineWith(prefix));
    expect(event.lineWith(prefix)).not.toBe(event.lineWith(prefix));
  });
});
