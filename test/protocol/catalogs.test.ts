// The catalogs are complete and invent nothing: compared with the documents where they are present, with what was recorded from them where not.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUILT_IN } from '../../src/catalogs/built-in.ts';
import type { Catalog, Entry } from '../../src/catalogs/catalog.ts';
import { validateCatalog } from '../../src/catalogs/validate.ts';
import { documentOf, documentsPresent, type Row, readRows } from '../catalogs/documents.ts';

/** Recorded from the documents: entries per group, and a digest over the sorted pairs of code and name. */
interface Recorded {
  readonly rows: number;
  readonly digest: string;
  readonly groups: Readonly<Record<string, number>>;
}

const recorded = JSON.parse(
  readFileSync(new URL('../catalogs/fixtures/recorded.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Recorded>>;
const ids = [...BUILT_IN.keys()];
const catalogOf = (id: string) => BUILT_IN.get(id) as Catalog;

function digest(rows: readonly Row[]): string {
  const lines = [...new Set(rows.map((row) => JSON.stringify(row)))].sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

/** Where the catalogs differ from the documents on purpose: one name that is printed wrongly, one code that stands twice. */
function corrected(id: string, rows: readonly Row[]): Row[] {
  if (id === 'open-stream') return rows.filter(([code], at) => rows.findIndex((row) => row[0] === code) === at);
  return rows.map((row) => (id === 'tencent-ilvb' && row[0] === 10009 ? [10009, 'AV_ERR_SERVER_ROOM_NOT_EXIST'] : row));
}

function pairs(catalog: Catalog): Row[] {
  return catalog.entries.map(({ code, name }) => [code, name]);
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

describe.each(ids)('%s', (id) => {
  const catalog = catalogOf(id);

  it('fits the schema and the checks', () => {
    expect(validateCatalog(catalog).faults).toEqual([]);
  });

  it('has the recorded codes and names, no more and no fewer', () => {
    expect(digest(pairs(catalog))).toBe(recorded[id]?.digest);
    expect(countBy(catalog.entries, ({ group = '' }) => group)).toEqual(recorded[id]?.groups);
  });

  it('says of every entry what happened and what to do', () => {
    for (const { code, meaning = '', hint } of catalog.entries) {
      expect(meaning, String(code)).toMatch(/^[A-Z].{5,}\.$/);
      expect(hint, String(code)).toMatch(/^[A-Z].{5,}\.$/);
    }
  });

  it('has notes on what is odd in its document', () => {
    expect(catalog.notes?.length).toBeGreaterThan(1);
  });

  // Not registered without the documents: the digest above then stands for them.
  if (documentsPresent) {
    it('has the rows of the document, in its order', () => {
      const rows = readRows[id]?.(documentOf(id)) ?? [];
      expect(rows).toHaveLength(recorded[id]?.rows ?? -1);
      expect(pairs(catalog)).toEqual(corrected(id, rows));
      expect(digest(corrected(id, rows))).toBe(recorded[id]?.digest);
    });

    it('copies no sentence of the document', () => {
      const plain = (text: string) => ` ${text.toLowerCase().replace(/[^a-z0-9]+/g, ' ')} `;
      const document = plain(documentOf(id));
      const sentences = (entry: Entry) => [entry.meaning ?? '', entry.hint].flatMap((text) => text.split(/[.;:]/));
      const copied = catalog.entries.flatMap(sentences).filter((sentence) => {
        return sentence.trim().split(/\s+/).length >= 5 && document.includes(plain(sentence));
      });
      expect(copied).toEqual([]);
    });
  }
});

describe('what the documents number', () => {
  it('open-stream: 24 codes from 25 rows', () => {
    expect(catalogOf('open-stream').entries).toHaveLength(24);
    expect(recorded['open-stream']?.rows).toBe(25);
  });

  it('multiscreen-srt: 250 codes, in each of five families ten at 00, 20, 40, 60 and 80', () => {
    const { entries, groups = [] } = catalogOf('multiscreen-srt');
    const expected = [1, 2, 3, 4, 5].flatMap((family) =>
      [0, 20, 40, 60, 80].flatMap((start) => Array.from({ length: 10 }, (_, at) => family * 100 + start + at)),
    );
    expect(entries.map(({ code }) => code)).toEqual(expected);
    expect(Object.values(countBy(groups, ({ family = '' }) => family))).toEqual([5, 5, 5, 5, 5]);
    for (const { code, group } of entries) {
      const [from, to] = groups.find(({ name }) => name === group)?.range ?? [0, 0];
      expect(Number(code) >= from && Number(code) <= to, String(code)).toBe(true);
    }
    const twice = Object.entries(countBy(entries, ({ name }) => name)).filter(([, count]) => count > 1);
    expect(twice.map(([name]) => entries.filter((entry) => entry.name === name).map(({ code }) => code))).toEqual([
      [182, 326],
      [184, 321],
      [188, 360],
    ]);
  });

  it('srt-reject: 18 internal numbers, 21 predefined ones, and a sentence of the library for each internal one', () => {
    const { entries } = catalogOf('srt-reject');
    const internal = entries.filter(({ group }) => group === 'internal');
    const predefined = entries.filter(({ group }) => group === 'predefined');
    expect(internal.map(({ code }) => code)).toEqual(Array.from({ length: 18 }, (_, code) => code));
    expect([predefined.length, predefined[0]?.code, predefined.at(-1)?.code]).toEqual([21, 1000, 1507]);
    expect(internal.every(({ texts = [] }) => texts.length > 0)).toBe(true);
    expect(predefined.some(({ texts }) => texts !== undefined)).toBe(false);
  });

  it('makapix: details 60 (10 with placeholders), statuses 11, MQTT codes and validation messages 5 each', () => {
    const { entries, limits } = catalogOf('makapix');
    const {
      'HTTP Status Codes': statuses,
      'MQTT Error Codes': mqtt,
      'Validation Errors': validation,
      ...details
    } = countBy(entries, ({ group = '' }) => group);
    expect([statuses, mqtt, validation]).toEqual([11, 5, 5]);
    expect(Object.values(details).reduce((sum, count) => sum + count, 0)).toBe(60);
    const templates = entries.filter(({ template }) => template !== undefined);
    expect(templates).toHaveLength(10);
    for (const { name, template = [] } of templates) {
      // Only the placeholders of the name are missing in the pieces.
      let rest = name;
      for (const piece of template.filter((text) => text !== '')) rest = rest.replace(piece, '|');
      expect(
        rest.split('|').filter((text) => text !== ''),
        name,
      ).toHaveLength(template.length - 1);
    }
    expect(limits).toHaveLength(10);
  });

  it('tencent-ilvb: 108 rows, 107 numbers, 1001 twice', () => {
    const { entries } = catalogOf('tencent-ilvb');
    const twice = Object.entries(countBy(entries, ({ code }) => String(code))).filter(([, count]) => count > 1);
    expect(entries).toHaveLength(108);
    expect(twice).toEqual([['1001', 2]]);
  });

  it('treats what is the case already as done', () => {
    const done = catalogOf('tencent-ilvb').entries.filter(({ already_done }) => already_done === true);
    expect(done.map(({ code }) => code)).toEqual([1003, 30000412, 30000413, 40000412, 40000413, 40000415]);
    expect(done.some(({ retryable }) => retryable)).toBe(false);
  });
});
