// Targets that an operator feeds: settings, tokens, address lists, route rules, catalogs. Right or wrong, never a crash, always a reason.
import { AddressList } from '../../../src/access/address.ts';
import { Credentials } from '../../../src/access/credentials.ts';
import { parseRouteRules } from '../../../src/access/route-rules-file.ts';
import { BUILT_IN } from '../../../src/catalogs/built-in.ts';
import { createExplainer } from '../../../src/catalogs/explainer.ts';
import { validateCatalog } from '../../../src/catalogs/validate.ts';
import { loadConfig, SETTINGS } from '../../../src/config.ts';
import { mutate } from '../support/mutate.ts';
import { hold, type Target } from '../support/target.ts';

const sentences = (faults: readonly string[]): void => {
  hold(faults.length > 0, 'neither accepted nor a fault');
  for (const fault of faults)
    hold(/\S/.test(fault) && !/[\0-\x1f]/.test(fault), `a fault that is no line: ${JSON.stringify(fault)}`);
};

const VALUES: readonly string[] = [
  '1',
  '0',
  '49000',
  'on',
  'off',
  'strict',
  '127.0.0.1',
  '::',
  'http://host:1/x',
  '10.0.0.0/8,::1',
  '{"a":"b"}',
  'x:secret',
  'auto',
  '',
];

/** Lines of NAME=value, as an environment. */
export const settings: Target = {
  name: 'settings',
  generate: (random) => {
    const lines = Array.from({ length: 1 + random.below(4) }, () => {
      const value = mutate(Buffer.from(random.pick(VALUES)), random)
        .toString('latin1')
        .replaceAll('\x1e', '');
      return `${random.pick(SETTINGS).name}=${value}`;
    });
    return Buffer.from(lines.join('\x1e'), 'latin1');
  },
  check: (input) => {
    const pairs = Buffer.from(input)
      .toString('latin1')
      .split('\x1e')
      .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
    const result = loadConfig(Object.fromEntries(pairs));
    if ('faults' in result) {
      hold(result.faults.length > 0, 'neither accepted nor a fault');
      return;
    }
    hold(Object.isFrozen(result.config), 'a config that can be changed');
    for (const [key, value] of Object.entries(result.config))
      hold(value !== undefined && !Number.isNaN(value), `${key} is ${String(value)}`);
  },
};

export const tokens: Target = {
  name: 'tokens',
  generate: (random) =>
    mutate(
      Buffer.from(
        random.pick(['alice:0123456789abcdef', 'a:aaaaaaaaaaaaaaaa,b:bbbbbbbbbbbbbbbb', 'token-without-a-name', '']),
      ),
      random,
    ),
  check: (input) => {
    // An entry with @ or / names a file; which files there are is no matter of the parser.
    const text = Buffer.from(input).toString('utf8').replaceAll('@', 'a').replaceAll('/', 'b');
    const { credentials, faults } = Credentials.parse(text);
    if (!credentials) {
      sentences(faults);
      return;
    }
    hold(credentials.verify(undefined) === undefined && credentials.verify({}) === undefined, 'no token fits');
    const named = credentials.names.some((name) => name.includes('0123456789abcdef'));
    hold(named || !JSON.stringify(credentials).includes('0123456789abcdef'), 'a token is shown');
  },
};

export const addresses: Target = {
  name: 'addresses',
  generate: (random) =>
    mutate(Buffer.from(random.pick(['10.0.0.0/8', '::1', '2001:db8::/32', '::ffff:1.2.3.4', '0.0.0.0/0'])), random),
  check: (input) => {
    const text = Buffer.from(input).toString('utf8');
    const { list, faults } = AddressList.parse([text]);
    if (!list) {
      sentences(faults);
      return;
    }
    for (const address of ['127.0.0.1', '::1', text, 'nonsense', '']) list.contains(address);
  },
};

const RULES = JSON.stringify({
  rules: [
    { path: '/a/*', allow: ['GET'], min_period_ms: 10 },
    { path: '/b/**', deny: 'all', credentials: ['alice'] },
    { path: '/**', allow: 'control', comment: 'x' },
  ],
});

export const rules: Target = {
  name: 'rules',
  generate: (random) => mutate(Buffer.from(RULES), random),
  check: (input) => {
    const loaded = parseRouteRules(Buffer.from(input).toString('utf8'), ['alice']);
    if (!loaded.rules) {
      sentences(loaded.faults);
      return;
    }
    for (const path of ['/a/b', '/b/c/d', '/a/%2e%2e/b', '/', '/a/b?c=d', `/${'a/'.repeat(500)}`])
      for (const method of ['GET', 'POST'] as const) loaded.rules.decide({ method, path, credential: 'alice' });
  },
};

const SMALL_CATALOG = JSON.stringify({
  id: 'my-robot',
  title: 'Robot controller',
  source: 'the manual',
  entries: [
    { code: -11, name: 'no playback', hint: 'Start playback.', retryable: false },
    { code: -12, name: 'buffer full', hint: 'Send slower.', retryable: true, retry_after_ms: 100 },
  ],
  rules: [{ about: 'a refusal', when: [{ at: '/_type', is: 'JObject' }], find: { by: 'code', at: ['/err_code'] } }],
});

const BODIES = [
  '{"_type":"JObject","err_code":-11,"err_msg":"x"}',
  '{"err_code":"-12"}',
  '[]',
  '',
  'text',
  '{"error":{"code":143}}',
].map((body) => Buffer.from(body));

export const catalogs: Target = {
  name: 'catalogs',
  generate: (random) => {
    const soil = random.oneIn(3) ? JSON.stringify(random.pick([...BUILT_IN.values()])) : SMALL_CATALOG;
    return mutate(Buffer.from(soil), random);
  },
  check: (input) => {
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(input).toString('utf8'));
    } catch {
      return;
    }
    const validated = validateCatalog(value);
    if (!('catalog' in validated)) {
      hold(validated.faults.length > 0, 'neither accepted nor a fault');
      return;
    }
    const explainer = createExplainer([validated.catalog]);
    for (const body of BODIES)
      for (const status of [200, 404, 503]) {
        const found = explainer.explain(status, body.length === 0 ? undefined : body, 3);
        if (found) hold(JSON.stringify(found.cause).startsWith('{'), 'a cause that is no object');
      }
  },
};
