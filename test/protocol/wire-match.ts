// Compares a line of the server with a line of a transcript: the same members, each with the same characters or a mark.
import { rawMembers } from '../../src/framing/raw-members.ts';

const MARK = /<number>|<text>|<text naming ([^>]+)>/g;
const NUMBER = String.raw`-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const STRING = String.raw`"(?:[^"\\]|\\.)+"`;

/** Marks become what they might stand for, so that the line is JSON. */
export function sample(expected: string): string {
  return expected.replace(MARK, (mark, word: string | undefined) => {
    if (mark === '<number>') return '1';
    return JSON.stringify(word === undefined ? 'text' : `text ${word}`);
  });
}

/** What the members of a line of a transcript look like, as text with marks. */
function expectedMembers(expected: string): Map<string, string> {
  // Marks are kept out of the reader's way: each becomes a string that cannot stand in a transcript otherwise.
  const marks: string[] = [];
  const safe = expected.replace(MARK, (mark) => `"\\u0000${marks.push(mark) - 1}"`);
  const restore = (text: string): string => text.replace(/"\\u0000(\d+)"/g, (_all, index) => marks[Number(index)]!);
  return new Map([...rawMembers(safe)].map(([name, raw]) => [name, restore(raw)]));
}

function pattern(text: string): RegExp {
  let source = '';
  let at = 0;
  for (const mark of text.matchAll(MARK)) {
    source += escaped(text.slice(at, mark.index));
    if (mark[0] === '<number>') source += NUMBER;
    else source += mark[1] === undefined ? STRING : `(?="(?:[^"\\\\]|\\\\.)*${escaped(mark[1])})${STRING}`;
    at = mark.index + mark[0].length;
  }
  return new RegExp(`^${source}${escaped(text.slice(at))}$`);
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** undefined when they match, otherwise what differs. */
export function difference(expected: string, actual: string): string | undefined {
  const wanted = expectedMembers(expected);
  const found = rawMembers(actual);
  for (const [name, text] of wanted) {
    const raw = found.get(name);
    if (raw === undefined) return `${name} is missing`;
    if (!pattern(text).test(raw)) return `${name} is ${raw.slice(0, 200)} instead of ${text.slice(0, 200)}`;
  }
  for (const name of found.keys()) if (!wanted.has(name) && name !== 'hint') return `${name} was not expected`;
  return undefined;
}
