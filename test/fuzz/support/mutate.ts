// Damage at the level of bytes: small changes that keep most of the shape, with a dictionary of what tends to hurt.
import type { Random } from './random.ts';

const DICTIONARY: readonly string[] = [
  '\n',
  '\r\n',
  '\r',
  '\0',
  ' ',
  '\t',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ':',
  ',',
  '\\u0000',
  '\\ud800',
  '\\"',
  '\xef\xbb\xbf',
  '\xff',
  '\xc3',
  '\xe2\x80\xa8',
  'null',
  'true',
  'false',
  '0',
  '-1',
  '1.0',
  '1e1',
  '1e999',
  '-0.0',
  '9007199254740993',
  '0.5',
  '00',
  '""',
  '{}',
  '[]',
  '__proto__',
  'constructor',
  '"cmd"',
  '"payload"',
  '"HANDSHAKE"',
  '"MONITOR"',
  '"CONTROL"',
  '"STOP"',
  '"major":1',
  '"url"',
  '"/a"',
  '"method"',
  '"GET"',
  '"POST"',
  '"period_ms":2',
  '"args"',
  '"body"',
  '"id"',
  '"ack":true',
  '"target"',
  '"monitor"',
  '"control"',
  '"session"',
  '"token"',
  '"will"',
  '"stop":true',
  '/',
  '..',
  '%2e',
  '%2f',
  '%',
  '#',
  '?',
  '&',
  '=',
  '*',
  '**',
  '@',
  ',,',
  'PROXY ',
  'TCP4 ',
  '127.0.0.1',
  '::1',
  '0.0.0.0/0',
  'http://',
  'auto',
  'on',
  'off',
];

/** A few changes, most often one or two. */
export function mutate(bytes: Uint8Array, random: Random): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  const changes = 1 + random.below(random.oneIn(4) ? 12 : 3);
  for (let i = 0; i < changes; i++) changed = change(changed, random);
  return changed;
}

function change(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const length = 1 + random.below(random.oneIn(5) ? 64 : 4);
  const before = bytes.subarray(0, at);
  const behind = bytes.subarray(at + length);
  switch (random.below(9)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = flipped[at]! ^ (1 << random.below(8));
      return flipped;
    }
    case 1:
      return Buffer.concat([before, behind]);
    case 2:
      return Buffer.concat([before, random.bytes(length), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([before, word(random), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([before, word(random), behind]);
    case 5:
      return Buffer.concat([before, bytes.subarray(at, at + length), bytes.subarray(at)]);
    case 6:
      return before.length > 0 && random.oneIn(3) ? Buffer.from(before) : Buffer.from(bytes);
    case 7: {
      const from = random.below(bytes.length + 1);
      return Buffer.concat([before, bytes.subarray(from, from + length * 4), bytes.subarray(at)]);
    }
    default: {
      const many = random.pick(['9', '0', 'a', ' ', '[', '{"a":', '\\', '"', '\n', '%41', '\u00e9']);
      return Buffer.concat([before, Buffer.from(many.repeat(random.below(300))), bytes.subarray(at)]);
    }
  }
}

const word = (random: Random): Buffer => Buffer.from(random.pick(DICTIONARY), 'latin1');
