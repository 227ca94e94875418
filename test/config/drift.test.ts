// The table of settings against everything that is generated from it, in both directions.
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import {
  renderConfigSchema,
  renderEnvExample,
  renderSettingsHelp,
  renderSettingsTable,
} from '../../src/config/render.ts';
import { checkConfig } from '../../src/config/report.ts';
import { type Environment, loadConfig, SETTINGS } from '../../src/config.ts';

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

const NAMES = SETTINGS.map(({ name }) => name);
const AGAIN = 'run: npx tsx src/config/generate.ts';

describe('.env.example', () => {
  const text = read('.env.example');

  it('is what the table gives', () => {
    expect(text, AGAIN).toBe(renderEnvExample());
  });

  it('names each setting once, in order, and nothing else', () => {
    expect([...text.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name)).toEqual(NAMES);
  });

  it('changes nothing as it is, and nothing when every line is taken in', () => {
    expect(parseEnv(text)).toEqual({});
    const all = parseEnv(text.replace(/^#([A-Z_]+=)/gm, '$1')) as Environment;
    expect(Object.keys(all).sort()).toEqual([...NAMES].sort());
    expect(loadConfig(all)).toEqual(loadConfig({}));
  });

  it('tells the default and the range of each', () => {
    const blocks = text.split('\n\n');
    for (const { name, fallback, spec } of SETTINGS) {
      const block = blocks.find((candidate) => candidate.includes(`\n#${name}=`))!.replaceAll('\n# ', ' ');
      expect(block).toContain(spec.allowed.replaceAll('`', ''));
      expect(block).toContain(`Default: ${fallback === '' ? 'unset' : fallback}`);
      if (spec.unit !== undefined) expect(block).toContain(`(${spec.unit})`);
    }
  });
});

describe('schemas/config.schema.json', () => {
  const schema = JSON.parse(read('schemas/config.schema.json'));
  const validate = new Ajv({ allErrors: true, strictTypes: true }).compile(schema);

  function printed(env: Environment): Record<string, unknown> {
    const { settings } = JSON.parse(checkConfig(env, '/nonexistent/.env').stdout) as {
      settings: Record<string, { value: unknown }>;
    };
    return Object.fromEntries(
      Object.entries(settings).flatMap(([name, { value }]) => (value === null ? [] : [[name, value]])),
    );
  }

  it('is what the table gives', () => {
    expect(schema, AGAIN).toEqual(JSON.parse(renderConfigSchema()));
    expect(Object.keys(schema.properties)).toEqual(NAMES);
  });

  it.each([
    {},
    {
      BACKEND_URL: 'https://robot.example/api',
      BACKEND_HEADERS: '{"Authorization":"x"}',
      BACKEND_CA: 'ca.pem',
      TLS_CERT: 'c',
      TLS_KEY: 'k',
      TLS_CLIENT_CA: 'a',
      WORKERS: 'auto',
      AUTH_TOKENS: 'a:b',
      LIMITS_ALLOW: '::1',
      ERROR_CATALOGS: 'a,b',
      ROUTE_RULES: 'r.json',
    },
  ])('accepts an effective configuration: %j', (env) => {
    const values = printed(env);
    expect(validate(values), JSON.stringify(validate.errors)).toBe(true);
    expect(Object.keys(values)).toEqual(expect.arrayContaining(Object.keys(env)));
  });

  it.each([
    { PORT: 65536 },
    { PORT: '49000' },
    { WORKERS: 'all' },
    { WORKERS: 0 },
    { LOG_LEVEL: 'loud' },
    { BACKEND_URL: 'http://u@h' },
    { BACKEND_HEADERS: { a: 1 } },
    { LIMITS_ALLOW: '::1' },
    { TLS_CERT: 'c' },
    { UNKNOWN: 1 },
  ])('refuses %j', (values) => {
    expect(validate(values)).toBe(false);
  });

  it('gives the defaults that loading gives', () => {
    const defaults = printed({});
    for (const [name, property] of Object.entries(schema.properties as Record<string, { default?: unknown }>)) {
      if (property.default !== undefined) expect(property.default).toEqual(defaults[name]);
    }
    const withDefault = NAMES.filter((name) => schema.properties[name].default !== undefined);
    expect(withDefault).toEqual(SETTINGS.filter(({ fallback }) => fallback !== '').map(({ name }) => name));
  });
});

describe('the table for the README and the help', () => {
  it('name each setting once, in order', () => {
    expect([...renderSettingsTable().matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name)).toEqual(NAMES);
    expect([...renderSettingsHelp().matchAll(/^ {2}([A-Z_]+) {2}\[/gm)].map(([, name]) => name)).toEqual(NAMES);
  });

  it('keep to four columns and to the width of a terminal', () => {
    for (const line of renderSettingsTable().trimEnd().split('\n')) {
      expect(line.replaceAll('\\|', '').split('|')).toHaveLength(6);
    }
    for (const line of renderSettingsHelp().split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });
});

describe('each setting', () => {
  it('has one sentence, a section and a default that can be read', () => {
    for (const { name, sentence, fallback, unset, spec } of SETTINGS) {
      expect(sentence, name).toMatch(/^[A-Z].*\.$/);
      expect(fallback === '' ? unset : spec.read(fallback).ok, name).toBeTruthy();
    }
    expect(new Set(NAMES).size).toBe(NAMES.length);
    const secrets = SETTINGS.filter(({ spec }) => spec.secret).map(({ name }) => name);
    expect(secrets).toEqual(['BACKEND_HEADERS', 'AUTH_TOKENS']);
  });
});
