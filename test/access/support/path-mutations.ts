// Hostile spellings of paths, from a seed, so that a failing one can be had again.

const PIECES = [
  ...[
    '//evil.test',
    'http://evil.test/',
    '@evil.test',
    '@',
    '#',
    '#/',
    '?',
    '?/',
    ';',
    ';x=1',
    '..;',
    ';/..',
    '*',
    '**',
    '+',
    '~',
    '%7E',
  ],
  ...[
    '/',
    '//',
    '/./',
    '/../',
    '..',
    '.',
    '...',
    '\\',
    '\\..\\',
    '/%2e%2e/',
    '%2e',
    '%2E%2e/',
    '.%2e/',
    '%2f',
    '%2F..%2f',
    '%5c',
    '%5C..',
  ],
  ...[
    '%252e%252e/',
    '%252f',
    '%25',
    '%',
    '%2',
    '%zz',
    '%u002e',
    '%u002f',
    '%3f',
    '%23',
    '%3b',
    '%3B/..',
    '%26',
    '%3D',
    '%2B',
    '%2C',
    '%3A',
    '%40',
  ],
  ...[
    '\r\n',
    '%0d%0a',
    '\r\nHost: evil.test\r\n\r\n',
    '\n',
    '\t',
    '%09',
    ' ',
    '%20',
    '\0',
    '%00',
    '%7f',
    '%1b',
    '%85',
    '%a0',
    '%c2%a0',
    '%c2%85',
  ],
  ...[
    'é',
    '%c3%a9',
    'e\u0301',
    '%C0%AE',
    '%c0%af',
    '%e0%80%ae',
    '%ed%a0%80',
    '%ff',
    '\ud800',
    '．',
    '／',
    '＼',
    '‥',
    '%ef%bc%8f',
    '%EF%BC%8E',
    '%ef%bc%bc',
  ],
  ...[
    '%e2%80%a5',
    '%e2%80%a4',
    'ſ',
    'ı',
    '%c4%b1',
    '%C4%B0',
    '%c5%bf',
    '\u212a',
    '%e2%84%aa',
    '%ef%bd%93',
    '%ef%bc%b3',
    '\u200b',
    '%e2%80%8b',
    '%c2%ad',
    '\u202e',
    '\u2028',
    '%cc%81',
    'ﬅ',
    '%ef%ac%86',
  ],
  ...[
    'stop',
    'STOP',
    'robot',
    'secret',
    'admin',
    'Admin',
    'slow',
    'private',
    '/project',
    '[0]',
    '%5B0%5D',
    '.json',
    '::$DATA',
    ':',
    '%3a',
  ],
];

interface Mutator {
  /** A path made of `seeds` by one to four hostile changes; now and then an untouched one. */
  next(): string;
}

export function mutator(seeds: readonly string[], seed: number): Mutator {
  const random = generator(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const splice = (text: string, at: number, remove: number, insert: string): string =>
    text.slice(0, at) + insert + text.slice(at + remove);
  const escaped = (text: string): string => {
    const hex = [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
    return random() < 0.5 ? hex : hex.toUpperCase();
  };
  const changes: ((path: string, at: number) => string)[] = [
    (path, at) => splice(path, at, 0, pick(PIECES)),
    (path, at) => splice(path, at, 1, pick(PIECES)),
    (path, at) => splice(path, at, 1, escaped(path[at] ?? '/')),
    (path, at) => splice(path, at, 1, escaped(escaped(path[at] ?? '/'))),
    (path, at) => splice(path, at, 1, swapCase(path[at] ?? 'a')),
    (path, at) => splice(path, at, 1, escaped(wide(path[at] ?? 'a'))),
    (path, at) => splice(path, at, 1, ''),
    (path) => path + pick(PIECES),
    (path) => pick(PIECES) + path,
    (path) => path.replace(/\/(?=[^/]*$)/, pick(['/./', '//', '%2f', '\\', '/x/../', '/;/', '／'])),
    (path) => `${path}/${pick(seeds).split('/').at(-1)}`,
    (path) => `${pick(seeds)}/${pick(['..', '%2e%2e', '.%2E', '..%2f', '%2e%2e%5c', '..;', '．．'])}${path}`,
    (path) => (random() < 0.5 ? path.toUpperCase() : path.normalize('NFD')),
    (path) => [...path].map((one) => (one !== '/' && random() < 0.3 ? escaped(one) : one)).join(''),
  ];
  return {
    next: () => {
      let path = pick(seeds);
      for (let left = below(5); left > 0; left -= 1) path = pick(changes)(path, below(path.length + 1));
      return path;
    },
  };
}

const swapCase = (letter: string): string =>
  letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();

/** The full-width form of an ASCII character. */
const wide = (letter: string): string => {
  const code = letter.charCodeAt(0);
  return code > 0x20 && code < 0x7f ? String.fromCharCode(code + 0xfee0) : letter;
};

/** Small, seeded, good enough to spread over the changes. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
