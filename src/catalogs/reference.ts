// One catalog as a Markdown page. Pure: the pages in protocol/catalogs are its output, and a test holds them to it.
import type { Catalog, Entry, Group, Rule } from './catalog.ts';
import { retrySentence } from './explain-text.ts';

/** The page `protocol/catalogs/<id>.md`, ending in a newline. */
export function renderReference(catalog: Catalog): string {
  return `${[
    `<!-- What the codes of ${catalog.id} mean, for reading. Rendered from ${catalog.id}.json: change that file, then see README.md. -->`,
    `# ${escaped(catalog.title)}`,
    `Catalog \`${catalog.id}\`, ${catalog.entries.length} entries. Source: ${escaped(catalog.source)}. Meanings and advice are ours.`,
    ...section('Worth knowing', list(catalog.notes ?? [])),
    ...section('How it is recognised', list(catalog.rules.map(ruleLine))),
    ...section('Limits', limitTable(catalog)),
    ...groupsOf(catalog).flatMap(([group, entries]) => groupSection(catalog, group, entries)),
  ].join('\n\n')}\n`;
}

function section(title: string, body: string): string[] {
  return body === '' ? [] : [`## ${title}`, body];
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${escaped(item)}`).join('\n');
}

function ruleLine({ about, status }: Rule): string {
  if (status === undefined) return about;
  return `${about} (HTTP ${status.from === status.to ? status.from : `${status.from} to ${status.to}`})`;
}

function limitTable({ limits = [] }: Catalog): string {
  return limits.length === 0
    ? ''
    : table(
        ['Operation', 'Limit', 'Window'],
        limits.map(({ operation, limit, window }) => [operation, limit === null ? 'varies' : String(limit), window]),
      );
}

/** Groups in their order in the catalog; entries without a group come first. */
function groupsOf(catalog: Catalog): [Group | undefined, Entry[]][] {
  const groups: (Group | undefined)[] = [undefined, ...(catalog.groups ?? [])];
  return groups.map((group) => [group, catalog.entries.filter((entry) => entry.group === group?.name)]);
}

function groupSection(catalog: Catalog, group: Group | undefined, entries: readonly Entry[]): string[] {
  const unlisted = group?.unlisted;
  if (entries.length === 0 && unlisted === undefined) return [];
  const parts = [`## ${escaped(group?.name ?? 'Codes')}`];
  const about = [group?.family, group?.range && `codes ${group.range[0]} to ${group.range[1]}`].filter(Boolean);
  if (about.length > 0) parts.push(`${escaped(about.join(', '))}.`);
  if (unlisted !== undefined) parts.push(`Not listed: ${escaped(`${unlisted.meaning} ${unlisted.hint}`)}`);
  if (entries.length > 0) {
    const rows = entries.map((entry) => [
      String(entry.code),
      entry.name,
      entry.meaning ?? '',
      entry.hint,
      retrySentence({ catalog, entry }),
    ]);
    parts.push(table(['Code', 'Name', 'What happened', 'What to do first', 'Try again'], rows));
  }
  return parts;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** Text that Markdown leaves as it is: no cell ends early, no name turns into emphasis or a tag. */
function escaped(text: string): string {
  return text.replace(/[\\|<>*_`[\]]/g, (mark) => (mark === '<' ? '&lt;' : mark === '>' ? '&gt;' : `\\${mark}`));
}
