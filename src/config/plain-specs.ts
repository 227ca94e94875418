// Kinds of settings that are one word or number: integers, choices, switches, paths, lists.
import { isIP } from 'node:net';
import { asIs, bad, good, MASK, maskSecret, type Read, type Spec, showText } from './spec.ts';

const DIGITS = /^[0-9]+$/;
const CONTROL_CHARACTER = /\p{Cc}/u;
const PATH_MAX_CHARACTERS = 4096;
const LIST_MAX_ENTRIES = 1024;

/** Plain decimal digits from `min` to `max`: no sign, no fraction, no unit, no spaces. */
export function integer(min: number, max: number, unit?: string, zero?: string): Spec<number> {
  const range = `${min} to ${max}`;
  return {
    type: 'integer',
    ...(unit === undefined ? {} : { unit }),
    allowed: zero === undefined ? range : `${range}; 0 = ${zero}`,
    schema: { type: 'integer', minimum: min, maximum: max },
    read: (text) => readInteger(text, min, max),
    print: asIs,
    mask: showText,
  };
}

function readInteger(text: string, min: number, max: number): Read<number> {
  if (!DIGITS.test(text)) return bad('is not an integer in plain decimal digits');
  const value = Number(text);
  return value >= min && value <= max ? good(value) : bad('is out of range');
}

export function integerOrAuto(min: number, max: number, unit: string): Spec<number | 'auto'> {
  const digits = integer(min, max, unit);
  return {
    type: 'integer or `auto`',
    unit,
    allowed: `${digits.allowed}, or auto`,
    schema: { oneOf: [digits.schema, { const: 'auto' }] },
    read: (text) => (text === 'auto' ? good('auto') : digits.read(text)),
    print: asIs,
    mask: showText,
  };
}

/** Exactly one of these words. */
export function choice<const T extends string>(words: readonly T[]): Spec<T> {
  return {
    type: 'word',
    allowed: `one of ${words.join(', ')}`,
    schema: { type: 'string', enum: [...words] },
    read: (text) => {
      const word = words.find((candidate) => candidate === text);
      return word === undefined ? bad('is none of the words allowed') : good(word);
    },
    print: asIs,
    mask: showText,
  };
}

export function onOff(): Spec<boolean> {
  const words = choice(['on', 'off']);
  return {
    type: words.type,
    allowed: words.allowed,
    schema: words.schema,
    mask: words.mask,
    read: (text) => {
      const word = words.read(text);
      return word.ok ? good(word.value === 'on') : word;
    },
    print: (value) => (value ? 'on' : 'off'),
  };
}

/** A path as it is written; whether the file is there and fit is for the room that opens it. */
export function filePath(): Spec<string> {
  return {
    type: 'file path',
    allowed: 'a file that can be read',
    schema: { type: 'string', minLength: 1 },
    read: (text) => {
      if (CONTROL_CHARACTER.test(text)) return bad('contains a control character');
      return text.length > PATH_MAX_CHARACTERS ? bad(`is longer than ${PATH_MAX_CHARACTERS} characters`) : good(text);
    },
    print: asIs,
    mask: showText,
  };
}

/** Text that is kept as it is written and never shown. */
export function secretText(allowed: string): Spec<string> {
  return {
    type: 'secret text',
    allowed,
    schema: { type: 'string', minLength: 1 },
    secret: true,
    read: (text) => (text.includes('\0') ? bad('contains a NUL character') : good(text)),
    print: () => MASK,
    mask: maskSecret,
  };
}

/** Comma-separated words; spaces around them do not count. */
export function list(type: string, allowed: string, check: (entry: string) => string | undefined): Spec<string[]> {
  return {
    type,
    allowed,
    schema: { type: 'array', items: { type: 'string', minLength: 1 } },
    empty: [],
    read: (text) => {
      const entries = text.split(',').map((entry) => entry.trim());
      if (entries.length > LIST_MAX_ENTRIES) return bad(`has more than ${LIST_MAX_ENTRIES} entries`);
      for (const [index, entry] of entries.entries()) {
        const why = entry === '' ? 'is empty' : check(entry);
        if (why !== undefined) return bad(`entry ${index + 1} ${why}`);
      }
      return good(entries);
    },
    print: asIs,
    mask: showText,
  };
}

export function addressList(): Spec<string[]> {
  return list(
    'list of addresses',
    'IP addresses and CIDR blocks, comma-separated, such as `10.0.0.0/8,fd00::/8`',
    (entry) => (isAddressOrBlock(entry) ? undefined : 'is neither an IP address nor a CIDR block'),
  );
}

function isAddressOrBlock(entry: string): boolean {
  const slash = entry.indexOf('/');
  const family = isIP(slash < 0 ? entry : entry.slice(0, slash));
  // A zone (`fe80::1%eth0`) names an interface of this machine, not a peer.
  if (family === 0 || entry.includes('%')) return false;
  if (slash < 0) return true;
  const prefix = entry.slice(slash + 1);
  return /^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

export function catalogList(): Spec<string[]> {
  return list('list', 'built-in ids and file paths, comma-separated', (entry) =>
    CONTROL_CHARACTER.test(entry) ? 'contains a control character' : undefined,
  );
}
