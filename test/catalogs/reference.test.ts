// The reference pages say what the catalogs say. UPDATE_REFERENCE=1 writes them anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUILT_IN } from '../../src/catalogs/built-in.ts';
import type { Catalog } from '../../src/catalogs/catalog.ts';
import { renderReference } from '../../src/catalogs/reference.ts';

const pageOf = (id: string) => new URL(`../../protocol/catalogs/${id}.md`, import.meta.url);

describe('reference pages', () => {
  it.each([...BUILT_IN])('%s.md is rendered from the catalog as it is', (id, catalog) => {
    const page = renderReference(catalog);
    if (process.env['UPDATE_REFERENCE'] === '1') writeFileSync(pageOf(id), page);
    expect(readFileSync(pageOf(id), 'utf8')).toBe(page);
  });

  it.each([...BUILT_IN])('%s: every entry has its row', (_, catalog) => {
    const rows = renderReference(catalog)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    for (const { code } of catalog.entries) {
      const written = String(code).replaceAll('_', '\\_');
      expect(
        rows.some((row) => row.startsWith(`| ${written} |`)),
        written,
      ).toBe(true);
    }
  });

  it('keeps marks of Markdown and HTML in a name as they are', () => {
    const catalog: Catalog = {
      id: 'x',
      title: '<b>',
      source: 'a|b',
      entries: [{ code: 1, name: 'a|b <i> *c* `d`', hint: 'x', retryable: true }],
      rules: [{ about: 'x', find: { by: 'status' } }],
    };
    const page = renderReference(catalog);
    expect(page).toContain('# &lt;b&gt;');
    expect(page).toContain('| 1 | a\\|b &lt;i&gt; \\*c\\* \\`d\\` |  | x | yes |');
  });
});
