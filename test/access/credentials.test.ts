// Tokens decide who moves a machine: every way to write them, to mistype them, and to leak them.
import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Credentials } from '../../src/access/credentials.ts';
import { runs } from './support/fuzz.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();

const parsed = (value: string): Credentials => {
  const { credentials, faults } = Credentials.parse(value);
  if (credentials === undefined) throw new Error(faults.join('; '));
  return credentials;
};

describe('AUTH_TOKENS [OS-6.3]', () => {
  it('absent or empty asks for no token', () => {
    for (const value of [undefined, '', '  ']) {
      const { credentials } = Credentials.parse(value);
      expect(credentials?.required).toBe(false);
      expect(credentials?.verify('anything')).toBeUndefined();
    }
  });

  it('names tokens, or numbers the bare ones', () => {
    const some = parsed('panel:s3cret, bare-one ,cell.7:with:colon,bare-two');
    expect(some.required).toBe(true);
    expect(some.names).toEqual(['panel', 'token-1', 'cell.7', 'token-2']);
    expect(some.verify('s3cret')).toBe('panel');
    expect(some.verify('bare-one')).toBe('token-1');
    expect(some.verify('with:colon')).toBe('cell.7');
    expect(some.verify('bare-two')).toBe('token-2');
  });

  it('reads files, with comments and empty lines, LF or CR LF, and mixes them with values', () => {
    const file = folder.write(
      'tokens',
      '\ufeff# who\r\n\r\n  panel : one \r\n#off:two\ncell:three,with,commas\nbare\n',
    );
    const some = parsed(`@${file},cli:four`);
    expect(some.names).toEqual(['panel', 'cell', 'token-1', 'cli']);
    expect(some.verify('one')).toBe('panel');
    expect(some.verify('three,with,commas')).toBe('cell');
    expect(some.verify('two')).toBeUndefined();
    expect(parsed(file).names).toEqual(['panel', 'cell', 'token-1']);
  });

  it('refuses whatever is not one of the tokens, of any type', () => {
    const some = parsed('a:secret,b:\ufffd');
    for (const wrong of [
      '',
      'secre',
      'secret ',
      'Secret',
      'secret\0',
      'a:secret',
      'x'.repeat(100_000),
      '\ud800',
      null,
      undefined,
      7,
      {},
      ['secret'],
    ]) {
      expect(some.verify(wrong), String(wrong).slice(0, 20)).toBeUndefined();
    }
  });

  it('names every fault by its place', () => {
    const file = folder.write('faulty', 'ok:1\nbad name:2\n\nok:3\n');
    const { faults, credentials } = Credentials.parse(
      `@${file},x:1,,n:,spa ce,y:${'t'.repeat(257)},@${folder.path}/none`,
    );
    expect(credentials).toBeUndefined();
    expect(faults).toEqual([
      'entry 1, line 2: the name before the colon must be 1 to 64 of the characters A-Z a-z 0-9 . _ -',
      'entry 1, line 4: its name is that of entry 1, line 1 already',
      'entry 2: its token is that of entry 1, line 1 already',
      'entry 3: the token is empty',
      'entry 4: the token is empty',
      'entry 5: the token contains white space or an invisible character',
      'entry 6: the token is longer than 256 characters',
      'entry 7 is taken for a file because it begins with @, and that cannot be read (ENOENT); write name:token for a token that begins with @',
    ]);
  });

  it('does not open the gateway when a file holds no token', () => {
    expect(Credentials.parse(folder.write('none', '# nothing yet\n')).faults).toEqual(['names no token at all']);
  });

  it('is bounded in tokens, faults and file size', () => {
    const many = (count: number): string =>
      Array.from({ length: count }, (_, index) => `n${index}:t${index}`).join('\n');
    expect(parsed(folder.write('full', many(1000))).verify('t999')).toBe('n999');
    expect(Credentials.parse(folder.write('over', many(1001))).faults).toEqual([
      'entry 1, line 1001: more than 1000 tokens',
    ]);
    expect(Credentials.parse(folder.write('wrong', '::\n'.repeat(80_000))).faults).toHaveLength(100);
    expect(Credentials.parse(folder.write('huge', '#'.repeat(262_145))).faults[0]).toContain(
      'is larger than 262144 bytes',
    );
    expect(Credentials.parse('/dev/zero').faults[0]).toContain('is not a regular file');
  });
});

describe('a token stays secret', () => {
  it('whichever way the object is printed', () => {
    const some = parsed('panel:hunter2secret');
    const digests = inspect(some, { showHidden: true, depth: 10 });
    for (const shown of [
      String(some),
      JSON.stringify(some),
      inspect(some),
      digests,
      format('%o %O %j', some, some, some),
    ]) {
      expect(shown).not.toContain('hunter2');
    }
    expect(JSON.stringify(some)).toBe('{"required":true,"names":["panel"]}');
    expect(Object.getOwnPropertyNames(some)).toEqual([]);
  });

  it('in every fault of every broken setting', () => {
    // Capital letters that no fault message uses, so that a single one of them would be a leak.
    const secret = fc.string({ unit: fc.constantFrom('Q', 'X', 'Z', 'K', 'J'), minLength: 1, maxLength: 12 });
    const glue = fc.constantFrom('', ' ', ':', ',', '/', './', '@', '#', '\0', '\u200b', '::', ' : ', 'é', '\n');
    const value = fc.array(fc.tuple(glue, secret, glue), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(value, (parts) => {
        const text = parts.flat().join('');
        for (const attempt of [text, folder.write('secret', text)]) {
          const { faults } = Credentials.parse(attempt);
          const shown = faults.join('').replaceAll('A-Z', '');
          expect(shown).not.toMatch(/[QXZKJ]/);
        }
      }),
      { numRuns: runs(1500) },
    );
  });
});

describe('the token file, fuzzed', () => {
  it('never throws; what it accepts, it verifies, and nothing else', () => {
    const entry = fc.tuple(fc.stringMatching(/^[A-Za-z0-9._-]{1,8}$/), fc.string({ minLength: 1, maxLength: 12 }));
    const junk = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('#', '', ':', '\r', '\ufeff', 'a:b', 'a'));
    const line = fc.oneof(
      entry.map(([name, token]) => `${name}:${token}`),
      junk,
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.string(), (lines, guess) => {
        const text = lines.join('\n');
        const { credentials, faults } = Credentials.parse(folder.write('fuzzed', text));
        expect(credentials === undefined).toBe(faults.length > 0);
        if (credentials === undefined) return;
        expect(new Set(credentials.names).size).toBe(credentials.names.length);
        for (const name of credentials.names) expect(name).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
        let bare = 0;
        const tokens = new Map<string, string>();
        for (const line of text.split(/\r\n|\n|\r/).map((one) => one.trim())) {
          if (line === '' || line.startsWith('#')) continue;
          const [, name, token] = /^([^:]*):(.*)$/s.exec(line) ?? [];
          if (name === undefined) tokens.set(line, `token-${++bare}`);
          else tokens.set(token!.trim(), name.trim());
        }
        expect(credentials.names).toEqual([...tokens.values()]);
        for (const [token, name] of tokens) expect(credentials.verify(token)).toBe(name);
        if (!tokens.has(guess)) expect(credentials.verify(guess)).toBeUndefined();
      }),
      { numRuns: runs(1500) },
    );
  });

  it('bytes of any kind give credentials or faults', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { credentials, faults } = Credentials.parse(folder.write('bytes', bytes));
        expect(credentials === undefined).toBe(faults.length > 0);
        expect(credentials?.required ?? true).toBe(true);
      }),
      { numRuns: runs(1000) },
    );
  });
});
