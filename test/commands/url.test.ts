// The url rules against a second, character-wise reading of them, and the request target that is made of url and args [OS-2.7].
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requestTarget, urlFault } from '../../src/commands/url.ts';

/** The rules as sentences of the contract, each by walking over the characters; the name of the first that is broken. */
function reference(url: string): string | undefined {
  if (Buffer.byteLength(url) > 2048) return 'long';
  if (!url.startsWith('/')) return '/';
  if (url.startsWith('//')) return '//';
  for (let i = 0; i < url.length; i++) {
    const point = url.codePointAt(i)!;
    if (point > 0xffff) i++;
    const one = String.fromCodePoint(point);
    if (/^[\s\u0085]$/.test(one) && one !== '\ufeff') return 'unprintable';
    if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return 'unprintable';
    if (point >= 0xd800 && point <= 0xdfff) return 'unprintable';
    if (/^\p{Format}$/u.test(one)) return 'unprintable';
  }
  if (url.includes('\\')) return '\\';
  if (url.includes('#')) return '#';
  for (let i = 0; i < url.length; i++)
    if (url[i] === '%' && !/^[0-9A-F]{2}$/i.test(url.slice(i + 1, i + 3))) return '%';
  const path = url.split('?')[0]!;
  const decodedOnce = path.replace(/%2e/gi, '.').replace(/%2f/gi, '/').replace(/%5c/gi, '\\');
  for (const reading of [path, decodedOnce])
    for (const segment of reading.split(/[/\\]/)) {
      // A backend may cut parameters off a segment before it looks at it.
      const name = segment.split(';')[0];
      if (name === '.' || name === '..') return 'climb';
    }
  return undefined;
}

const WORDS: Readonly<Record<string, RegExp>> = {
  long: /bytes long/,
  '/': /does not start with \//,
  '//': /starts with \/\//,
  unprintable: /contains U\+[0-9A-F]{4,6} at character/,
  '\\': /backslash/,
  '#': /contains # at/,
  '%': /% without two/,
  climb: /climb/,
};

const piece = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      '/',
      '.',
      '..',
      'a',
      'tasks[0]',
      '?',
      '=',
      '&',
      '%2e',
      '%2E',
      '%2f',
      '%5c',
      '%5C',
      ';',
      ';v=1',
    ),
  },
  fc.constantFrom(
    '#',
    '\\',
    '%',
    '%4',
    '%zz',
    '%00',
    '%25',
    '%252e',
    '%c3%a9',
    ' ',
    '\t',
    '\u00a0',
    '\u200b',
    '\u202e',
    '\ufeff',
    '\u2028',
    '\0',
  ),
  fc.constantFrom('é', '€', '😀', '\ud800', '\udc00', '\u0085', '\u3000', '~', "'", '"', '<', '{'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const url = fc
  .tuple(fc.constantFrom('/', '/', '/', '/a/', '', '//', 'a', '/é'), fc.array(piece, { maxLength: 10 }))
  .map(([start, rest]) => start + rest.join(''));

describe('[OS-2.7] urlFault', () => {
  test('agrees with the second reading, about the rule that is broken first too', () => {
    const met = new Map<string | undefined, number>();
    fc.assert(
      fc.property(url, (text) => {
        const rule = reference(text);
        met.set(rule, (met.get(rule) ?? 0) + 1);
        const fault = urlFault(text);
        if (rule === undefined) expect(fault).toBeUndefined();
        else {
          expect(fault?.message).toMatch(WORDS[rule]!);
          expect(fault?.tooLong).toBe(rule === 'long');
        }
      }),
      { numRuns: 8000 },
    );
    for (const rule of [...Object.keys(WORDS).filter((word) => word !== 'long'), undefined])
      expect(met.get(rule) ?? 0, `the generator never met ${rule}`).toBeGreaterThan(5);
  });

  test.each([
    ['a', 2047, false],
    ['a', 2048, true],
    ['é', 1023, false],
    ['é', 1024, true],
    ['😀', 511, false],
    ['😀', 512, true],
  ])('length is measured in bytes of UTF-8: %s × %d', (character, count, tooLong) => {
    expect(urlFault(`/${character.repeat(count)}`)?.tooLong ?? false).toBe(tooLong);
  });

  test('length comes before every other rule', () => {
    expect(urlFault(`no slash ${'x'.repeat(3000)}`)?.tooLong).toBe(true);
  });

  test('a path that passes never climbs, whoever decodes it once', () => {
    fc.assert(
      fc.property(url, (text) => {
        if (urlFault(text)) return;
        const target = requestTarget(text, '');
        for (const base of ['http://host', 'http://host/base']) {
          const resolved = new URL(base + target);
          expect(resolved.host).toBe('host');
          if (base.endsWith('/base')) expect(resolved.pathname.startsWith('/base/')).toBe(true);
          const decoded = resolved.pathname.replace(/%2f|%5c/gi, '/').replace(/%2e/gi, '.');
          expect(new URL(`http://host${decoded}`).pathname.startsWith(base.slice('http://host'.length))).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('[OS-2.7] requestTarget', () => {
  test('is ASCII and decodes to what was written', () => {
    fc.assert(
      fc.property(url, (text) => {
        if (urlFault(text)) return;
        const target = requestTarget(text, '');
        expect(target).toMatch(/^[\x21-\x7e]*$/);
        expect(target.replace(/%(?:[89a-f][0-9a-f])(?:%[89a-f][0-9a-f])*/gi, (run) => readable(run))).toBe(
          text.replace(/%(?:[89a-f][0-9a-f])(?:%[89a-f][0-9a-f])*/gi, (run) => readable(run)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['/a', 'x=1', '/a?x=1'],
    ['/a?b=2', 'x=1', '/a?b=2&x=1'],
    ['/a?', 'x=1', '/a?x=1'],
    ['/a?b&', 'x=1', '/a?b&x=1'],
    ['/a?b=2', '', '/a?b=2'],
    ['/é[0]?ü', 'x=1', '/%C3%A9[0]?%C3%BC&x=1'],
  ])('%s and %s', (path, query, target) => {
    expect(requestTarget(path, query)).toBe(target);
  });
});

function readable(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    return run;
  }
}
