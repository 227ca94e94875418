// A small file tree in memory, so that DELETE has something to delete. No path in it ever reaches a real disk.
import { MAX_FILES, MAX_PATH_DEPTH, MAX_PATH_LENGTH } from './limits.ts';

/** A folder is a map of names; a file is `null` (only names matter here). */
type Folder = Map<string, Folder | null>;

/** What became of a mkdir. */
type MakeFolder = 'made' | 'exists' | 'not-a-folder' | 'full';

/** The names in `path` (`/` between them, doubled or outer ones ignored), or undefined when it is no usable path. */
export function pathNames(path: string): string[] | undefined {
  if (path.length > MAX_PATH_LENGTH) return undefined;
  const names = path.split('/').filter((name) => name !== '');
  if (names.length === 0 || names.length > MAX_PATH_DEPTH) return undefined;
  return names.some((name) => name === '.' || name === '..' || /[\x00-\x1f\x7f\\]/.test(name)) ? undefined : names;
}

/** Files and folders under one root. Paths are given as {@link pathNames} splits them. */
export class FileTree {
  readonly #root: Folder = new Map();
  #entries = 0;

  constructor() {
    for (const name of ['0001.job', '0002.job']) this.#addFile(['project', 'jobs', name]);
  }

  exists(names: readonly string[]): boolean {
    return this.#parent(names)?.has(names.at(-1)!) ?? false;
  }

  /** Makes a folder, and those above it that are missing. */
  makeFolder(names: readonly string[]): MakeFolder {
    if (this.exists(names)) return 'exists';
    if (this.#entries + names.length > MAX_FILES) return 'full';
    let folder = this.#root;
    for (const name of names) {
      const inside = folder.get(name);
      if (inside === null) return 'not-a-folder';
      const next = inside ?? new Map();
      if (inside === undefined) {
        folder.set(name, next);
        this.#entries++;
      }
      folder = next;
    }
    return 'made';
  }

  /** Removes a file, or a folder with all that is in it; nothing happens when it is not there. */
  remove(names: readonly string[]): void {
    const parent = this.#parent(names);
    const name = names.at(-1)!;
    const entry = parent?.get(name);
    if (entry === undefined) return;
    parent?.delete(name);
    this.#entries -= 1 + countInside(entry);
  }

  #addFile(names: readonly string[]): void {
    this.makeFolder(names.slice(0, -1));
    this.#parent(names)?.set(names.at(-1)!, null);
    this.#entries++;
  }

  #parent(names: readonly string[]): Folder | undefined {
    let folder: Folder = this.#root;
    for (const name of names.slice(0, -1)) {
      const inside = folder.get(name);
      if (!inside) return undefined;
      folder = inside;
    }
    return folder;
  }
}

function countInside(entry: Folder | null): number {
  if (entry === null) return 0;
  let count = entry.size;
  for (const inside of entry.values()) count += countInside(inside);
  return count;
}
