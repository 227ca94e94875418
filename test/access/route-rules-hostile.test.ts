// No spelling of a path may reach what the rules refuse, on any backend; a naive gate must be caught by the same search.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouteRules } from '../../src/access/route-rules.ts';
import { parseRouteRules } from '../../src/access/route-rules-file.ts';
import { contractWirePath, judge, type PlainRule, READINGS, readAs } from './support/backend-readings.ts';
import { runs } from './support/fuzz.ts';
import { mutator } from './support/path-mutations.ts';

const CARVED: readonly PlainRule[] = [
  { path: '/project/robot/stop', deny: 'all' },
  { path: '/project/robot/secret/**', deny: 'all' },
  { path: '/project/robot/a b', deny: 'all' },
  { path: '/project/*/private', deny: 'control' },
  { path: '/project/robot/slow', allow: 'monitor', min_period_ms: 500 },
  { path: '/project/robot/**', allow: 'all', credentials: ['panel'] },
  { path: '/project/context/tasks[0]/reset', allow: 'control' },
];

const WIDE_OPEN: readonly PlainRule[] = [
  { path: '/admin/**', deny: 'all' },
  { path: '/*/secret', deny: 'all' },
  { path: '/project/robot/stop', deny: ['POST', 'DELETE'] },
  { path: '/project/robot/slow', allow: 'monitor', min_period_ms: 500 },
  { path: '/project/robot/**', allow: 'all', min_period_ms: 10 },
  { path: '/**', allow: 'all' },
];

const SEEDS = [
  ...[
    '/project/robot/stop',
    '/project/robot/secret',
    '/project/robot/secret/key',
    '/project/robot/a b',
    '/project/robot/a%20b',
  ],
  ...['/project/robot/private', '/project/robot/slow', '/project/robot/joints', '/project/robot', '/project/robot/'],
  ...[
    '/project/context/tasks[0]/reset',
    '/project/context/tasks%5B0%5D/reset',
    '/admin',
    '/admin/users',
    '/x/secret',
    '/status',
    '/',
  ],
];

type Decide = RouteRules['decide'];

const BASE = 'http://backend.test:8080';

/** What is wrong with allowing this path, if anything. */
function escapeOf(rules: readonly PlainRule[], decide: Decide, method: string, path: string): string | undefined {
  const request = { method, path, credential: 'panel' };
  const decision = decide(request);
  if (!decision.allowed) return undefined;
  if (!/^\/[\x21-\x7e]*$/.test(path)) return 'is not a path of visible ASCII';
  for (const url of [new URL(path, BASE), new URL(BASE + path)]) {
    if (url.origin !== BASE || url.username !== '') return `leaves the origin for ${url.origin}`;
    if (url.search !== '' || url.hash !== '') return 'ends early';
    const meant = decoded(url.pathname);
    if (meant === undefined) return 'has escapes that are not UTF-8';
    const floor = judge(rules, request, meant);
    if (floor === undefined) return `is ${url.pathname} once resolved, which the rules refuse`;
  }
  for (const [name, reading] of Object.entries(READINGS)) {
    const meant = readAs(reading, path);
    const floor = judge(rules, request, meant);
    if (floor === undefined) return `is ${JSON.stringify(meant)} for a backend that ${name}, which the rules refuse`;
    if (method === 'GET' && floor > decision.minPeriodMs)
      return `escapes the floor of ${floor} ms as ${JSON.stringify(meant)}`;
  }
  return undefined;
}

interface Search {
  mutations: number;
  allowed: number;
  escapes: string[];
}

function search(rules: readonly PlainRule[], decide: Decide, seed: number, count: number, contract: boolean): Search {
  const found: Search = { mutations: 0, allowed: 0, escapes: [] };
  const mutations = mutator(SEEDS, seed);
  for (let index = 0; index < count; index += 1) {
    const url = mutations.next();
    const path = contract ? contractWirePath(url) : url;
    found.mutations += 1;
    if (path === undefined) continue;
    const method = ['GET', 'POST', 'PUT', 'DELETE'][index % 4]!;
    if (decide({ method, path, credential: 'panel' }).allowed) found.allowed += 1;
    const fault = escapeOf(rules, decide, method, path);
    if (fault !== undefined) found.escapes.push(`${method} ${JSON.stringify(url)} ${fault}`);
  }
  return found;
}

const gate = (rules: readonly PlainRule[]): Decide => {
  const loaded = parseRouteRules(JSON.stringify({ rules }));
  if (loaded.rules === undefined) throw new Error(loaded.faults.join('\n'));
  return loaded.rules.decide.bind(loaded.rules);
};

describe('hostile paths', () => {
  describe.each([
    ['carve-outs from one allowed branch', CARVED],
    ['carve-outs from everything', WIDE_OPEN],
  ])('under %s', (_, rules) => {
    it.each([
      ['behind the url rules of the contract', true],
      ['without them', false],
    ])('never reach what is refused, %s', (__, contract) => {
      const decide = gate(rules);
      const total = { mutations: 0, allowed: 0 };
      fc.assert(
        fc.property(fc.integer(), (seed) => {
          const { mutations, allowed, escapes } = search(rules, decide, seed, 500, contract);
          total.mutations += mutations;
          total.allowed += allowed;
          expect(escapes).toEqual([]);
        }),
        { numRuns: runs(100) },
      );
      expect(total.mutations).toBeGreaterThanOrEqual(50_000 * Math.min(1, runs(100) / 100));
      // Refusing everything would pass as well: some of the mutations are harmless and must get through.
      expect(total.allowed).toBeGreaterThan(total.mutations / 100);
    });
  });

  it.each<[string, (rules: readonly PlainRule[]) => Decide]>([
    ['compares paths as they are sent', (rules) => naive(rules, (path) => path)],
    ['decodes first and asks no more', (rules) => naive(rules, (path) => decoded(path) ?? path)],
    ['resolves, then decodes', (rules) => naive(rules, (path) => decoded(new URL(path, BASE).pathname) ?? path)],
    ['allows everything', () => RouteRules.EVERYTHING.decide.bind(RouteRules.EVERYTHING)],
    ['forgets the floor', (rules) => withoutFloor(gate(rules))],
  ])('are found by this search in a gate that %s', (_, broken) => {
    const reached = [CARVED, WIDE_OPEN].flatMap((rules) =>
      search(rules, broken(rules), 1, 10_000, true).escapes.filter((one) =>
        /which the rules refuse|the floor/.test(one),
      ),
    );
    expect(reached.length).toBeGreaterThan(0);
  });

  it('never reach what is refused, whatever the rules', () => {
    const segment = fc.constantFrom('a', 'b', 'stop', '*', 'x y', '[0]');
    const path = fc
      .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
      .map(([names, open]) => `/${[...names, ...(open ? ['**'] : [])].join('/')}`);
    const methods = fc.constantFrom<string | string[]>('all', 'monitor', 'control', ['POST']);
    const rule: fc.Arbitrary<PlainRule> = fc.oneof(
      fc.record({ path, allow: methods }),
      fc.record({ path, allow: fc.constantFrom('all', 'monitor'), min_period_ms: fc.constantFrom(5, 50) }),
      fc.record({ path, deny: methods }),
      fc.record({ path, allow: methods, credentials: fc.constantFrom(['panel'], ['other']) }),
    );
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), fc.integer(), (rules, seed) => {
        const decide = gate(rules);
        const mutations = mutator(['/a/b', '/a', '/b/stop', '/a/x%20y', '/stop/[0]', '/'], seed);
        for (let index = 0; index < 50; index += 1) {
          const path = mutations.next();
          expect(escapeOf(rules, decide, index % 2 === 0 ? 'GET' : 'POST', path)).toBeUndefined();
        }
      }),
      { numRuns: runs(400) },
    );
  });
});

function naive(rules: readonly PlainRule[], read: (path: string) => string): Decide {
  return ({ method, path, credential }) => {
    const floor = judge(rules, { method, credential }, read(path));
    return floor === undefined ? { allowed: false } : { allowed: true, minPeriodMs: floor };
  };
}

function withoutFloor(decide: Decide): Decide {
  return (request) => (decide(request).allowed ? { allowed: true, minPeriodMs: 0 } : { allowed: false });
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
