// A wrong rule file must not start: every fault is named by its place, and the code agrees with the schema.
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import schema from '../../schemas/route-rules.schema.json' with { type: 'json' };
import { loadRouteRules, parseRouteRules } from '../../src/access/route-rules-file.ts';
import { runs } from './support/fuzz.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();

const faultsOf = (document: unknown, names?: string[]): readonly string[] =>
  parseRouteRules(JSON.stringify(document), names).faults;

describe('the rule file', () => {
  it('is loaded by path', () => {
    const rules = [{ path: '/a', allow: 'monitor', min_period_ms: 20, comment: 'slow controller' }];
    const loaded = loadRouteRules(
      folder.write('rules.json', JSON.stringify({ $schema: './x', comment: 'cell 7', rules })),
    );
    expect(loaded.faults).toEqual([]);
    expect(loaded.rules?.decide({ method: 'GET', path: '/a', credential: undefined })).toEqual({
      allowed: true,
      minPeriodMs: 20,
    });
  });

  it('that cannot be read or is not JSON is one fault', () => {
    expect(loadRouteRules(`${folder.path}/none`).faults).toEqual(['the file cannot be read (ENOENT)']);
    expect(loadRouteRules(folder.write('large', ' '.repeat(1_048_577))).faults).toEqual([
      'the file is larger than 1048576 bytes',
    ]);
    expect(loadRouteRules(folder.write('broken', '{"rules":\u001b[')).faults[0]).toMatch(
      /^the file is not JSON: [^\p{Cc}]+$/u,
    );
    expect(faultsOf([])).toEqual(['(the whole file): must be an object with "rules", not a list']);
    expect(faultsOf({})).toEqual(['/rules: is missing']);
  });

  it('names all its faults by JSON pointer, with what was found', () => {
    const rules = [
      { path: '/ok', allow: 'all' },
      { path: 'no-slash', allow: 'all' },
      { path: 7, allow: 'some', credentials: ['panel', 'pa nel', 'panel', 'ghost'] },
      { allow: 'all', deny: 'all' },
      { path: '/a' },
      { path: '/a/**/b', allow: [], 'ro~b/ot': 1 },
      { path: '/a', deny: 'all', min_period_ms: 20 },
      { path: '/a', allow: ['GET', 'PATCH', 'GET'], min_period_ms: 1 },
      { path: '/a', allow: 'control', min_period_ms: 30001.5, comment: {} },
      { path: '/a', allow: null, credentials: 'panel' },
      'rule',
    ];
    expect(faultsOf({ rules, extra: true }, ['panel'])).toEqual([
      '/extra: is unknown; known here are $schema, comment, rules',
      '/rules/1/path: must begin with / ("no-slash")',
      '/rules/2/path: must be a string, not 7',
      '/rules/2/allow: must be "all", "monitor", "control" or a list of methods, not "some"',
      '/rules/2/credentials/1: must be one of the names in AUTH_TOKENS, not "pa nel"',
      '/rules/2/credentials/2: repeats "panel"',
      '/rules/2/credentials/3: is "ghost", and no credential in AUTH_TOKENS has this name',
      '/rules/3/path: is missing',
      '/rules/3: must have either "allow" or "deny"',
      '/rules/4: must have either "allow" or "deny"',
      '/rules/5/ro~0b~1ot: is unknown; known here are comment, path, allow, deny, credentials, min_period_ms',
      '/rules/5/path: has ** before the end; it stands for all that follows, so it must be the last segment ("/a/**/b")',
      '/rules/5/allow: must not be an empty list',
      '/rules/6/min_period_ms: needs an "allow" that includes monitor: nothing else has a period',
      '/rules/7/allow/1: must be one of GET, POST, PUT, DELETE, not "PATCH"',
      '/rules/7/allow/2: repeats "GET"',
      '/rules/7/min_period_ms: must be an integer from 2 to 30000 (milliseconds), not 1',
      '/rules/8/comment: must be a string, not an object',
      '/rules/8/min_period_ms: must be an integer from 2 to 30000 (milliseconds), not 30001.5',
      '/rules/8/min_period_ms: needs an "allow" that includes monitor: nothing else has a period',
      '/rules/9/allow: must be "all", "monitor", "control" or a list of methods, not null',
      '/rules/9/credentials: must be a list of names of AUTH_TOKENS, not "panel"',
      '/rules/10: must be an object, not "rule"',
    ]);
  });

  it.each<[string, string]>([
    ['//a', 'has an empty segment, which no allowed path has'],
    ['/a//b', 'has an empty segment, which no allowed path has'],
    ['/a*', 'has a * inside segment 1; * stands for a whole segment (write %2A for a star in a name)'],
    ['/a/***', 'has a * inside segment 2; * stands for a whole segment (write %2A for a star in a name)'],
    ...[
      '/a/..',
      '/a/%2e%2e',
      '/a%2fb',
      '/a?b=1',
      '/a#b',
      '/a\\b',
      '/a;b',
      '/50%',
      '/%zz',
      '/a ',
      '/a\u0000',
      '/％2f',
    ].map((path): [string, string] => [
      path,
      `has a segment ${path.split('/').length - 1} that matches no path which may be sent at all`,
    ]),
  ])('refuses the pattern %j', (path, fault) => {
    const shown = JSON.stringify(path.replaceAll('\0', '\ufffd'));
    expect(faultsOf({ rules: [{ path, allow: 'all' }] })).toEqual([`/rules/0/path: ${fault} (${shown})`]);
  });

  it('is bounded in rules and in what is said about it', () => {
    const many = (count: number, path: string) => ({ rules: new Array(count).fill({ path, allow: 'all' }) });
    expect(faultsOf(many(1000, '/a'))).toEqual([]);
    expect(faultsOf(many(1001, '/a'))).toEqual(['/rules: has 1001 rules; at most 1000 are allowed']);
    const faults = faultsOf(many(1000, 'x'.repeat(900)));
    expect(faults).toHaveLength(101);
    expect(faults[100]).toBe('and 900 more');
    expect(Math.max(...faults.map((fault) => fault.length))).toBeLessThan(300);
    expect(parseRouteRules('['.repeat(1_000_000)).faults).toHaveLength(1);
  });
});

describe('the schema of the rule file', () => {
  const valid = new Ajv({ strict: true, strictRequired: false }).compile(schema);

  it('accepts what the code accepts; what the code alone refuses is a path pattern', () => {
    const scalar = fc.constantFrom<unknown>(null, true, 0, 1, 2, 20, 30000, 30001, 2.5, '', 'x', 'all', {}, []);
    const methods = fc.oneof(
      fc.constantFrom('all', 'monitor', 'control'),
      fc.array(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 3), { maxLength: 3 }),
      scalar,
    );
    const rule = fc.record(
      {
        path: fc.oneof(
          fc.constantFrom('/a', '/a/*/b', '/**', '/a/**/b', '/%2e', 'a', '', `/${'x'.repeat(2048)}`),
          scalar,
        ),
        allow: methods,
        deny: methods,
        credentials: fc.oneof(fc.array(fc.constantFrom('a', 'b', 'c d', 1), { maxLength: 3 }), scalar),
        min_period_ms: scalar,
        comment: scalar,
        other: scalar,
      },
      { requiredKeys: [] },
    );
    const usual = fc.record(
      {
        path: fc.constantFrom('/a', '/b/**', '/a//b'),
        allow: methods,
        credentials: fc.constantFrom<unknown>(['a'], ['a', 'b'], []),
        min_period_ms: fc.constantFrom<unknown>(2, 30000, 1),
      },
      { requiredKeys: ['path', 'allow'] },
    );
    const document = fc.oneof(
      { weight: 8, arbitrary: fc.record({ rules: fc.array(fc.oneof(rule, usual), { maxLength: 3 }) }) },
      {
        weight: 1,
        arbitrary: fc.record({ rules: scalar, comment: scalar, $schema: scalar, x: scalar }, { requiredKeys: [] }),
      },
      { weight: 1, arbitrary: scalar },
    );
    let accepted = 0;
    fc.assert(
      fc.property(document, (value) => {
        const faults = faultsOf(value);
        if (faults.length === 0) accepted += 1;
        if (valid(value)) expect(faults.filter((fault) => !/^\/rules\/\d+\/path: /.test(fault))).toEqual([]);
        else expect(faults.length).toBeGreaterThan(0);
      }),
      { numRuns: runs(4000) },
    );
    expect(accepted).toBeGreaterThan(runs(4000) / 50);
  });

  it('and the code refuse or accept any JSON at all without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), (text) => {
        const { rules, faults } = parseRouteRules(text);
        expect(rules === undefined).toBe(faults.length > 0);
      }),
      { numRuns: runs(2000) },
    );
  });
});
