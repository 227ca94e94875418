// Reads codes and names out of the documents the catalogs were made from, where somebody has them: CATALOG_DOCUMENTS_DIR names the folder.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a document says about one row of its tables. */
export type Row = readonly [code: number | string, name: string];

const DOCUMENTS = process.env['CATALOG_DOCUMENTS_DIR'];

/** False when the folder is not named: then only what was recorded can be compared. */
export const documentsPresent = DOCUMENTS !== undefined && DOCUMENTS !== '';

/** How a document of the folder is known from its beginning. */
const HEADINGS: Readonly<Record<string, string>> = {
  'open-stream': '# 4. Error Codes',
  'multiscreen-srt': '# Multi-Screen SRT Streaming System',
  'srt-reject': '# SRT Rejection Codes',
  makapix: '# Error Codes\n\nHTTP status codes',
  'tencent-ilvb': '## IMSDK Error Codes',
};

/** The text of the document behind a catalog. Throws when the folder does not hold it. */
export function documentOf(id: string): string {
  const folder = DOCUMENTS ?? '';
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n');
    if (text.startsWith(HEADINGS[id] ?? '\0')) return text;
  }
  throw new Error(`${folder} holds no document for ${id}: none begins with ${JSON.stringify(HEADINGS[id])}`);
}

/** Cells of the table rows of a text, in order; a backslash keeps a bar inside its cell. */
function tableRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.trimStart().startsWith('|'))
    .map((line) =>
      line
        .trim()
        .split(/(?<!\\)\|/)
        .slice(1)
        .map((cell) => cell.trim()),
    );
}

const isNumber = (cell: string | undefined): boolean => /^[0-9]+$/.test(cell ?? '');

/** Every row, in the order of the document, repetitions included. */
export const readRows: Readonly<Record<string, (text: string) => Row[]>> = {
  'open-stream': (text) =>
    tableRows(text).flatMap(([code = '', name = '']) =>
      /^[a-z]+(_[a-z]+)+$/.test(code) ? [[code, name] as const] : [],
    ),
  'multiscreen-srt': (text) =>
    tableRows(text.slice(0, text.indexOf('## Error Handling Best Practices'))).flatMap(([code, name = '']) =>
      isNumber(code) ? [[Number(code), name] as const] : [],
    ),
  'srt-reject': (text) =>
    tableRows(text).flatMap(([code, name = '']) =>
      isNumber(code) ? [[Number(code), name.slice(1, name.indexOf(']'))] as const] : [],
    ),
  makapix: readMakapix,
  'tencent-ilvb': (text) =>
    tableRows(text).flatMap(([first = '', second = '']): Row[] => {
      if (isNumber(second)) return [[Number(second), first]];
      return isNumber(first) ? [[Number(first), second]] : [];
    }),
};

function readMakapix(text: string): Row[] {
  const rows: Row[] = [];
  for (const section of text.split(/^(?=##+ )/m)) {
    const [heading = ''] = section.split('\n');
    const status = /^### ([0-9]{3}) /.exec(heading)?.[1];
    for (const [first = '', second = ''] of tableRows(section).slice(2)) {
      if (status !== undefined) rows.push([Number(status), first]);
      else if (heading === '## HTTP Status Codes') rows.push([Number(first), second.split(' - ')[0] ?? '']);
      else if (heading === '### Error Codes') rows.push([first.replaceAll('`', ''), second]);
      else if (heading === '### Validation Errors') rows.push(['VALIDATION_ERROR', first]);
    }
  }
  return rows;
}
