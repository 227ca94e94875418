// Catalogs of one's own: what a good file does, and how every fault of a wrong one is named.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadCatalogs, MAX_FILE_BYTES } from '../../src/catalogs/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'catalogs-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileWith(content: unknown): string {
  const path = join(folder, `plant-${++files}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const entry = (more: object = {}) => ({ code: -11, name: 'no playback', hint: 'Start it.', retryable: false, ...more });
const rule = (find: object, more: object = {}) => ({ about: 'x', find, ...more });
const catalog = (more: object = {}) => ({
  id: 'plant',
  title: 'Plant',
  source: 'manual',
  entries: [entry()],
  rules: [rule({ by: 'code', at: ['/err_code'] })],
  ...more,
});

/** Faults without the file name in front. */
function faultsOf(content: unknown): string[] {
  const path = fileWith(content);
  const { explainer, faults } = loadCatalogs([path]);
  expect(explainer).toBeUndefined();
  for (const fault of faults) expect(fault.startsWith(`${path}: `)).toBe(true);
  return faults.map((fault) => fault.slice(path.length + 2));
}

describe('what is chosen', () => {
  it('nothing: no explainer, no fault', () => {
    expect(loadCatalogs([])).toEqual({ explainer: undefined, faults: [] });
    expect(loadCatalogs(['', '  '])).toEqual({ explainer: undefined, faults: [] });
  });

  it('a built-in one', () => {
    const { explainer, faults } = loadCatalogs([' makapix ']);
    expect(faults).toEqual([]);
    expect(explainer?.inspectsSuccess).toBe(false);
  });

  it('a file, by absolute and by relative path', () => {
    const path = fileWith(catalog());
    for (const name of [path, relative(process.cwd(), path)]) {
      const { explainer, faults } = loadCatalogs([name]);
      expect(faults).toEqual([]);
      expect(explainer?.explain(403, Buffer.from('{"err_code":-11}'))).toEqual({
        hint: 'Start it.',
        cause: { catalog: 'plant', code: -11, name: 'no playback', retryable: false },
      });
    }
  });

  it('a file with a byte order mark', () => {
    expect(loadCatalogs([fileWith(`\ufeff${JSON.stringify(catalog())}`)]).faults).toEqual([]);
  });

  it('a file before a built-in one: the first hit wins', () => {
    const own = fileWith(
      catalog({ rules: [rule({ by: 'code', at: ['/error_code'] })], entries: [entry({ code: 143 })] }),
    );
    const body = Buffer.from('{"success":false,"error_code":143}');
    expect(loadCatalogs([own, 'multiscreen-srt']).explainer?.explain(404, body)?.cause.catalog).toBe('plant');
    expect(loadCatalogs(['multiscreen-srt', own]).explainer?.explain(404, body)?.cause.catalog).toBe('multiscreen-srt');
  });

  it('a file that looks at successes', () => {
    const path = fileWith(
      catalog({ rules: [rule({ by: 'code', at: ['/err_code'] }, { status: { from: 200, to: 299 } })] }),
    );
    const { explainer } = loadCatalogs([path]);
    expect(explainer?.inspectsSuccess).toBe(true);
    expect(explainer?.explain(200, Buffer.from('{"err_code":-11}'))?.cause.code).toBe(-11);
    expect(explainer?.explain(403, Buffer.from('{"err_code":-11}'))).toBeUndefined();
  });

  it('negative codes, also as strings', () => {
    const { explainer } = loadCatalogs([fileWith(catalog())]);
    expect(explainer?.explain(403, Buffer.from('{"err_code":"-11"}'))?.cause.code).toBe(-11);
    expect(explainer?.explain(403, Buffer.from('{"err_code":11}'))).toBeUndefined();
  });
});

describe('what is wrong with the choice', () => {
  it('an unknown id', () => {
    expect(loadCatalogs(['nope']).faults).toEqual([
      'nope: no such file; give the path of a file, or one of open-stream, multiscreen-srt, srt-reject, makapix, tencent-ilvb',
    ]);
  });

  it('a folder, a file without end', () => {
    expect(loadCatalogs([folder]).faults).toEqual([`${folder}: is no file`]);
    expect(loadCatalogs(['/dev/zero']).faults).toEqual(['/dev/zero: is no file']);
  });

  it('a file that is too long', () => {
    expect(faultsOf(' '.repeat(MAX_FILE_BYTES + 1))).toEqual([
      `has ${MAX_FILE_BYTES + 1} bytes; a catalog has at most ${MAX_FILE_BYTES}`,
    ]);
  });

  it.each(['', '{', '{"id":1,}', 'id: plant'])('no JSON: %j', (text) => {
    expect(faultsOf(text)).toEqual([expect.stringMatching(/^is not JSON: ./)]);
  });

  it('the same catalog twice, and one broken: all of it at once', () => {
    const broken = fileWith(catalog({ title: '' }));
    const { explainer, faults } = loadCatalogs(['makapix', 'nope', 'makapix', broken]);
    expect(explainer).toBeUndefined();
    expect(faults.map((fault) => fault.split(': ')[0])).toEqual(['nope', 'makapix', broken]);
  });

  it('two files with one id', () => {
    const second = fileWith(catalog());
    expect(loadCatalogs([fileWith(catalog()), second]).faults).toEqual([
      `${second}: /id: "plant" is chosen already; each catalog needs its own id`,
    ]);
  });
});

describe('faults of a file, by JSON pointer', () => {
  it.each([
    ['no object', [], ['/: must be object']],
    ['empty', {}, ['/id', '/title', '/source', '/entries', '/rules'].map((at) => `${at}: this field is missing`)],
    ['a field too many', catalog({ 'a/b~': 1 }), ['/a~1b~0: this field is not part of a catalog']],
    ['an id with blanks', catalog({ id: 'my plant' }), [expect.stringMatching(/^\/id: must match pattern/)]],
    ['no entries', catalog({ entries: [] }), ['/entries: must NOT have fewer than 1 items']],
    ['a code of neither type', catalog({ entries: [entry({ code: 1.5 })] }), ['/entries/0/code: must be integer']],
    [
      'a code in quotes',
      catalog({ entries: [entry({ code: '143' })] }),
      ['/entries/0/code: write 143 as a number, without quotes'],
    ],
    ['a missing hint', catalog({ entries: [entry({ hint: undefined })] }), ['/entries/0/hint: this field is missing']],
    [
      'retryable as text',
      catalog({ entries: [entry({ retryable: 'yes' })] }),
      ['/entries/0/retryable: must be boolean'],
    ],
    [
      'a code twice',
      catalog({ entries: [entry(), entry({ name: 'another' })] }),
      ['/entries/1/code: -11 stands at /entries/0 already'],
    ],
    [
      'a wait without retryable',
      catalog({ entries: [entry({ retry_after_ms: 5 })] }),
      ['/entries/0/retry_after_ms: needs "retryable": true'],
    ],
    [
      'a schedule that is not there',
      catalog({ entries: [entry({ retryable: true, schedule: 'toString' })] }),
      ['/entries/0/schedule: "toString" is not among /schedules'],
    ],
    [
      'done and retryable',
      catalog({ entries: [entry({ retryable: true, already_done: true })] }),
      ['/entries/0/already_done: contradicts "retryable": true'],
    ],
    [
      'a group that is not there',
      catalog({ entries: [entry({ group: 'g' })] }),
      ['/entries/0/group: "g" is not among /groups'],
    ],
    [
      'a group twice, its range upside down',
      catalog({ groups: [{ name: 'g' }, { name: 'g', range: [9, 1] }] }),
      ['/groups/1/name: "g" is the name of /groups/0 already', '/groups/1/range: ends before it begins'],
    ],
    [
      'placeholders side by side',
      catalog({ entries: [entry({ template: ['a', '', 'b'] })] }),
      ['/entries/0/template/1: two placeholders need some text between them'],
    ],
    [
      'a template for everything',
      catalog({ entries: [entry({ template: ['', ''] })] }),
      ['/entries/0/template: fits every text; give it some of its own'],
    ],
    [
      'an unknown way to find',
      catalog({ rules: [rule({ by: 'regex', at: ['/x'] })] }),
      [expect.stringMatching(/^\/rules\/0\/find\/by: must be one of/)],
    ],
    [
      'a pointer that is none',
      catalog({ rules: [rule({ by: 'code', at: ['err_code'] })] }),
      [expect.stringMatching(/^\/rules\/0\/find\/at\/0: must match pattern/)],
    ],
    [
      'a field of another way to find',
      catalog({ rules: [rule({ by: 'word', at: 'anywhere', subtract: 1 })] }),
      ['/rules/0/find/subtract: this field is not part of a catalog'],
    ],
    [
      'anywhere, misspelt',
      catalog({ rules: [rule({ by: 'word', at: 'everywhere' })] }),
      ['/rules/0/find/at: must be "anywhere"'],
    ],
    [
      'a condition that asks nothing',
      catalog({ rules: [rule({ by: 'status' }, { when: [{ at: '/x' }] })] }),
      ['/rules/0/when/0: must NOT have fewer than 2 properties'],
    ],
    [
      'statuses upside down, a group that is not there',
      catalog({ rules: [rule({ by: 'status', groups: ['g'] }, { status: { from: 500, to: 400 } })] }),
      ['/rules/0/status: ends before it begins', '/rules/0/find/groups/0: "g" is not among /groups'],
    ],
    [
      'unlisted numbers nobody describes',
      catalog({ rules: [rule({ by: 'code', at: ['/x'], unlisted: true })] }),
      ['/rules/0/find/unlisted: no group says what an unlisted number means'],
    ],
  ])('%s', (_, content, expected) => {
    expect(faultsOf(content)).toEqual(expected);
  });

  it('all at once, in different places', () => {
    const wrong = catalog({
      title: 7,
      entries: [entry({ name: '' }), entry({ code: null })],
      rules: [{ find: { by: 'status' } }],
    });
    expect(faultsOf(wrong)).toEqual([
      '/title: must be string',
      '/entries/0/name: must NOT have fewer than 1 characters',
      '/entries/1/code: must be integer',
      '/rules/0/about: this field is missing',
    ]);
  });

  it('too many templates', () => {
    const entries = Array.from({ length: 257 }, (_, code) => entry({ code, template: ['a', 'b'] }));
    expect(faultsOf(catalog({ entries }))).toEqual(['/entries: 257 templates, at most 256 are allowed']);
  });

  it('a field named __proto__ is a field too many, not a prototype', () => {
    expect(faultsOf(JSON.stringify(catalog()).replace('{', '{"__proto__":{"id":"x"},'))).toEqual([
      '/__proto__: this field is not part of a catalog',
    ]);
  });
});
