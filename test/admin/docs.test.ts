// docs/operating.md says what there is: metrics, pages and log lines, held together in both directions.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { METRICS } from '../../src/admin/metrics.ts';
import { createPages } from '../../src/admin/pages.ts';
import { createSources } from './support.ts';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const PAGE = read('docs/operating.md');

/** Cells of every row of the table with these headings. */
function rows(...headings: readonly string[]): string[][] {
  const lines = PAGE.split('\n').map(cellsOf);
  const at = lines.findIndex((cells) => cells.join('|') === headings.join('|'));
  expect(at, headings.join()).toBeGreaterThan(-1);
  const below = lines.slice(at + 2);
  return below.slice(
    0,
    below.findIndex((cells) => cells.length === 0),
  );
}

const cellsOf = (line: string): string[] =>
  line.startsWith('|')
    ? line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim())
    : [];

const unquoted = (cell = ''): string => cell.replaceAll('`', '');

test('the table of metrics is the one in the code, word for word and in its order', () => {
  const documented = rows('Metric', 'Type', 'Label', 'Meaning').map(([name, type, label, help]) => [
    unquoted(name),
    type,
    unquoted(label),
    help,
  ]);
  const existing = METRICS.map((metric) => [
    metric.name,
    metric.type,
    (metric.type === 'histogram' ? undefined : metric.label) ?? '',
    metric.help,
  ]);
  expect(documented).toEqual(existing);
});

test('alarms speak of metrics that exist', () => {
  const names = new Set(METRICS.map(({ name }) => name));
  const expressions = rows('Sign', 'Expression', 'What it means, what to do first').map(([, expression = '']) =>
    expression.match(/\b(?:open_stream|process|nodejs)_\w+/g),
  );
  expect(expressions.length).toBeGreaterThan(5);
  for (const used of expressions) for (const name of used ?? ['nothing']) expect(names).toContain(name);
});

test('every page is documented, every documented one exists', () => {
  const documented = rows('Path', 'Answer').map(([path]) => unquoted(path));
  expect(documented).toEqual(Object.keys(createPages(createSources())));
});

describe('log lines', () => {
  const documented = rows('Level', 'Message', 'When', 'Fields worth knowing').map(([, message]) => unquoted(message));
  const sources = readdirSync(new URL('src/', ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(`src/${name}`));

  test('every documented message is written somewhere', () => {
    const missing = documented.filter((message) => !sources.some((source) => source.includes(`'${message}'`)));
    expect(missing).toEqual([]);
  });

  test('every message of the gateway and its observers is documented', () => {
    const written = ['src/gateway.ts', 'src/observation/observers.ts'].flatMap((file) =>
      messagesOf(read(file)).filter((message) => !documented.includes(message)),
    );
    expect(written).toEqual([]);
  });

  test('the search for messages finds them', () => {
    expect(messagesOf("log.info({ a: f(1) }, 'one');\nguard('warn', `k`, { y }, 'two');")).toEqual(['one', 'two']);
    expect(messagesOf("log[ok ? 'info' : 'error']({ ...who(s), ...shown(w) }, 'three');")).toEqual(['three']);
    expect(messagesOf(read('src/observation/observers.ts')).length).toBeGreaterThan(10);
  });
});

/** The last argument of every call of the log or a guard, where it is a literal. */
function messagesOf(source: string): string[] {
  const call = /\b(?:log(?:\.\w+|\[[^\]]*\])|guard)\((?:[^;]*?,\s*)?'([^']*)',?\s*\)/g;
  return [...source.matchAll(call)].map(([, message = '']) => message);
}
