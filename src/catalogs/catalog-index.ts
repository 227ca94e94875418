// One catalog's entries by code, by text and by name, built once so that an answer costs look-ups and no search.
import type { Catalog, Code, Entry, Group } from './catalog.ts';

export interface CatalogIndex {
  readonly catalog: Catalog;
  readonly byCode: ReadonlyMap<Code, readonly Entry[]>;
  /** By `texts`, or by `name` where there are none. Templates are not in it. */
  readonly byText: ReadonlyMap<string, readonly Entry[]>;
  /** By `name`, letter for letter. */
  readonly byName: ReadonlyMap<string, readonly Entry[]>;
  /** Entries with a template, those with the longest literal text first. */
  readonly templates: readonly Entry[];
  /** Every text of the catalog, longest first, so that of two that begin alike the longer is tried first. */
  readonly textsByLength: readonly (readonly [string, Entry])[];
  readonly longestName: number;
}

export function indexCatalog(catalog: Catalog): CatalogIndex {
  const plain = catalog.entries.filter((entry) => entry.template === undefined);
  const texts = plain.flatMap((entry) => textsOf(entry).map((text) => [text, entry] as const));
  return {
    catalog,
    byCode: groupBy(catalog.entries.map((entry) => [entry.code, entry])),
    byText: groupBy(texts),
    byName: groupBy(catalog.entries.map((entry) => [entry.name, entry])),
    templates: catalog.entries.filter((entry) => entry.template !== undefined).sort((a, b) => literal(b) - literal(a)),
    textsByLength: texts.sort(([a], [b]) => b.length - a.length),
    longestName: catalog.entries.reduce((longest, entry) => Math.max(longest, entry.name.length), 0),
  };
}

/** The group whose block of numbers holds `code`; of several the first. */
export function groupOfNumber(catalog: Catalog, code: number): Group | undefined {
  return catalog.groups?.find(({ range }) => range !== undefined && code >= range[0] && code <= range[1]);
}

function textsOf(entry: Entry): readonly string[] {
  return entry.texts ?? [entry.name];
}

function literal(entry: Entry): number {
  return (entry.template ?? []).reduce((sum, piece) => sum + piece.length, 0);
}

function groupBy<K>(pairs: readonly (readonly [K, Entry])[]): Map<K, Entry[]> {
  const map = new Map<K, Entry[]>();
  for (const [key, entry] of pairs) {
    const found = map.get(key);
    if (found === undefined) map.set(key, [entry]);
    else found.push(entry);
  }
  return map;
}
