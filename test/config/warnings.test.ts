// Near misses of names and pairs of settings that contradict or surprise.
import { describe, expect, it } from 'vitest';
import { type Environment, loadConfig, SETTINGS } from '../../src/config.ts';

function warningsOf(env: Environment): readonly string[] {
  const result = loadConfig(env);
  if ('faults' in result) throw new Error(`unexpected faults: ${result.faults.join('; ')}`);
  return result.warnings;
}

function faultsOf(env: Environment): readonly string[] {
  const result = loadConfig(env);
  return 'faults' in result ? result.faults : [];
}

describe('near misses', () => {
  it.each([
    ['MAX_SESSION', 'MAX_SESSIONS'],
    ['BACKEND_TIMEOUT', ''],
    ['BACKEND_TIMEOUT_S', 'BACKEND_TIMEOUT_MS'],
    ['BACKEND_URI', 'BACKEND_URL'],
    ['BACKND_URL', 'BACKEND_URL'],
    ['backend_url', 'BACKEND_URL'],
    ['RX_BUFFER_BYTE', 'RX_BUFFER_BYTES'],
    ['TLS_CERTS', 'TLS_CERT'],
    ['LOG_LEVL', 'LOG_LEVEL'],
    ['LOG_LEVLE', 'LOG_LEVEL'],
    ['LOG_LEVEL_XX', ''],
    ['TRUSTED_PROXY', ''],
    ['TRUSTED_PROXIE', 'TRUSTED_PROXIES'],
    ['HOSTS', ''],
    ['PORTS', ''],
    ['HTTP_PROXY', ''],
    ['SSL_CERT', ''],
  ])('%s: %j is suggested', (name, meant) => {
    const expected = meant === '' ? [] : [`${name} is not a setting and is ignored: was ${meant} meant?`];
    expect(warningsOf({ [name]: 'a secret' })).toEqual(expected);
  });

  it('never meet one of ours, nor hinder the start', () => {
    const defaults = Object.fromEntries(SETTINGS.map(({ name, fallback }) => [name, fallback]));
    expect(warningsOf(defaults)).toEqual([]);
  });

  it('are told beside faults too', () => {
    expect(loadConfig({ PORT: 'x', MAX_SESSION: '1' }).warnings).toHaveLength(1);
  });
});

describe('faults of pairs', () => {
  it.each([
    [{ TLS_CERT: 'c' }, ['TLS_CERT is set without TLS_KEY']],
    [{ TLS_KEY: 'k' }, ['TLS_KEY is set without TLS_CERT']],
    [{ TLS_CLIENT_CA: 'a' }, ['TLS_CLIENT_CA is set without TLS_CERT']],
    [{ TLS_CERT: 'c', TLS_CLIENT_CA: 'a' }, ['TLS_CERT is set without TLS_KEY']],
    [{ TLS_CERT: 'c', TLS_KEY: 'k', TLS_CLIENT_CA: 'a' }, []],
    [{ PORT: '49001' }, ['PORT and ADMIN_PORT are both 49001']],
    [{ CONTROL_EXCLUSIVE: 'on', WORKERS: '2' }, ['CONTROL_EXCLUSIVE=on needs WORKERS=1']],
    [{ CONTROL_EXCLUSIVE: 'on', WORKERS: 'auto' }, ['CONTROL_EXCLUSIVE=on needs WORKERS=1']],
    [{ CONTROL_EXCLUSIVE: 'on', WORKERS: '1' }, []],
    [{ PORT: '49001', ADMIN_PORT: '0' }, []],
    [{ PORT: '0', ADMIN_PORT: '0' }, []],
    [{ PORT: '5000', ADMIN_PORT: '5000', HOST: '127.0.0.1', ADMIN_HOST: '127.0.0.2' }, []],
    [{ PORT: '5000', ADMIN_PORT: '5000', HOST: '127.0.0.1', ADMIN_HOST: '127.0.0.1' }, ['PORT and ADMIN_PORT']],
  ])('%j', (env, begins) => {
    const faults = faultsOf(env);
    expect(faults).toHaveLength(begins.length);
    for (const [index, begin] of begins.entries()) expect(faults[index]).toContain(begin);
  });

  it('are not added where one of the pair could not be read', () => {
    expect(faultsOf({ TLS_CERT: 'c', TLS_KEY: '\0' }).map((fault) => fault.split(' ')[0])).toEqual(['TLS_KEY']);
  });
});

describe('warnings of pairs', () => {
  it.each([
    [{ BACKEND_TIMEOUT_MS: '5000' }, 'session_timeout'],
    [{ STOP_GRACE_MS: '10000' }, 'DRAIN_TIMEOUT_MS'],
    [{ CONTROL_QUEUE_BYTES: '65535' }, 'RX_BUFFER_BYTES'],
    [{ MONITOR_MAX_IN_FLIGHT: '2', BACKEND_CONNECTIONS: '1' }, 'wait for a connection'],
    [{ BACKEND_CA: 'ca.pem' }, 'BACKEND_CA has no effect'],
    [{ BACKEND_CA: 'ca.pem', BACKEND_URL: 'http://h' }, 'BACKEND_CA has no effect'],
    [{ BACKEND_HEADERS: '{"a":"b"}' }, 'BACKEND_HEADERS has no effect'],
    [{ AUTH_TOKENS: 'a:b' }, 'clear text'],
    [{ ADMIN_HOST: '0.0.0.0' }, 'ADMIN_HOST 0.0.0.0'],
    [{ TRUSTED_PROXIES: '10.0.0.1,::/0' }, 'TRUSTED_PROXIES holds every address'],
    [{ LIMITS_ALLOW: '0.0.0.0/0', MAX_SESSIONS_PER_IP: '1' }, 'LIMITS_ALLOW holds every address'],
    [{ LIMITS_ALLOW: '10.0.0.1' }, 'LIMITS_ALLOW has no effect'],
  ])('%j', (env, part) => {
    const warnings = warningsOf(env);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(part);
  });

  it.each([
    [{ BACKEND_TIMEOUT_MS: '4999' }],
    [{ STOP_GRACE_MS: '9999' }],
    [{ CONTROL_QUEUE_BYTES: '65536' }],
    [{ CONTROL_QUEUE_BYTES: '0', CONTROL_QUEUE_DEPTH: '0' }],
    [{ BACKEND_CA: 'ca.pem', BACKEND_URL: 'https://h', BACKEND_HEADERS: '{"a":"b"}' }],
    [{ AUTH_TOKENS: 'a:b', TLS_CERT: 'c', TLS_KEY: 'k' }],
    [{ AUTH_TOKENS: 'a:b', HOST: '127.0.0.1' }],
    [{ ADMIN_HOST: '0.0.0.0', ADMIN_PORT: '0' }],
    [{ ADMIN_HOST: '::1' }],
    [{ TRUSTED_PROXIES: '10.0.0.0/8' }],
    [{ LIMITS_ALLOW: '10.0.0.1', MAX_COMMANDS_PER_SECOND_PER_IP: '1' }],
  ])('none for %j', (env) => {
    expect(warningsOf(env)).toEqual([]);
  });
});
