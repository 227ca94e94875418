// Reads the pages of protocol/ for the drift tests: headings, tables and backticked names.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Every file below `folder` whose name ends with one of these; nothing when the folder is not there. */
export function filesBelow(folder: string, endings: readonly string[]): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .filter((path) => endings.some((ending) => path.endsWith(ending)) && statSync(join(ROOT, path)).isFile())
    .sort();
}

/** The text from the heading that contains `[tag]` to the next heading of the same level or a higher one. */
export function clause(page: string, tag: string): string {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.includes(`[${tag}]`));
  if (start < 0) throw new Error(`no heading [${tag}]`);
  const level = /^#+/.exec(lines[start]!)![0].length;
  const length = lines.slice(start + 1).findIndex((line) => (/^(#+) /.exec(line)?.[1]?.length ?? 99) <= level);
  return lines.slice(start, length < 0 ? undefined : start + 1 + length).join('\n');
}

/** The rows of the first table whose head begins with these cells, as cells without outer white space. */
export function table(text: string, ...head: readonly string[]): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => {
    const found = cells(line);
    return line.startsWith('|') && head.every((cell, index) => found[index] === cell);
  });
  if (start < 0) throw new Error(`no table with the head ${head.join(' | ')}`);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(cells(line));
  }
  return rows;
}

const cells = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The names between backticks; blocks of code are passed over. */
export function quoted(text: string): string[] {
  return [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}

/** The clause tags (OS-2.4) in brackets. */
export function tags(text: string): string[] {
  return [...text.matchAll(/\[(OS-[0-9][0-9.]*)/g)].map((match) => match[1]!);
}
