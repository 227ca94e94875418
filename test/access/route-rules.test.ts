// What the rule file means, rule by rule: order, methods, credentials, patterns, floors.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouteRules } from '../../src/access/route-rules.ts';
import { parseRouteRules } from '../../src/access/route-rules-file.ts';
import type { PlainRule } from './support/backend-readings.ts';

function ruled(...rules: PlainRule[]) {
  const loaded = parseRouteRules(JSON.stringify({ rules }));
  if (loaded.rules === undefined) throw new Error(loaded.faults.join('\n'));
  const decide = loaded.rules.decide.bind(loaded.rules);
  /** The floor when allowed, else 'refused'. */
  return (method: string, path: string, credential?: string): number | 'refused' => {
    const decision = decide({ method, path, credential });
    return decision.allowed ? decision.minPeriodMs : 'refused';
  };
}

describe('route rules', () => {
  it('allow everything without a file and nothing without a rule', () => {
    const anything = { method: 'DELETE', path: '/%2e%2e//x', credential: undefined };
    expect(RouteRules.EVERYTHING.decide(anything)).toEqual({ allowed: true, minPeriodMs: 0 });
    const ask = ruled();
    for (const path of ['/', '/a', '/a/b']) expect(ask('GET', path)).toBe('refused');
  });

  it('match a name, any one segment, or any rest', () => {
    const ask = ruled(
      { path: '/a/b', allow: 'all' },
      { path: '/x/*/z', allow: 'all' },
      { path: '/open/**', allow: 'all' },
    );
    for (const path of ['/a/b', '/a/b/', '/x/1/z', '/x/%5B/z', '/open', '/open/', '/open/1', '/open/1/2/3']) {
      expect(ask('GET', path), path).toBe(0);
    }
    for (const path of ['/a', '/a/b/c', '/A/b', '/x/z', '/x/1/2/z', '/opened', '/', '/b'])
      expect(ask('GET', path), path).toBe('refused');
    expect(ruled({ path: '/**', allow: 'all' })('GET', '/')).toBe(0);
    expect(ruled({ path: '/', allow: 'all' })('GET', '/a')).toBe('refused');
    expect(ruled({ path: '/*/**', allow: 'all' })('GET', '/')).toBe('refused');
  });

  it('are tried from the top; the first that matches decides', () => {
    const ask = ruled(
      { path: '/a/stop', deny: 'control' },
      { path: '/a/**', allow: 'all' },
      { path: '/a/x', deny: 'all' },
    );
    expect(ask('POST', '/a/stop')).toBe('refused');
    expect(ask('GET', '/a/stop')).toBe(0);
    expect(ask('POST', '/a/x')).toBe(0);
  });

  it('tell methods apart', () => {
    const ask = ruled(
      { path: '/m', allow: 'monitor' },
      { path: '/c', allow: 'control' },
      { path: '/p', allow: ['PUT', 'GET'] },
    );
    const methods = (path: string) =>
      ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'get', ''].filter((method) => ask(method, path) === 0);
    expect(methods('/m')).toEqual(['GET']);
    expect(methods('/c')).toEqual(['POST', 'PUT', 'DELETE']);
    expect(methods('/p')).toEqual(['GET', 'PUT']);
  });

  it('tell credentials apart, and a rule for some never matches a session without one', () => {
    const ask = ruled(
      { path: '/a', deny: 'all', credentials: ['guest'] },
      { path: '/a', allow: 'all', credentials: ['panel', 'guest'] },
    );
    expect(ask('GET', '/a', 'panel')).toBe(0);
    expect(ask('GET', '/a', 'guest')).toBe('refused');
    expect(ask('GET', '/a', 'undefined')).toBe('refused');
    expect(ask('GET', '/a')).toBe('refused');
  });

  it('tell the floor of the rule that decides', () => {
    const ask = ruled(
      { path: '/slow', allow: 'monitor', min_period_ms: 500 },
      { path: '/**', allow: 'all', min_period_ms: 10 },
    );
    expect(ask('GET', '/slow')).toBe(500);
    expect(ask('GET', '/fast')).toBe(10);
  });

  it('hold in both readings: other case or composition neither escapes a rule nor its floor', () => {
    const ask = ruled(
      { path: '/Stop', deny: 'all' },
      { path: '/näme', deny: 'all' },
      { path: '/slow', allow: 'monitor', min_period_ms: 500 },
      { path: '/**', allow: 'all' },
    );
    for (const path of ['/Stop', '/stop', '/STOP', '/%EF%BD%93top', '/n%C3%A4me', '/N%C3%84ME', '/na%CC%88me'])
      expect(ask('GET', path), path).toBe('refused');
    expect(ask('GET', '/SLOW')).toBe(500);
    expect(ruled({ path: '/Read', allow: 'all' })('GET', '/read')).toBe('refused');
  });

  it('compare names decoded, however pattern and path spell them', () => {
    for (const pattern of ['/tasks[0]/a b/näme', '/tasks%5b0%5D/a%20b/n%c3%a4me', '/tasks[0]/a b/n%C3%A4me/']) {
      const ask = ruled({ path: pattern, allow: 'all' });
      expect(ask('GET', '/tasks[0]/a%20b/n%C3%A4me')).toBe(0);
      expect(ask('GET', '/tasks%5B0%5D/a%20b/n%c3%a4me')).toBe(0);
      expect(ask('GET', '/tasks[1]/a%20b/n%C3%A4me')).toBe('refused');
    }
    expect(ruled({ path: '/%2A', allow: 'all' })('GET', '/a')).toBe('refused');
    expect(ruled({ path: '/%2A', allow: 'all' })('GET', '/*')).toBe(0);
  });

  it('take a path without its query only', () => {
    expect(ruled({ path: '/**', allow: 'all' })('GET', '/a?b=c')).toBe('refused');
  });

  it('are decided in time that does not explode', () => {
    const stars = Array.from({ length: 1000 }, (_, index) => ({ path: `/${'*/'.repeat(index)}z/**`, allow: 'all' }));
    const ask = ruled(...stars);
    const started = performance.now();
    for (let index = 0; index < 20; index += 1) expect(ask('GET', `/${'a/'.repeat(1000)}a`)).toBe('refused');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('never depend on an object’s prototype', () => {
    fc.assert(
      fc.property(fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty'), (name) => {
        expect(ruled({ path: '/a', allow: 'all', credentials: ['x'] })('GET', '/a', name)).toBe('refused');
        expect(ruled({ path: '/a', allow: 'all' })(name, '/a')).toBe('refused');
        expect(parseRouteRules(`{"rules":[{"path":"/a","allow":"${name}"}]}`).faults).toHaveLength(1);
        expect(parseRouteRules(`{"rules":[],"${name}":{}}`).faults).toHaveLength(1);
      }),
    );
  });
});
