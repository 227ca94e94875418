// Judges a request that reached the backend: by the url that led to it, by its head, and by what backends may take its path for.
import { contractWirePath, judge, type PlainRule, READINGS, readAs } from '../../access/support/backend-readings.ts';
import type { RawRequest } from '../../faults/support/raw-backend.ts';

export interface Expected {
  readonly method: string;
  readonly url: string;
}

export interface Scope {
  readonly rules: readonly PlainRule[];
  readonly credential: string | undefined;
  /** Host and port of BACKEND_URL. */
  readonly host: string;
  /** Path of BACKEND_URL. */
  readonly base: string;
}

const HEAD = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n((?:[!-9;-~]+: [^\r\n]*(?:\r\n|$))*)$/;
const HEADERS = new Set(['host', 'connection', 'content-length', 'content-type', 'x-fixed']);

/** What is wrong with this request having been sent, if anything. */
export function verdictOn(request: RawRequest, expected: Expected | undefined, scope: Scope): string | undefined {
  const head = HEAD.exec(`${request.head}\r\n`);
  if (head === null) return 'has a head that is not one';
  const names = head[3]!
    .split('\r\n')
    .filter(Boolean)
    .map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
  const strange = names.find((name) => !HEADERS.has(name));
  if (strange !== undefined) return `has the header ${strange}, which nobody set`;
  if (new Set(names).size !== names.length) return 'has a header twice';
  if (!request.head.includes(`\r\nhost: ${scope.host}\r\n`)) return 'is for another host';
  if (request.body !== '') return 'has a body that nobody sent';
  const { path: target, method } = request;
  if (!target.startsWith(`${scope.base}/`)) return 'is outside the path of BACKEND_URL';
  const origin = `http://${scope.host}`;
  for (const url of [new URL(target, origin), new URL(origin + target)]) {
    if (url.origin !== origin || url.username !== '') return `leaves the origin for ${url.origin}`;
    if (!url.pathname.startsWith(`${scope.base}/`)) return `climbs to ${url.pathname}`;
  }
  const path = target.slice(scope.base.length).split('?', 1)[0]!;
  if (expected !== undefined) {
    if (method !== expected.method) return `has another method than ${expected.method}`;
    if (path !== contractWirePath(expected.url)) return `has another path than the contract makes of ${expected.url}`;
  }
  for (const [name, reading] of Object.entries(READINGS)) {
    const meant = readAs(reading, path);
    if (judge(scope.rules, { method, credential: scope.credential }, meant) === undefined)
      return `is ${JSON.stringify(meant)} for a backend that ${name}, which the rules refuse`;
  }
  return undefined;
}
