// JSON texts for properties: valid ones in every spelling, and valid ones that were damaged a little.
import fc from 'fast-check';

const space = fc.stringMatching(/^[ \t\r\n]{0,2}$/);
const digits = fc.stringMatching(/^(0|[1-9][0-9]{0,20})$/);

/** Numbers in every spelling that JSON has. */
export const numberText: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits,
    fc.option(fc.stringMatching(/^[0-9]{1,8}$/)),
    fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-', 'E-'), fc.stringMatching(/^[0-9]{1,3}$/))),
  )
  .map(
    ([sign, whole, fraction, exponent]) =>
      `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent?.join('') ?? ''}`,
  );

const character = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('a', '"', '\\', '/', ' ', '{', '}', '[', ']', ',', ':', 'é', '€', '😀', '\u2028'),
  },
  fc.string({ unit: 'binary', maxLength: 1 }),
  fc.constantFrom('\n', '\t', '\0', '\u001f', '\u007f', '\ud800', '\udfff', '__proto__'),
);

/** Strings, some characters escaped in one of the ways that JSON allows. */
const stringText: fc.Arbitrary<string> = fc
  .array(fc.tuple(character, fc.integer({ min: 0, max: 3 })), { maxLength: 8 })
  .map(
    (characters) => `"${characters.map(([text, how]) => [...text].map((one) => spelled(one, how)).join('')).join('')}"`,
  );

/**
 * Whether this engine reads an escaped name as another one that it has read before and that contains a backslash: V8 does, from
 * Node 24 on (nodejs/node#63785, open). JSON.parse is the reference here, so there must be no such names to be taken for others.
 */
const takesNamesForOthers = (() => {
  JSON.parse('{"first":1,"\\\\":2}');
  return Object.keys(JSON.parse('{"first":1,"\\u0061":2}') as object)[1] !== 'a';
})();

const nameText = takesNamesForOthers
  ? stringText.filter((text) => !(JSON.parse(text) as string).includes('\\'))
  : stringText;

function spelled(one: string, how: number): string {
  if (how === 0 && one.length === 1) return escaped(one);
  if (how === 1 && one === '/') return '\\/';
  return JSON.stringify(one).slice(1, -1);
}

const escaped = (one: string): string => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;

const { value } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('true', 'false', 'null', '{}', '[]', '0', '""'),
    numberText,
    stringText,
    tie('array'),
    tie('object'),
  ),
  array: fc
    .tuple(space, fc.array(fc.tuple(space, tie('value'), space), { maxLength: 4 }))
    .map(([gap, items]) => `[${items.length === 0 ? gap : items.map((item) => item.join('')).join(',')}]`),
  object: fc
    .tuple(space, fc.array(fc.tuple(space, nameText, space, space, tie('value'), space), { maxLength: 4 }))
    .map(
      ([gap, members]) =>
        `{${members.length === 0 ? gap : members.map(([a, name, b, c, v, d]) => `${a}${name}${b}:${c}${v}${d}`).join(',')}}`,
    ),
}));

/** Any valid JSON text. */
export const jsonText: fc.Arbitrary<string> = fc.tuple(space, value, space).map((parts) => parts.join(''));

/** An object's text. */
export const objectText: fc.Arbitrary<string> = fc
  .tuple(space, fc.array(fc.tuple(space, nameText, space, space, value, space), { maxLength: 6 }))
  .map(
    ([gap, members]) =>
      `{${members.length === 0 ? gap : members.map(([a, name, b, c, v, d]) => `${a}${name}${b}:${c}${v}${d}`).join(',')}}`,
  );

const damage = fc.tuple(
  fc.nat(),
  fc.constantFrom('cut', 'drop', 'put', 'swap', 'double'),
  fc.constantFrom(...'{}[]",:\\ue0.-+ 1atfn\n\0\x1f'),
);

/** Valid JSON with up to three small faults; often still valid. */
export const damagedText: fc.Arbitrary<string> = fc
  .tuple(jsonText, fc.array(damage, { minLength: 1, maxLength: 3 }))
  .map(([text, faults]) => faults.reduce(damaged, text));

function damaged(text: string, [place, how, character]: [number, string, string]): string {
  const at = text.length === 0 ? 0 : place % text.length;
  switch (how) {
    case 'cut':
      return text.slice(0, at);
    case 'drop':
      return text.slice(0, at) + text.slice(at + 1);
    case 'put':
      return text.slice(0, at) + character + text.slice(at);
    case 'swap':
      return text.slice(0, at) + character + text.slice(at + 1);
    default:
      return text.slice(0, at) + text.slice(at, at + 3) + text.slice(at);
  }
}

/** What JSON.parse says, or undefined where it objects; wrapped, because `null` is a value too. */
export function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
