// The decision pages: complete, indexed, and one for each row of the profile table.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROFILE_CODES } from '../../protocol/profiles.ts';
import { quoted, ROOT, read, table, tags } from './pages.ts';

const FOLDER = 'protocol/decisions';
const names = readdirSync(join(ROOT, FOLDER))
  .filter((name) => name !== 'README.md')
  .sort();
const index = table(read(`${FOLDER}/README.md`), 'Page', 'Decision', 'Clauses', 'Profile rows');
const rowsOf = (text: string): string[] => quoted(/^Rows of the profile table: (.*)$/m.exec(text)?.[1] ?? '');

test('are numbered without a gap', () => {
  expect(names.map((name) => Number(name.slice(0, 3)))).toEqual(names.map((_, at) => at + 1));
});

test('are all in the index, which names nothing else', () => {
  expect(index.map(([page]) => /\((.+)\)/.exec(page!)?.[1])).toEqual(names);
});

test('settle each row of the profile table exactly once', () => {
  const settled = names.flatMap((name) => rowsOf(read(`${FOLDER}/${name}`)));
  expect(settled.sort()).toEqual(Object.keys(PROFILE_CODES).sort());
});

describe.each(names)('%s', (name) => {
  const text = read(`${FOLDER}/${name}`);

  test('asks, compares, decides and says why', () => {
    for (const part of ['Question', 'What the descriptions say', 'Decision', 'Why']) {
      expect(text).toMatch(new RegExp(`^\\*\\*${part}\\.\\*\\* .{20}`, 'm'));
    }
    expect(tags(/^Clauses: .*$/m.exec(text)?.[0] ?? '').length).toBeGreaterThan(0);
  });

  test('ends with its revisions, in order', () => {
    const revisions = table(text, 'Revision', 'Since version', 'Change');
    expect(revisions.map(([number]) => Number(number))).toEqual(revisions.map((_, at) => at + 1));
    for (const [, since, change] of revisions) {
      expect(since).toMatch(/^\d+\.\d+\.\d+$/);
      expect(change).not.toBe('');
    }
    expect(text.trimEnd().endsWith('|')).toBe(true);
  });

  test('says the same as the index', () => {
    const row = index.find(([page]) => page!.includes(`(${name})`))!;
    const title = /^# \d{3} (.+)$/m.exec(text)?.[1];
    expect(row[1]).toBe(title);
    expect(tags(row[2]!)).toEqual(tags(/^Clauses: .*$/m.exec(text)![0]));
    expect(quoted(row[3]!)).toEqual(rowsOf(text));
  });
});
