// Every meaning of a code or name across catalogs, for somebody who asks by hand; recognition in answers is explainer.ts.
import type { Catalog, Entry, Group } from './catalog.ts';
import { groupOfNumber } from './catalog-index.ts';
import { fill } from './template.ts';

/** A number as it may travel: `called` says under which name, `from` which number that was. */
export interface Shifted {
  readonly called: string;
  readonly from: number;
}

export interface Meaning {
  readonly catalog: Catalog;
  readonly entry: Entry;
  /** The number that was asked for is not the code itself but another way to write it. */
  readonly shifted?: Shifted;
  readonly args?: readonly string[];
}

/** The block of numbers an unlisted code would belong to. */
export interface Block {
  readonly catalog: Catalog;
  readonly group: Group;
  readonly code: number;
  readonly shifted?: Shifted;
}

export interface Lookup {
  readonly meanings: readonly Meaning[];
  /** Only when there is no meaning. */
  readonly blocks: readonly Block[];
  /** Names that contain what was asked for, when nothing else was found; at most MAX_SIMILAR. */
  readonly similar: readonly Meaning[];
}

const MAX_SIMILAR = 10;

/** Looks for a number, a code that is a word, a name, or a text that fills in a documented one; letters in any case. */
export function lookUp(catalogs: readonly Catalog[], query: string): Lookup {
  const asked = query.trim();
  const number = /^-?[0-9]{1,15}$/.test(asked) ? Number(asked) : undefined;
  const found = catalogs.flatMap((catalog) =>
    number === undefined ? byWord(catalog, asked) : byNumber(catalog, number),
  );
  if (found.length > 0) return { meanings: found, blocks: [], similar: [] };
  if (number !== undefined) return { meanings: [], blocks: catalogs.flatMap((c) => blocksOf(c, number)), similar: [] };
  return { meanings: [], blocks: [], similar: catalogs.flatMap((c) => similarTo(c, asked)).slice(0, MAX_SIMILAR) };
}

function byNumber(catalog: Catalog, number: number): Meaning[] {
  const direct = catalog.entries.filter(({ code }) => code === number).map((entry) => ({ catalog, entry }));
  const shifted = shiftsOf(catalog).flatMap(({ subtract, called }) =>
    catalog.entries
      .filter(({ code }) => code === number - subtract)
      .map((entry) => ({ catalog, entry, shifted: { called, from: number } })),
  );
  return [...direct, ...shifted];
}

function byWord(catalog: Catalog, asked: string): Meaning[] {
  const wanted = asked.toLowerCase();
  const meanings: Meaning[] = [];
  for (const entry of catalog.entries) {
    const words = [entry.code, entry.name, ...(entry.texts ?? [])];
    const args = entry.template === undefined ? undefined : fill(entry.template, asked);
    if (words.some((word) => String(word).toLowerCase() === wanted)) meanings.push({ catalog, entry });
    else if (args !== undefined) meanings.push({ catalog, entry, args });
  }
  return meanings;
}

function blocksOf(catalog: Catalog, number: number): Block[] {
  const blocks: Block[] = [];
  const group = groupOfNumber(catalog, number);
  if (group !== undefined) blocks.push({ catalog, group, code: number });
  for (const { subtract, called } of shiftsOf(catalog)) {
    const behind = groupOfNumber(catalog, number - subtract);
    if (behind !== undefined) {
      blocks.push({ catalog, group: behind, code: number - subtract, shifted: { called, from: number } });
    }
  }
  return blocks;
}

/** The other ways to write a code, as the catalog's own rules say. */
function shiftsOf(catalog: Catalog): { subtract: number; called: string }[] {
  return catalog.rules.flatMap(({ find }) =>
    find.by === 'code' && find.subtract !== undefined
      ? [{ subtract: find.subtract, called: find.called ?? `value with ${find.subtract} added` }]
      : [],
  );
}

function similarTo(catalog: Catalog, asked: string): Meaning[] {
  const wanted = asked.toLowerCase();
  if (wanted === '') return [];
  return catalog.entries
    .filter(({ code, name }) => `${code} ${name}`.toLowerCase().includes(wanted))
    .map((entry) => ({ catalog, entry }));
}
