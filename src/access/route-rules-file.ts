// The file of route rules: read, checked as schemas/route-rules.schema.json says, every fault named at once by its place.
import { PERIOD_MAX_MS, PERIOD_MIN_MS } from '../../protocol/limits.ts';
import { readBoundedFile } from './bounded-file.ts';
import { parsePattern, type RoutePattern } from './route-pattern.ts';
import { ROUTE_METHODS, type RouteRule, RouteRules } from './route-rules.ts';

const MAX_FILE_BYTES = 1_048_576;
const MAX_RULES = 1000;
const MAX_PATH_LENGTH = 2048;
const MAX_FAULTS = 100;
const CREDENTIAL = /^[A-Za-z0-9._-]{1,64}$/;

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  all: ROUTE_METHODS,
  monitor: ['GET'],
  control: ['POST', 'PUT', 'DELETE'],
};

type LoadedRouteRules =
  | { readonly rules: RouteRules; readonly faults: readonly [] }
  | { readonly rules?: never; readonly faults: readonly string[] };

/**
 * Loads a rule file of at most 1 MiB and 1000 rules. Faults begin with the JSON pointer of what is wrong, 100 at most.
 * `credentialNames` are the credentials there are; a rule for another one is a fault, since it would never match.
 */
export function loadRouteRules(path: string, credentialNames?: readonly string[]): LoadedRouteRules {
  const file = readBoundedFile(path, MAX_FILE_BYTES);
  if ('fault' in file) return { faults: [`the file ${file.fault}`] };
  return parseRouteRules(file.text, credentialNames);
}

/** `loadRouteRules` for a text already read. */
export function parseRouteRules(text: string, credentialNames?: readonly string[]): LoadedRouteRules {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return { faults: [`the file is not JSON: ${printable((error as Error).message, 200)}`] };
  }
  const check = new Check(credentialNames);
  const rules = check.document(document);
  const { faults } = check;
  if (faults.length === 0) return { rules: RouteRules.of(rules), faults: [] };
  const more = faults.length - MAX_FAULTS;
  return { faults: more > 0 ? [...faults.slice(0, MAX_FAULTS), `and ${more} more`] : faults };
}

type JsonObject = Readonly<Record<string, unknown>>;

class Check {
  readonly faults: string[] = [];
  readonly #credentialNames: ReadonlySet<string> | undefined;

  constructor(credentialNames: readonly string[] | undefined) {
    this.#credentialNames = credentialNames === undefined ? undefined : new Set(credentialNames);
  }

  document(value: unknown): RouteRule[] {
    if (!isObject(value)) {
      this.#fault('', `must be an object with "rules", not ${shown(value)}`);
      return [];
    }
    this.#members(value, '', ['$schema', 'comment', 'rules']);
    this.#text(value['$schema'], '/$schema');
    this.#text(value['comment'], '/comment');
    const { rules } = value;
    if (!Array.isArray(rules)) {
      this.#fault('/rules', rules === undefined ? 'is missing' : `must be a list, not ${shown(rules)}`);
      return [];
    }
    if (rules.length > MAX_RULES) this.#fault('/rules', `has ${rules.length} rules; at most ${MAX_RULES} are allowed`);
    return rules.slice(0, MAX_RULES).flatMap((rule, index) => this.#rule(rule, `/rules/${index}`));
  }

  /** The rule, or nothing when it has a fault. */
  #rule(value: unknown, at: string): RouteRule[] {
    const before = this.faults.length;
    if (!isObject(value)) {
      this.#fault(at, `must be an object, not ${shown(value)}`);
      return [];
    }
    this.#members(value, at, ['comment', 'path', 'allow', 'deny', 'credentials', 'min_period_ms']);
    this.#text(value['comment'], `${at}/comment`);
    const pattern = this.#pattern(value['path'], `${at}/path`);
    const verdict = 'deny' in value ? 'deny' : 'allow';
    if ('allow' in value === 'deny' in value) this.#fault(at, 'must have either "allow" or "deny"');
    const allow = this.#methods(value['allow'], `${at}/allow`);
    const deny = this.#methods(value['deny'], `${at}/deny`);
    const methods = allow ?? deny;
    const credentials = this.#credentials(value['credentials'], `${at}/credentials`);
    const minPeriodMs = this.#period(value['min_period_ms'], `${at}/min_period_ms`);
    if (value['min_period_ms'] !== undefined && !(verdict === 'allow' && methods?.has('GET') === true)) {
      this.#fault(`${at}/min_period_ms`, 'needs an "allow" that includes monitor: nothing else has a period');
    }
    if (this.faults.length > before || pattern === undefined || methods === undefined) return [];
    return [{ verdict, methods, pattern, minPeriodMs, ...(credentials === undefined ? {} : { credentials }) }];
  }

  #pattern(value: unknown, at: string): RoutePattern | undefined {
    if (typeof value !== 'string') {
      this.#fault(at, value === undefined ? 'is missing' : `must be a string, not ${shown(value)}`);
      return undefined;
    }
    const length = [...value].length;
    const pattern = length > MAX_PATH_LENGTH ? `is longer than ${MAX_PATH_LENGTH} characters` : parsePattern(value);
    if (typeof pattern !== 'string') return pattern;
    this.#fault(at, `${pattern} (${shown(value)})`);
    return undefined;
  }

  #methods(value: unknown, at: string): ReadonlySet<string> | undefined {
    if (value === undefined) return undefined;
    if (Array.isArray(value))
      return this.#names(
        value,
        at,
        (one) => (ROUTE_METHODS as readonly unknown[]).includes(one),
        ROUTE_METHODS.join(', '),
      );
    if (typeof value === 'string' && Object.hasOwn(GROUPS, value)) return new Set(GROUPS[value]);
    this.#fault(at, `must be "all", "monitor", "control" or a list of methods, not ${shown(value)}`);
    return undefined;
  }

  #credentials(value: unknown, at: string): ReadonlySet<string> | undefined {
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) {
      this.#fault(at, `must be a list of names of AUTH_TOKENS, not ${shown(value)}`);
      return undefined;
    }
    if (value.length > MAX_RULES) {
      this.#fault(at, `has ${value.length} names; at most ${MAX_RULES} are allowed`);
      return undefined;
    }
    const names = this.#names(
      value,
      at,
      (one) => typeof one === 'string' && CREDENTIAL.test(one),
      'the names in AUTH_TOKENS',
    );
    for (const [index, name] of value.entries()) {
      if (this.#credentialNames !== undefined && names.has(name) && !this.#credentialNames.has(name)) {
        this.#fault(`${at}/${index}`, `is ${shown(name)}, and no credential in AUTH_TOKENS has this name`);
      }
    }
    return names;
  }

  /** A list of one or more different strings that fit. */
  #names(list: readonly unknown[], at: string, fits: (one: unknown) => boolean, expected: string): Set<string> {
    const names = new Set<string>();
    if (list.length === 0) this.#fault(at, 'must not be an empty list');
    for (const [index, one] of list.entries()) {
      if (!fits(one)) this.#fault(`${at}/${index}`, `must be one of ${expected}, not ${shown(one)}`);
      else if (names.has(one as string)) this.#fault(`${at}/${index}`, `repeats ${shown(one)}`);
      else names.add(one as string);
    }
    return names;
  }

  #period(value: unknown, at: string): number {
    if (value === undefined) return 0;
    if (Number.isInteger(value) && (value as number) >= PERIOD_MIN_MS && (value as number) <= PERIOD_MAX_MS)
      return value as number;
    this.#fault(at, `must be an integer from ${PERIOD_MIN_MS} to ${PERIOD_MAX_MS} (milliseconds), not ${shown(value)}`);
    return 0;
  }

  #text(value: unknown, at: string): void {
    if (value !== undefined && typeof value !== 'string') this.#fault(at, `must be a string, not ${shown(value)}`);
  }

  #members(value: JsonObject, at: string, known: readonly string[]): void {
    for (const name of Object.keys(value)) {
      if (known.includes(name)) continue;
      const pointer = printable(name.replaceAll('~', '~0').replaceAll('/', '~1'), 60);
      this.#fault(`${at}/${pointer}`, `is unknown; known here are ${known.join(', ')}`);
    }
  }

  #fault(pointer: string, message: string): void {
    this.faults.push(`${pointer === '' ? '(the whole file)' : pointer}: ${message}`);
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value for a message, cut short. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(printable(value, 60));
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function printable(text: string, max: number): string {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');
}
