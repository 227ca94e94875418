// What `npm run explain` prints: for people, and as JSON for programs.
import type { Entry } from './catalog.ts';
import type { Block, Lookup, Meaning, Shifted } from './lookup.ts';
import { adviceFor, waitOf } from './retry.ts';

/** Whether and when to try again, in one sentence; the schedule is written out as the waits it leads to. */
export function retrySentence({ catalog, entry }: Pick<Meaning, 'catalog' | 'entry'>): string {
  if (entry.already_done === true) return 'no need: what was asked for is the case already';
  if (!entry.retryable) return 'no: it needs a change first';
  if (entry.retry_after_ms !== undefined) return `yes, after ${seconds(entry.retry_after_ms)}`;
  const schedule = entry.schedule === undefined ? undefined : catalog.schedules?.[entry.schedule];
  if (schedule === undefined) return 'yes';
  const { max_attempts } = schedule;
  const waits = Array.from({ length: Math.min(max_attempts ?? 5, 8) }, (_, at) => waitOf(schedule, at + 1) / 1000);
  const end = max_attempts === undefined ? '' : `; give up after ${max_attempts} tries`;
  return `yes, after ${waits.join(', ')} s (never more than ${seconds(schedule.max_ms)})${end}`;
}

/** The answer for a reader. */
export function lookupText(query: string, { meanings, blocks, similar }: Lookup): string {
  if (meanings.length > 0) return meanings.map(meaningText).join('\n\n');
  const head = `${query}: no catalog lists this code or name.`;
  if (blocks.length > 0) return [head, ...blocks.map(blockText)].join('\n');
  if (similar.length > 0) return [head, 'Names that contain it:', ...similar.map(similarText)].join('\n');
  return `${head}\nIt belongs to no known block of numbers either.`;
}

/** The same for a program. */
export function lookupJson(query: string, { meanings, blocks, similar }: Lookup): object {
  return {
    query,
    meanings: meanings.map(meaningJson),
    blocks: blocks.map(({ catalog, group, code, shifted }) => ({
      catalog: catalog.id,
      code,
      group: group.name,
      ...(group.family !== undefined && { family: group.family }),
      range: group.range,
      ...(shifted !== undefined && { written_as: shifted }),
      ...(group.unlisted !== undefined && { meaning: group.unlisted.meaning, hint: group.unlisted.hint }),
    })),
    similar: similar.map(({ catalog, entry }) => ({ catalog: catalog.id, code: entry.code, name: entry.name })),
  };
}

function meaningJson({ catalog, entry, shifted, args }: Meaning): object {
  const { code, name, group, meaning, hint } = entry;
  return {
    catalog: catalog.id,
    code,
    name,
    ...(group !== undefined && { group }),
    ...(meaning !== undefined && { meaning }),
    hint,
    ...adviceFor(catalog, entry, 1),
    ...(entry.already_done === true && { already_done: true }),
    ...(shifted !== undefined && { written_as: shifted }),
    ...(args !== undefined && { args }),
  };
}

function meaningText(found: Meaning): string {
  const { catalog, entry, shifted, args } = found;
  return [
    title(catalog.id, entry),
    row('system', catalog.title),
    row('group', entry.group),
    row('note', shifted === undefined ? undefined : shiftText(shifted, entry.code)),
    row('with', args?.join(', ')),
    row('meaning', entry.meaning),
    row('what to do', entry.hint),
    row('try again', retrySentence(found)),
  ]
    .filter((line) => line !== undefined)
    .join('\n');
}

function title(id: string, { code, name }: Entry): string {
  return `${id} ${code}  ${name}`;
}

function row(label: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : `  ${label.padEnd(11)} ${text}`;
}

function shiftText({ called, from }: Shifted, code: Entry['code']): string {
  return `${from} is the ${called} of ${code}`;
}

function blockText({ catalog, group, code, shifted }: Block): string {
  const range = group.range === undefined ? '' : ` ${group.range[0]}-${group.range[1]}`;
  const family = group.family === undefined ? '' : ` (${group.family})`;
  const as = shifted === undefined ? '' : `as the ${shifted.called} of ${code} `;
  const advice = group.unlisted === undefined ? '' : `\n    ${group.unlisted.hint}`;
  return `  ${catalog.id}: ${as}it would belong to ${group.name}${range}${family}${advice}`;
}

function similarText({ catalog, entry }: Meaning): string {
  return `  ${title(catalog.id, entry)}`;
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
