// What loadConfig promises: defaults, bounds on both sides, every fault at once, secrets never shown, a frozen result.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Config, type Environment, loadConfig, SETTINGS } from '../src/config.ts';

function faultsOf(env: Environment): readonly string[] {
  const result = loadConfig(env);
  if ('config' in result) throw new Error('expected faults, got a configuration');
  return result.faults;
}

function configOf(env: Environment): Config {
  const result = loadConfig(env);
  if ('faults' in result) throw new Error(`unexpected faults: ${result.faults.join('; ')}`);
  return result.config;
}

/** Written out by hand from the contract, section 7, and not taken from the table under test. */
const INTEGERS: readonly (readonly [name: string, key: keyof Config, fallback: number, min: number, max: number])[] = [
  ['PORT', 'port', 49000, 0, 65535],
  ['WORKERS', 'workers', 1, 1, 128],
  ['BACKEND_TIMEOUT_MS', 'backendTimeoutMs', 3000, 10, 600000],
  ['BACKEND_CONNECTIONS', 'backendConnections', 64, 1, 4096],
  ['IDLE_TIMEOUT_MS', 'idleTimeoutMs', 180000, 100, 86400000],
  ['ARMED_TIMEOUT_MS', 'armedTimeoutMs', 5000, 100, 3600000],
  ['STOP_GRACE_MS', 'stopGraceMs', 1000, 0, 60000],
  ['DRAIN_TIMEOUT_MS', 'drainTimeoutMs', 10000, 100, 600000],
  ['MAX_CONSECUTIVE_ERRORS', 'maxConsecutiveErrors', 32, 1, 1000000],
  ['RX_BUFFER_BYTES', 'rxBufferBytes', 65536, 256, 16777216],
  ['RX_DISCARD_BYTES', 'rxDiscardBytes', 1048576, 0, 1073741824],
  ['TX_BUFFER_BYTES', 'txBufferBytes', 262144, 1024, 268435456],
  ['MAX_RESULT_BYTES', 'maxResultBytes', 1048576, 1, 67108864],
  ['MONITOR_MAX_IN_FLIGHT', 'monitorMaxInFlight', 1, 1, 64],
  ['CONTROL_QUEUE_DEPTH', 'controlQueueDepth', 256, 0, 100000],
  ['CONTROL_QUEUE_BYTES', 'controlQueueBytes', 1048576, 0, 268435456],
  ['CONTROL_EXCLUSIVE_IDLE_MS', 'controlExclusiveIdleMs', 60000, 100, 86400000],
  ['CONTROL_BUSY_POLL_US', 'controlBusyPollUs', 500, 0, 10000],
  ['MAX_SESSIONS', 'maxSessions', 4096, 1, 1000000],
  ['MAX_SESSIONS_PER_IP', 'maxSessionsPerIp', 0, 0, 1000000],
  ['MAX_CONNECTIONS_PER_SECOND_PER_IP', 'maxConnectionsPerSecondPerIp', 0, 0, 100000],
  ['MAX_COMMANDS_PER_SECOND_PER_IP', 'maxCommandsPerSecondPerIp', 0, 0, 1000000],
  ['ADMIN_PORT', 'adminPort', 49001, 0, 65535],
];

const OTHER_DEFAULTS: Partial<Config> = {
  host: '::',
  trustedProxies: [],
  backendHeaders: {},
  errorCatalogs: [],
  profile: 'strict',
  monitorSharing: true,
  controlExclusive: false,
  limitsAllow: [],
  adminHost: '127.0.0.1',
  logLevel: 'info',
};

describe('defaults', () => {
  it('are those of the contract, and optional settings are absent [OS-7]', () => {
    const integers = Object.fromEntries(INTEGERS.map(([, key, fallback]) => [key, fallback]));
    expect(loadConfig({})).toEqual({ config: { ...integers, ...OTHER_DEFAULTS }, warnings: [] });
  });

  it('cover every setting, the optional ones by being absent', () => {
    const optional = ['backendUrl', 'backendCa', 'tlsCert', 'tlsKey', 'tlsClientCa', 'authTokens', 'routeRules'];
    const keys = [...INTEGERS.map(([, key]) => key), ...Object.keys(OTHER_DEFAULTS), ...optional];
    expect(SETTINGS.map(({ key }) => key as string).sort()).toEqual(keys.sort());
  });

  it('hold for empty strings as for unset variables', () => {
    const empty = Object.fromEntries(SETTINGS.map(({ name }) => [name, '']));
    expect(loadConfig(empty)).toEqual(loadConfig({}));
  });
});

describe('integers', () => {
  it.each(INTEGERS)('%s takes both ends of its range and nothing beyond', (name, key, _fallback, min, max) => {
    // PORT at the default of ADMIN_PORT would be another fault, so the admin port is out of the way.
    const base = name === 'ADMIN_PORT' ? {} : { ADMIN_PORT: '0' };
    expect(configOf({ ...base, [name]: String(min) })[key]).toBe(min);
    expect(configOf({ ...base, [name]: String(max) })[key]).toBe(max);
    const above = faultsOf({ ...base, [name]: String(max + 1) });
    expect(above).toHaveLength(1);
    expect(above[0]).toContain(name);
    expect(above[0]).toContain(`"${max + 1}"`);
    expect(above[0]).toContain(`${min} to ${max}`);
    if (min > 0) expect(faultsOf({ ...base, [name]: String(min - 1) })[0]).toContain(`${min} to ${max}`);
  });

  it.each(['-1', '+1', '1.0', '1e3', '0x10', ' 300', '300 ', '300ms', '1_000', '٣٠٠', 'NaN', '9'.repeat(400)])(
    'are plain decimal digits: %j is not',
    (text) => {
      for (const [name] of INTEGERS) expect(faultsOf({ [name]: text })[0]).toMatch(new RegExp(`^${name} `));
    },
  );

  it('WORKERS takes auto', () => {
    expect(configOf({ WORKERS: 'auto' }).workers).toBe('auto');
    expect(faultsOf({ WORKERS: 'Auto' })[0]).toContain('auto');
  });
});

describe('words', () => {
  it.each([
    ['PROTOCOL_PROFILE', 'profile', { strict: 'strict', vendor: 'vendor' }],
    ['MONITOR_SHARING', 'monitorSharing', { on: true, off: false }],
    ['CONTROL_EXCLUSIVE', 'controlExclusive', { on: true, off: false }],
    [
      'LOG_LEVEL',
      'logLevel',
      Object.fromEntries(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].map((word) => [word, word])),
    ],
  ] as const)('%s takes exactly its words', (name, key, words) => {
    for (const [word, value] of Object.entries(words)) {
      expect(configOf({ [name]: word })[key]).toBe(value);
      expect(faultsOf({ [name]: word.toUpperCase() })[0]).toContain(word);
    }
    expect(faultsOf({ [name]: 'true' })[0]).toContain('"true"');
  });
});

describe('faults', () => {
  it('come all at once, one for each wrong setting', () => {
    const texts: Record<string, string> = {
      TLS_KEY: 'key\n.pem',
      TLS_CERT: 'a\tb',
      TLS_CLIENT_CA: '\0',
      AUTH_TOKENS: '\0',
    };
    const wrong = Object.fromEntries(SETTINGS.map(({ name }) => [name, texts[name] ?? '\x1b,,']));
    const faults = faultsOf(wrong);
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(SETTINGS.map(({ name }) => name));
  });

  it('show control characters as escapes and cut long values short', () => {
    const [fault] = faultsOf({ LOG_LEVEL: `\x1b[31m\u202e${'x'.repeat(10_000)}` });
    expect(fault).toContain('\\x1b[31m\\u202e');
    expect(fault!.length).toBeLessThan(500);
    expect(fault).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('never appear for variables that are not ours', () => {
    expect(loadConfig({ PATH: '/bin', HOME: '\0', npm_config_port: 'x' })).toEqual(loadConfig({}));
  });

  it('come back rather than being thrown, whatever the environment holds', () => {
    const names = SETTINGS.map(({ name }) => name);
    const env = fc.dictionary(
      fc.constantFrom(...names),
      fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.webUrl()),
    );
    fc.assert(
      fc.property(env, (found) => {
        const result = loadConfig(found);
        if ('config' in result) return;
        expect(result.faults.length).toBeGreaterThan(0);
        for (const fault of result.faults) expect(names.some((name) => fault.includes(name))).toBe(true);
      }),
      { interruptAfterTimeLimit: 1500, numRuns: 2000 },
    );
  });
});

describe('secrets', () => {
  const SECRET = 'hunter2hunter2';

  it.each([
    { BACKEND_URL: `http://user:${SECRET}@host/path` },
    { BACKEND_URL: `http://${SECRET}@host:bad:port` },
    { BACKEND_URL: `user:${SECRET}@host` },
    { BACKEND_URL: `ftp://user:${SECRET}@host` },
    { BACKEND_URL: `http://user:a?${SECRET}@host` },
    { BACKEND_URL: `http://host/?key=${SECRET}` },
    { BACKEND_URL: `http://host/#${SECRET}` },
    { BACKEND_HEADERS: SECRET },
    { BACKEND_HEADERS: `{"authorization":"${SECRET}"` },
    { BACKEND_HEADERS: `["${SECRET}"]` },
    { BACKEND_HEADERS: `{"${SECRET} x":"y"}` },
    { BACKEND_HEADERS: `{"authorization":["${SECRET}"]}` },
    { BACKEND_HEADERS: `{"authorization":"${SECRET}\\r\\nx: y"}` },
    { BACKEND_HEADERS: `{"connection":"${SECRET}"}` },
    { AUTH_TOKENS: `${SECRET}\0` },
  ])('stay out of faults: %j', (env) => {
    const result = loadConfig(env);
    expect('faults' in result && result.faults.length).toBe(1);
    expect(JSON.stringify(result)).not.toContain(SECRET);
    expect(JSON.stringify(result)).not.toContain('hunter');
  });

  it('refused in BACKEND_URL come with the advice where to put them', () => {
    expect(faultsOf({ BACKEND_URL: 'https://u:p@h' })[0]).toContain('BACKEND_HEADERS');
  });
});

describe('the result', () => {
  it('is frozen all through', () => {
    const config = configOf({
      BACKEND_URL: 'http://h',
      BACKEND_HEADERS: '{"x":"y"}',
      LIMITS_ALLOW: '::1',
      MAX_SESSIONS_PER_IP: '5',
    });
    expect(Object.isFrozen(config)).toBe(true);
    for (const value of Object.values(config)) expect(Object.isFrozen(value)).toBe(true);
    expect(() => (config.limitsAllow as string[]).push('x')).toThrow(TypeError);
  });
});
