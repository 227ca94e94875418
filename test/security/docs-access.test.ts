// The pages on access: their examples load and decide as they say, and their figures are those of the code.
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { Credentials } from '../../src/access/credentials.ts';
import { parseRouteRules } from '../../src/access/route-rules-file.ts';
import { SETTINGS } from '../../src/config/settings.ts';
import { temporaryFolder } from '../access/support/temporary-folder.ts';

const folder = temporaryFolder();
const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const page = read('docs/access.md');
const security = read('SECURITY.md');

const block = (language: string): string => new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)![1]!;

/** The rows of the table under this heading, without their code marks. */
function table(firstColumn: string): string[][] {
  const lines = page.split('\n');
  const head = lines.findIndex((line) => line.startsWith(`| ${firstColumn} `));
  const rows: string[][] = [];
  for (const line of lines.slice(head + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
  }
  return rows;
}

function credentials(): Credentials {
  const parsed = Credentials.parse(`@${folder.write('tokens', block('tokens'))}`);
  expect(parsed.faults).toEqual([]);
  return parsed.credentials!;
}

test('the token file of the example loads', () => {
  const known = credentials();
  expect(known.names).toEqual(['panel', 'teach-box', 'logger']);
  expect(known.verify('REPLACE-ME-6f1c0d9e5a7b48c2a3f1')).toBe('panel');
});

test('tokens written as values load as the page says', () => {
  const values = [...page.matchAll(/^ {4}AUTH_TOKENS=(.*)$/gm)].map((match) => match[1]!);
  expect(values.length).toBe(2);
  expect(Credentials.parse(values[0]).credentials?.names).toEqual(['panel', 'maintenance']);
  expect(Credentials.parse(values[1]).faults[0]).toContain('taken for a file');
});

test('the rule file of the example is right by its schema, loads, and decides as the table says', () => {
  const text = block('json');
  const validate = new Ajv({ strict: false }).compile(JSON.parse(read('schemas/route-rules.schema.json')) as object);
  expect(validate(JSON.parse(text)), JSON.stringify(validate.errors)).toBe(true);
  const { rules, faults } = parseRouteRules(text, credentials().names);
  expect(faults).toEqual([]);
  const rows = table('Credential');
  expect(rows.length).toBeGreaterThan(10);
  for (const [credential = '', method = '', path = '', decision = ''] of rows) {
    const found = rules!.decide({ method, path, credential });
    const told = found.allowed ? (found.minPeriodMs > 0 ? `${found.minPeriodMs} ms` : 'allowed') : 'refused';
    expect(told, `${credential} ${method} ${path}`).toBe(decision);
  }
});

test('every measure is there with its default and its unit', () => {
  const rows = table('Setting');
  for (const [name = '', fallback = '', unit = '', when = ''] of rows) {
    const setting = SETTINGS.find((one) => one.name === name);
    expect(setting, name).toBeDefined();
    expect(fallback, name).toBe(setting!.fallback === '' ? 'unset' : setting!.fallback);
    if (setting!.spec.unit !== undefined) expect(unit, name).toBe(setting!.spec.unit);
    expect(when.length, name).toBeGreaterThan(20);
  }
  const named = new Set(rows.map(([name]) => name));
  const missing = SETTINGS.filter(({ section, name }) => section === 'Access' && !named.has(name)).map(
    ({ name }) => name,
  );
  expect(missing).toEqual([]);
  for (const name of [
    'TLS_CERT',
    'TLS_KEY',
    'TLS_CLIENT_CA',
    'TRUSTED_PROXIES',
    'CONTROL_EXCLUSIVE',
    'BACKEND_CA',
    'BACKEND_HEADERS',
  ])
    expect(named).toContain(name);
});

test('both pages name only settings that exist, and link only to files that do', () => {
  const known = new Set(SETTINGS.map(({ name }) => name));
  for (const text of [page, security]) {
    for (const [, name = ''] of text.matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`/g))
      expect(known).toContain(name);
  }
  for (const [, target = ''] of page.matchAll(/\]\(([^)#]+)\)/g))
    expect(() => read(`docs/${target}`), target).not.toThrow();
  for (const [, target = ''] of security.matchAll(/\]\(([^)#]+)\)/g)) expect(() => read(target), target).not.toThrow();
});
