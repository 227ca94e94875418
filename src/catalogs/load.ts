// The catalogs that ERROR_CATALOGS names: built-in ids or files, checked before the gateway listens.
import { readFileSync, statSync } from 'node:fs';
import { BUILT_IN } from './built-in.ts';
import type { Catalog } from './catalog.ts';
import { createExplainer, type Explainer } from './explainer.ts';
import { validateCatalog } from './validate.ts';

/** A longer file is no catalog: 2000 entries fit several times. */
export const MAX_FILE_BYTES = 4 * 1_048_576;

interface LoadedCatalogs {
  readonly catalogs: readonly Catalog[];
  /** One sentence per fault, each beginning with the name as it was given. */
  readonly faults: readonly string[];
}

/** Reads and checks every named catalog; blank names are passed over, files are relative to the working directory. */
export function readCatalogs(names: readonly string[]): LoadedCatalogs {
  const catalogs: Catalog[] = [];
  const faults: string[] = [];
  for (const name of names.map((given) => given.trim()).filter((given) => given !== '')) {
    const read = readCatalog(name);
    if (!('catalog' in read)) faults.push(...read.faults.map((fault) => `${name}: ${fault}`));
    else if (!catalogs.some(({ id }) => id === read.catalog.id)) catalogs.push(read.catalog);
    else
      faults.push(`${name}: /id: ${JSON.stringify(read.catalog.id)} is chosen already; each catalog needs its own id`);
  }
  return { catalogs, faults };
}

/**
 * What explains the errors of the backend, by built-in ids or file paths, first hit wins.
 * `explainer` is undefined when nothing is chosen or anything is wrong; `faults` then names every fault.
 */
export function loadCatalogs(names: readonly string[]): { explainer: Explainer | undefined; faults: string[] } {
  const { catalogs, faults } = readCatalogs(names);
  const usable = catalogs.length > 0 && faults.length === 0;
  return { explainer: usable ? createExplainer(catalogs) : undefined, faults: [...faults] };
}

function readCatalog(name: string): ReturnType<typeof validateCatalog> {
  const builtIn = BUILT_IN.get(name);
  if (builtIn !== undefined) return { catalog: builtIn, faults: [] };
  const file = readText(name);
  if ('fault' in file) return { faults: [file.fault] };
  let value: unknown;
  try {
    value = JSON.parse(file.text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return { faults: [`is not JSON: ${(error as Error).message}`] };
  }
  return validateCatalog(value);
}

function readText(path: string): { readonly text: string } | { readonly fault: string } {
  try {
    const found = statSync(path);
    // A pipe or device could be read for ever.
    if (!found.isFile()) return { fault: 'is no file' };
    if (found.size > MAX_FILE_BYTES)
      return { fault: `has ${found.size} bytes; a catalog has at most ${MAX_FILE_BYTES}` };
    return { text: readFileSync(path, 'utf8') };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message;
    return { fault: `${why}; give the path of a file, or one of ${[...BUILT_IN.keys()].join(', ')}` };
  }
}
