// What README shows is true: its conversation is replayed, its table and its catalog are those of the product.
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderSettingsTable } from '../src/config/render.ts';
import { parseTranscript } from './protocol/transcript.ts';
import { play } from './protocol/transcript-player.ts';
import { check } from './support/check.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const README = read('README.md');

/** The first fenced block of this language. */
function block(language: string): string {
  const start = README.indexOf(`\`\`\`${language}\n`);
  if (start < 0) throw new Error(`README has no block of ${language}`);
  return README.slice(README.indexOf('\n', start) + 1, README.indexOf('```', start + 3));
}

/** The table as the reader sees it: how many blanks and dashes pad its cells is the formatter's business. */
const unpadded = (table: string): string => table.trim().replace(/ +/g, ' ').replace(/-{3,}/g, '---');

// Times differ from run to run; everything else comes back as it is printed.
const conversation = block('text').replace(/"(ts|svc_dur_ms)":[\d.]+/g, '"$1":<number>');

check('readme.conversation', '[OS-2.1] the conversation of README comes true with the embedded controller', (context) =>
  play(
    parseTranscript(`# README\n! profiles strict\n! simulator\n\n${conversation}~ server ends the connection\n`),
    'strict',
    context,
  ),
);

test('the table of settings is the one that the configuration makes', () => {
  const shown = /<!-- settings -->\n([\s\S]*?)\n<!-- \/settings -->/.exec(README)?.[1];
  expect(unpadded(shown ?? '')).toBe(unpadded(renderSettingsTable()));
});

test('the example of a catalog is the one that the catalogs’ own page explains', () => {
  expect(read('protocol/catalogs/README.md')).toContain(block('json').trim());
});

test('every page that README names exists', () => {
  for (const [, target] of README.matchAll(/\]\(([^)#]+)\)/g))
    expect(existsSync(new URL(`../${target}`, import.meta.url)), target).toBe(true);
});
