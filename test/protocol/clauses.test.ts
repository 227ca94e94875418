// Clause tags: numbered without gaps in PROTOCOL.md, and cited nowhere without being there.
import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../protocol/errors.ts';
import { EVENTS } from '../../protocol/events.ts';
import { filesBelow, read, tags } from './pages.ts';

const page = read('protocol/PROTOCOL.md');
const defined = [...page.matchAll(/^#{2,3} \[(OS-[0-9.]+)\] \S/gm)].map((match) => match[1]!);

/** Every bracketed tag, also where one pair of brackets holds several: [OS-2.7, OS-2.8]. */
const cited = (text: string): string[] =>
  [...text.matchAll(/\[(OS-[0-9.]+(?:, OS-[0-9.]+)*)\]/g)].flatMap((match) => match[1]!.split(', '));

test('clauses are numbered without a gap, each once', () => {
  const expected: string[] = [];
  const sizes = [8, 9, 8, 0, 0, 4, 0];
  sizes.forEach((size, at) => {
    expected.push(`OS-${at + 1}`, ...Array.from({ length: size }, (_, sub) => `OS-${at + 1}.${sub + 1}`));
  });
  expect(defined).toEqual(expected);
});

describe('tags that exist are the only ones cited', () => {
  const files = [
    ...['src', 'protocol', 'test'].flatMap((folder) => filesBelow(folder, ['.ts', '.md', '.wire'])),
    ...filesBelow('schemas', ['.json']),
  ];

  test('there is something to look at', () => {
    expect(files.length).toBeGreaterThan(50);
  });

  test.each(files)('%s', (path) => {
    const text = read(path);
    expect(cited(text).filter((tag) => !defined.includes(tag))).toEqual([]);
    // A tag outside of brackets, or with a stray character, would escape the check above.
    const loose = tags(text).filter((tag) => !cited(text).includes(tag));
    expect(path.startsWith('test/protocol/') ? [] : loose).toEqual([]);
  });
});

test('the typed tables name clauses that exist', () => {
  const named = [...Object.values(ERRORS), ...Object.values(EVENTS)].map((row) => row.clause);
  expect(named.filter((tag) => !defined.includes(tag))).toEqual([]);
});
