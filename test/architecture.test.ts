// The house as a test: who may import whom, no circles, and one owner for each third-party package.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Import {
  readonly from: string;
  readonly to: string;
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

/** What a room may load (`values`, types included) and what it may only know by its types. */
interface Door {
  readonly values: readonly string[];
  readonly types?: readonly string[];
}

/** A room is a folder of src/ (or a file of it that stands alone), and protocol/ and schemas/ beside them. */
const DOORS: Readonly<Record<string, Door>> = {
  protocol: { values: [] },
  log: { values: [] },
  metronome: { values: [] },
  'helper-threads': { values: [] },
  'busy-polling': { values: [] },
  turns: { values: [] },
  clock: { values: ['metronome', 'busy-polling'] },
  config: { values: ['protocol', 'log'] },
  framing: { values: ['protocol'] },
  commands: { values: ['protocol', 'schemas', 'framing'] },
  backend: { values: [] },
  catalogs: { values: ['protocol', 'schemas'] },
  access: { values: ['protocol'], types: ['session'] },
  events: { values: ['protocol', 'framing'], types: ['backend'] },
  polling: { values: ['protocol', 'clock', 'turns', 'events'], types: ['backend'] },
  session: { values: ['protocol', 'clock', 'events'], types: ['commands', 'backend', 'polling'] },
  transport: { values: ['protocol', 'clock', 'turns', 'framing', 'commands', 'session', 'events', 'access'] },
  observation: { values: ['protocol', 'log'], types: ['session', 'polling', 'backend'] },
  cluster: { values: ['observation'], types: ['access', 'log', 'transport'] },
  admin: { values: ['protocol', 'log', 'observation'] },
  simulator: { values: [] },
};

/** The composition may know everybody; nobody may know the composition. */
const COMPOSITION = new Set(['main', 'run', 'gateway', 'materials']);

/** Third-party packages have one owner each. */
const OWNERS: Readonly<Record<string, readonly RegExp[]>> = {
  ajv: [/^src\/commands\/validators\.ts$/, /^src\/catalogs\/validate\.ts$/],
  undici: [/^src\/backend\/[\w-]+\.ts$/],
  pino: [/^src\/log\.ts$/],
  'pino-pretty': [/^src\/log\.ts$/],
  'prom-client': [/^src\/admin\/[\w-]+\.ts$/],
};

const FILES = [...filesUnder('src'), ...filesUnder('protocol')];
const IMPORTS = FILES.flatMap((file) => importsOf(file, readFileSync(join(ROOT, file), 'utf8')));

describe('who may import whom', () => {
  test('every room has its row in the table', () => {
    const rooms = new Set(FILES.map(roomOf));
    for (const room of COMPOSITION) rooms.delete(room);
    expect([...rooms].filter((room) => DOORS[room] === undefined)).toEqual([]);
  });

  test('no import goes against the flow of data', () => {
    expect(IMPORTS.map(against).filter((sentence) => sentence !== undefined)).toEqual([]);
  });

  test('what is loaded at run time goes round in no circle', () => {
    expect(circle(IMPORTS)).toEqual([]);
  });

  test('no file passes on the exports of others', () => {
    const barrels = FILES.filter(
      (file) => /\/index\.ts$/.test(file) || isBarrel(readFileSync(join(ROOT, file), 'utf8')),
    );
    expect(barrels).toEqual([]);
  });

  test('each third-party package has its owner', () => {
    const strangers = IMPORTS.filter(({ from, to }) => isPackage(to) && !OWNERS[to]?.some((owner) => owner.test(from)));
    const packages = strangers.filter(({ to }) => !to.startsWith('node:'));
    expect(packages.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test('only transport opens TCP and TLS sockets', () => {
    const openers = FILES.filter((file) => !file.startsWith('src/transport/')).filter((file) =>
      opensSockets(readFileSync(join(ROOT, file), 'utf8')),
    );
    expect(openers).toEqual([]);
  });
});

describe('the test itself sees what it must see', () => {
  test.each([
    ["import { a } from './x.ts';", 'src/session/x.ts', false],
    ["import type { A } from '../x.ts';", 'src/x.ts', true],
    ["import { type A, type B } from '../polling/x.ts';", 'src/polling/x.ts', true],
    ["import { type A, b } from '../polling/x.ts';", 'src/polling/x.ts', false],
    ["import {\n  a,\n  b,\n} from 'undici';", 'undici', false],
    ["import a from 'ajv';", 'ajv', false],
    ["import s from '../../schemas/a.json' with { type: 'json' };", 'schemas/a.json', false],
    ["import './x.ts';", 'src/session/x.ts', false],
    ["export { a } from './x.ts';", 'src/session/x.ts', false],
    ["export type { A } from './x.ts';", 'src/session/x.ts', true],
    ["const x = await import('./x.ts');", 'src/session/x.ts', false],
  ])('in %s', (source, to, typeOnly) => {
    expect(importsOf('src/session/file.ts', source)).toEqual([{ from: 'src/session/file.ts', to, typeOnly }]);
  });

  test.each([
    ["import net from 'node:net';", true],
    ["import * as tls from 'node:tls';", true],
    ["import { isIP, createServer } from 'node:net';", true],
    ["import { connect } from 'node:tls';", true],
    ["import { isIP } from 'node:net';", false],
    ["import type { Socket } from 'node:net';", false],
    ["import { isIPv6, type Socket } from 'node:net';", false],
  ])('in %s, whether sockets can be opened', (source, opens) => {
    expect(opensSockets(source)).toBe(opens);
  });

  test('forbidden doors and circles', () => {
    const edge = (from: string, to: string, typeOnly = false): Import => ({ from, to, typeOnly });
    expect(against(edge('src/framing/a.ts', 'src/session/b.ts'))).toMatch(/framing may not import session/);
    expect(against(edge('src/session/a.ts', 'src/backend/b.ts'))).toMatch(/types of backend only/);
    expect(against(edge('src/session/a.ts', 'src/backend/b.ts', true))).toBeUndefined();
    expect(against(edge('src/session/a.ts', 'src/gateway.ts', true))).toMatch(/may not import gateway/);
    expect(against(edge('src/main.ts', 'src/gateway.ts'))).toBeUndefined();
    expect(circle([edge('a', 'b'), edge('b', 'c'), edge('c', 'a')])).toEqual(['a', 'b', 'c', 'a']);
    expect(circle([edge('a', 'b'), edge('b', 'a', true)])).toEqual([]);
  });
});

function importsOf(file: string, source: string): Import[] {
  const statement = /^(?:import|export)\s+((?:type\s+)?(?:[^'";]*?\sfrom\s+)?)'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;
  return [...source.matchAll(statement)].map((match) => {
    const specifier = match[2] ?? match[3] ?? '';
    const to = specifier.startsWith('.') ? join(dirname(file), specifier).split(sep).join('/') : specifier;
    return { from: file, to, typeOnly: match[1] !== undefined && namesTypesOnly(match[1]) };
  });
}

function namesTypesOnly(clause: string): boolean {
  if (clause.startsWith('type')) return true;
  const names = /^\{([^}]*)\}/.exec(clause.trim())?.[1];
  if (names === undefined) return false;
  return names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .every((name) => name.startsWith('type '));
}

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name.split(sep).join('/')}`);
}

function roomOf(file: string): string {
  const [first = '', second = ''] = file.split('/');
  return first === 'src' ? second.replace(/\.ts$/, '') : first;
}

function isPackage(specifier: string): boolean {
  return !/^(?:src|protocol|schemas|package\.json)(?:\/|$)/.test(specifier);
}

/** A sentence when the import uses a door that is not there. */
function against({ from, to, typeOnly }: Import): string | undefined {
  if (isPackage(to)) return undefined;
  const [room, other] = [roomOf(from), roomOf(to)];
  if (room === other || COMPOSITION.has(room)) return undefined;
  const door = DOORS[room];
  if (door?.values.includes(other)) return undefined;
  const known = door?.types?.includes(other);
  if (known && typeOnly) return undefined;
  return `${from} → ${to}: ${room} may not import ${other}${known ? ` (types of ${other} only)` : ''}`;
}

/** Names of node:net that only look at addresses. */
const HARMLESS = new Set(['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress']);

function opensSockets(source: string): boolean {
  return [...source.matchAll(/^import\s+([^'";]*?)\sfrom\s+'node:(?:net|tls)'/gm)].some(([, clause = '']) => {
    if (namesTypesOnly(clause)) return false;
    const names = /^\{([^}]*)\}$/.exec(clause.trim())?.[1];
    if (names === undefined) return true;
    return names.split(',').some((name) => {
      const word = name.trim();
      return word !== '' && !word.startsWith('type ') && !HARMLESS.has(word);
    });
  });
}

/** The files of one circle of run-time imports, the first one again at the end; empty when there is none. */
function circle(imports: readonly Import[]): string[] {
  const edges = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports) {
    if (!typeOnly) edges.set(from, [...(edges.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of edges.get(file) ?? []) {
      const found = walk(next, [...path, file]);
      if (found.length > 0) return found;
    }
    done.add(file);
    return [];
  };
  for (const file of edges.keys()) {
    const found = walk(file, []);
    if (found.length > 0) return found;
  }
  return [];
}

/** Nothing but imports and re-exports of values. */
function isBarrel(source: string): boolean {
  const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '').trim();
  const rest = code
    .replace(/^(?:import|export)\s+(?:type\s+)?[^;]*?\sfrom\s+'[^']+'(?:\s+with\s+\{[^}]*\})?;/gm, '')
    .trim();
  return code !== '' && rest === '' && /^export\s/m.test(code);
}
