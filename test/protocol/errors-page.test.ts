// ERRORS.md against the table of errors, in both directions.
import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../protocol/errors.ts';
import { read } from './pages.ts';

const page = read('protocol/ERRORS.md');

interface Entry {
  readonly facts: string;
  readonly when: string;
  readonly todo: string;
}

const entries = new Map<string, Entry>(
  page
    .split(/^### /m)
    .slice(1)
    .map((text) => {
      const [heading, , facts, , when, , todo] = text.split('\n');
      return [heading!.slice(1, -1), { facts: facts!, when: when!, todo: todo! }];
    }),
);

test('there is one entry per code and no other', () => {
  expect([...entries.keys()].sort()).toEqual(Object.keys(ERRORS).sort());
  expect(page.match(/^### /gm)).toHaveLength(entries.size);
});

describe.each(Object.entries(ERRORS))('%s', (code, row) => {
  test('states the facts of the table', () => {
    const malformed = row.malformed ? 'yes' : 'no';
    expect(entries.get(code)?.facts).toBe(
      `group ${row.group} · fatal: ${row.fatal} · malformed: ${malformed} · profiles: ${row.profile} · [${row.clause}]`,
    );
  });

  test('says when it occurs and what the client does', () => {
    const entry = entries.get(code);
    expect(entry?.when).toMatch(/^\*\*When\.\*\* .{20}/);
    expect(entry?.todo).toMatch(/^\*\*What to do\.\*\* .{7}/);
  });
});

test('stands under the heading of its group, those of the vendor profile under their own', () => {
  const section: Record<string, string> = {
    session: 'Protocol and session',
    payload: 'Command and payload',
  };
  for (const part of page.split(/^## /m).slice(1)) {
    const heading = part.split('\n')[0];
    for (const [, code] of part.matchAll(/^### `(\w+)`/gm)) {
      const row = ERRORS[code as keyof typeof ERRORS];
      const expected = row.profile === 'vendor' ? 'Only in the vendor profile' : (section[row.group] ?? row.group);
      expect({ code, heading }).toEqual({ code, heading: expected });
    }
  }
});
