// Which spellings of a path have one meaning, case by case.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readWirePath } from '../../src/access/wire-path.ts';
import { runs } from './support/fuzz.ts';

describe('a path on the wire', () => {
  it.each<[string, string[], string[]?]>([
    ['/', []],
    ['/project/robot', ['project', 'robot']],
    ['/project/robot/', ['project', 'robot']],
    ['/Project/ROBOT', ['Project', 'ROBOT'], ['project', 'robot']],
    ['/project/context/tasks[0]/reset', ['project', 'context', 'tasks[0]', 'reset']],
    ['/tasks%5B0%5d', ['tasks[0]']],
    ['/a%20b', ['a b']],
    ['/a+b', ['a+b'], ['a b']],
    ['/n%C3%A4me', ['näme']],
    ['/na%CC%88me', ['na\u0308me'], ['näme']],
    ['/%EF%BD%93top', ['ｓtop'], ['stop']],
    ['/%C5%BFtop', ['ſtop'], ['stop']],
    ['/K%C4%B1', ['Kı'], ['ki']],
    ['/%7Euser/.well-known/v1.2/...x', ['~user', '.well-known', 'v1.2', '...x']],
    ["/a@b:c,d=e&f!g$h'(i)*", ["a@b:c,d=e&f!g$h'(i)*"]],
    ['/%40%3A%2C%3D%26%21%24%27%28%29%2A', ["@:,=&!$'()*"]],
    ['/%F0%9F%A4%96', ['🤖']],
  ])('%s is read', (path, exact, folded = exact) => {
    expect(readWirePath(path)).toEqual({ exact, folded });
  });

  it.each([
    ...['', '*', 'project', 'http://evil.test/', '//evil.test', '/a//b', '/a//', '//', '/\\evil.test', '/a\\b'],
    ...['/.', '/..', '/a/./b', '/a/../b', '/a/..', '/a/...', '/a./b', '/a.', '/a%20', '/%20a', '/a%20/b', '/a+', '/+a'],
    ...[
      '/%2e',
      '/%2E%2e/a',
      '/.%2e',
      '/a%2fb',
      '/a%2Fb',
      '/a%5cb',
      '/a%5Cb',
      '/a%252fb',
      '/a%25',
      '/%72obot',
      '/%52',
      '/a%2Db',
      '/a%5Fb',
      '/a%30',
    ],
    ...['/a;b', '/a%3bb', '/a;/../b', '/a?b', '/a%3Fb', '/a#b', '/a%23b', '/a%', '/a%2', '/a%zz', '/a%u002e'],
    ...[
      '/a b',
      '/a\tb',
      '/a\r\nb',
      '/a\0',
      '/a\x7f',
      '/ä',
      '/a\u200b',
      '/%00',
      '/%0d%0a',
      '/%1F',
      '/%7f',
      '/%C2%85',
      '/%C2%A0',
    ],
    ...[
      '/%C0%AE',
      '/%c0%af',
      '/%E0%80%AE',
      '/%ED%A0%80',
      '/%FF',
      '/%F4%90%80%80',
      '/%C3',
      '/a%E2%80%8Bb',
      '/a%C2%ADb',
      '/%E2%80%AEa',
      '/%EF%BB%BFa',
    ],
    ...[
      '/%EF%BC%8E%EF%BC%8E/a',
      '/a%EF%BC%8Fb',
      '/a%EF%BC%BCb',
      '/%E2%80%A5',
      '/a%E2%80%A4',
      '/a%EF%BC%9Fb',
      '/a%EF%BC%85b',
      '/a%EF%BC%9Bb',
    ],
    `/${'a'.repeat(8192)}`,
  ])('%j has no single meaning', (path) => {
    expect(readWirePath(path)).toBeUndefined();
  });

  it('has two readings of as many segments, and the folded one is settled', () => {
    const escapes = fc
      .uint8Array({ maxLength: 12 })
      .map((bytes) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''));
    const encoded = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => encodeURIComponent(text));
    const piece = fc.oneof(escapes, encoded, encoded, fc.constantFrom('/', '/', 'Ab', '..'));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const read = readWirePath(`/${pieces.join('')}`);
        if (read === undefined) return;
        expect(read.folded).toHaveLength(read.exact.length);
        for (const name of [...read.exact, ...read.folded])
          expect(name).toMatch(/^[^/\\?#;%\p{Cc}]*[^/\\?#;%\p{Cc}. ]$/u);
        const respelled = `/${read.exact.map((name) => encodeURIComponent(name)).join('/')}`;
        expect(readWirePath(respelled)).toEqual(read);
      }),
      { numRuns: runs(3000) },
    );
  });

  it('of any text is read or refused, never thrown over', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const path of [text, `/${text}`]) expect(readWirePath(path)?.exact ?? []).toBeInstanceOf(Array);
      }),
      { numRuns: runs(3000) },
    );
  });
});
