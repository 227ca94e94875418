// The four ways in which a rule finds its entry: by code, by status, by text, by word. Everything else about a system is data.
import type { Answer } from './answer.ts';
import type { Code, CodeFind, Entry, Find, Group, StatusFind, TextFind, WordFind } from './catalog.ts';
import { type CatalogIndex, groupOfNumber } from './catalog-index.ts';
import { reader, upperCase } from './conditions.ts';
import { fill } from './template.ts';

export interface Found {
  /** Entries that fit: one, several that cannot be told apart, or none when `range` is there. */
  readonly entries: readonly Entry[];
  /** The code to report; without it the entry's own. */
  readonly code?: Code;
  /** The group an unlisted number belongs to. */
  readonly range?: Group;
  readonly args?: readonly string[];
}

type Finder = (answer: Answer) => Found | undefined;

/** A code that is written as a string is no longer than this. */
const MAX_CODE_CHARS = 128;
const DIGITS = /^-?[0-9]{1,15}$/;

export function compileFind(index: CatalogIndex, find: Find): Finder {
  switch (find.by) {
    case 'code':
      return byCode(index, find);
    case 'status':
      return byStatus(index, find);
    case 'text':
      return byText(index, find);
    case 'word':
      return byWord(index, find);
  }
}

function byCode(index: CatalogIndex, find: CodeFind): Finder {
  const read = reader(find.at);
  const allowed = allowedGroups(find.groups);
  const subtract = find.subtract ?? 0;
  return (answer) => {
    for (const value of read(answer)) {
      for (const written of codesIn(value, find.upper_case === true)) {
        const code = typeof written === 'number' ? written - subtract : written;
        const entries = (index.byCode.get(code) ?? []).filter(allowed);
        if (entries.length > 0) return { entries };
        if (find.unlisted !== true || typeof code !== 'number') continue;
        const range = groupOfNumber(index.catalog, code);
        if (range?.unlisted !== undefined) return { entries, code, range };
      }
    }
    return undefined;
  };
}

function byStatus(index: CatalogIndex, find: StatusFind): Finder {
  const allowed = allowedGroups(find.groups);
  return ({ status }) => {
    const entries = (index.byCode.get(status) ?? []).filter(allowed);
    return entries.length > 0 ? { entries } : undefined;
  };
}

function byText(index: CatalogIndex, find: TextFind): Finder {
  const texts = textReader(find.at);
  const inGroup = allowedGroups(find.groups);
  return (answer) => {
    const code = find.status === 'same' ? answer.status : find.status;
    const allowed = (entry: Entry) => (code === undefined || entry.code === code) && inGroup(entry);
    const reported = find.report === 'status' ? { code: answer.status } : {};
    for (const whole of texts(answer)) {
      for (const text of partsOf(whole, find)) {
        const found = matchText(index, text, allowed, find.continued_by);
        if (found !== undefined) return { ...found, ...reported };
      }
    }
    return undefined;
  };
}

/** Exact text first, then templates, then a documented text that goes on; in each the longest first. */
function matchText(
  index: CatalogIndex,
  text: string,
  allowed: (entry: Entry) => boolean,
  continuedBy: string | undefined,
): Found | undefined {
  const exact = (index.byText.get(text) ?? []).filter(allowed);
  if (exact.length > 0) return { entries: exact };
  for (const entry of index.templates) {
    const args = allowed(entry) ? fill(entry.template ?? [], text) : undefined;
    if (args !== undefined) return { entries: [entry], args };
  }
  if (continuedBy === undefined) return undefined;
  for (const [documented, entry] of index.textsByLength) {
    if (!text.startsWith(documented) || !text.startsWith(continuedBy, documented.length) || !allowed(entry)) continue;
    return { entries: (index.byText.get(documented) ?? []).filter(allowed) };
  }
  return undefined;
}

/** The parts of a text that may be the documented one: behind `after`, and without a prefix of `strip`. */
function partsOf(whole: string, find: TextFind): string[] {
  let text = whole.trim();
  if (find.after !== undefined) {
    const at = text.lastIndexOf(find.after);
    if (at < 0) return [];
    text = text.slice(at + find.after.length);
  }
  const prefix = find.strip?.find((candidate) => text.startsWith(candidate));
  return prefix === undefined ? [text] : [text.slice(prefix.length), text];
}

function byWord(index: CatalogIndex, find: WordFind): Finder {
  const texts = textReader(find.at);
  return (answer) => {
    for (const text of texts(answer)) {
      for (const word of wordsOf(text, index.longestName)) {
        const entries = index.byName.get(word);
        if (entries !== undefined) return { entries };
      }
    }
    return undefined;
  };
}

function* wordsOf(text: string, longest: number): Iterable<string> {
  let start = -1;
  for (let at = 0; at <= text.length; at++) {
    const inWord = at < text.length && isWordCharacter(text.charCodeAt(at));
    if (inWord && start < 0) start = at;
    if (inWord || start < 0) continue;
    // A word that is longer than every name is none of them, and is not copied.
    if (at - start <= longest) yield text.slice(start, at);
    start = -1;
  }
}

function isWordCharacter(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);
}

/** Codes that `value` can be: an integer, or a string as it is and, when it is digits, as a number. Nothing else is a code. */
function codesIn(value: unknown, upper: boolean): Code[] {
  // Adding 0 turns -0 into 0.
  if (typeof value === 'number') return Number.isSafeInteger(value) ? [value + 0] : [];
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_CODE_CHARS) return [];
  if (DIGITS.test(value)) return [Number(value) + 0];
  return [upper ? upperCase(value) : value];
}

function textReader(at: readonly string[] | 'anywhere'): (answer: Answer) => Iterable<string> {
  if (at === 'anywhere') return (answer) => answer.texts();
  const read = reader(at);
  return function* texts(answer) {
    for (const value of read(answer)) if (typeof value === 'string') yield value;
  };
}

function allowedGroups(groups: readonly string[] | undefined): (entry: Entry) => boolean {
  if (groups === undefined) return () => true;
  const names = new Set(groups);
  return (entry) => entry.group !== undefined && names.has(entry.group);
}
