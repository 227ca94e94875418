// What has to hold in a catalog and no schema can say: references, duplicates, order of numbers.
import type { Catalog, Entry, Group, Rule } from './catalog.ts';

/** Each template costs a search through a text, so their number is bounded too. */
export const MAX_TEMPLATES = 256;

const DIGITS_ONLY = /^-?[0-9]+$/;

/** Every fault of a catalog that fits the schema, as `<JSON pointer>: <what is wrong>`. */
export function checkCatalog(catalog: Catalog): string[] {
  return [
    ...checkGroups(catalog.groups ?? []),
    ...checkSchedules(catalog),
    ...catalog.entries.flatMap((entry, at) => checkEntry(catalog, entry, `/entries/${at}`)),
    ...checkTemplateCount(catalog.entries),
    ...checkDuplicates(catalog),
    ...catalog.rules.flatMap((rule, at) => checkRule(catalog, rule, `/rules/${at}`)),
  ];
}

function checkGroups(groups: readonly Group[]): string[] {
  const faults: string[] = [];
  groups.forEach(({ name, range, unlisted }, at) => {
    const first = groups.findIndex((group) => group.name === name);
    if (first < at) faults.push(`/groups/${at}/name: ${JSON.stringify(name)} is the name of /groups/${first} already`);
    if (range !== undefined && range[0] > range[1]) faults.push(`/groups/${at}/range: ends before it begins`);
    if (unlisted !== undefined && range === undefined) {
      faults.push(`/groups/${at}/range: is missing, so nothing can be unlisted in this group`);
    }
  });
  return faults;
}

function checkSchedules({ schedules = {} }: Catalog): string[] {
  return Object.entries(schedules)
    .filter(([, { base_ms, max_ms }]) => max_ms < base_ms)
    .map(([name]) => `/schedules/${name}/max_ms: is less than base_ms`);
}

function checkEntry(catalog: Catalog, entry: Entry, at: string): string[] {
  const faults = checkRetry(catalog, entry, at);
  if (typeof entry.code === 'string' && DIGITS_ONLY.test(entry.code)) {
    faults.push(`${at}/code: write ${entry.code} as a number, without quotes`);
  }
  if (entry.group !== undefined && !hasGroup(catalog, entry.group))
    faults.push(`${at}/group: ${notAGroup(entry.group)}`);
  const { template } = entry;
  template?.slice(1, -1).forEach((piece, between) => {
    if (piece === '') faults.push(`${at}/template/${between + 1}: two placeholders need some text between them`);
  });
  if (template?.every((piece) => piece === '')) faults.push(`${at}/template: fits every text; give it some of its own`);
  if (template !== undefined && entry.texts !== undefined) faults.push(`${at}/texts: an entry has texts or a template`);
  return faults;
}

function checkRetry(catalog: Catalog, entry: Entry, at: string): string[] {
  const faults: string[] = [];
  const { retry_after_ms, schedule, retryable, already_done } = entry;
  if (!retryable && retry_after_ms !== undefined) faults.push(`${at}/retry_after_ms: needs "retryable": true`);
  if (!retryable && schedule !== undefined) faults.push(`${at}/schedule: needs "retryable": true`);
  if (retryable && already_done === true) faults.push(`${at}/already_done: contradicts "retryable": true`);
  if (schedule !== undefined && retry_after_ms !== undefined)
    faults.push(`${at}/schedule: stands beside retry_after_ms`);
  if (schedule !== undefined && !Object.hasOwn(catalog.schedules ?? {}, schedule)) {
    faults.push(`${at}/schedule: ${JSON.stringify(schedule)} is not among /schedules`);
  }
  return faults;
}

function checkTemplateCount(entries: readonly Entry[]): string[] {
  const count = entries.filter((entry) => entry.template !== undefined).length;
  return count > MAX_TEMPLATES ? [`/entries: ${count} templates, at most ${MAX_TEMPLATES} are allowed`] : [];
}

/** The same code twice is a fault, unless the two stand in different groups (tables) or their group is told apart by text. */
function checkDuplicates(catalog: Catalog): string[] {
  const byText = new Set(catalog.groups?.filter((group) => group.keyed_by === 'text').map((group) => group.name));
  const seen = new Map<string, number>();
  const faults: string[] = [];
  catalog.entries.forEach(({ code, name, group }, at) => {
    const told = group !== undefined && byText.has(group) ? name : null;
    const key = JSON.stringify([code, group ?? null, told]);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, at);
    else faults.push(`/entries/${at}/code: ${JSON.stringify(code)} stands at /entries/${first} already`);
  });
  return faults;
}

function checkRule(catalog: Catalog, rule: Rule, at: string): string[] {
  const faults: string[] = [];
  const { status, find } = rule;
  if (status !== undefined && status.from > status.to) faults.push(`${at}/status: ends before it begins`);
  if (find.by !== 'word') {
    find.groups?.forEach((group, index) => {
      if (!hasGroup(catalog, group)) faults.push(`${at}/find/groups/${index}: ${notAGroup(group)}`);
    });
  }
  if (find.by === 'code' && find.unlisted === true && !catalog.groups?.some((group) => group.unlisted !== undefined)) {
    faults.push(`${at}/find/unlisted: no group says what an unlisted number means`);
  }
  return faults;
}

function hasGroup(catalog: Catalog, name: string): boolean {
  return catalog.groups?.some((group) => group.name === name) ?? false;
}

function notAGroup(name: string): string {
  return `${JSON.stringify(name)} is not among /groups`;
}
