// The .env file: read when it is there, never above the real environment, a fault when it cannot be read.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/config/report.ts';
import { loadConfigFrom, mergeEnvironment, readDotEnv } from '../../src/config.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dot-env-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('.env', () => {
  it('is read with comments, quotes, CRLF and a byte order mark', () => {
    const path = file(
      'full',
      `\ufeff# note\r\nPORT=5000\r\nBACKEND_HEADERS='{"a":"b # c"}'\r\nHOST="::1"\r\nLOG_LEVEL=\r\n`,
    );
    expect(readDotEnv(path)).toEqual({
      env: { PORT: '5000', BACKEND_HEADERS: '{"a":"b # c"}', HOST: '::1', LOG_LEVEL: '' },
    });
  });

  it('may be absent', () => {
    expect(readDotEnv(join(folder, 'none'))).toEqual({ env: {} });
  });

  it('that cannot be read stops the start, naming the file', () => {
    const path = join(folder, 'directory');
    mkdirSync(path);
    expect(readDotEnv(path)).toEqual({ fault: expect.stringContaining('EISDIR') });
    expect(loadConfigFrom({}, path)).toEqual({ faults: [expect.stringContaining(path)], warnings: [] });
    expect(checkConfig({}, path).exitCode).toBe(2);
  });

  it('of more than a mebibyte is refused', () => {
    expect(readDotEnv(file('huge', '#'.repeat(1_048_577)))).toEqual({ fault: expect.stringContaining('1048577') });
    expect(readDotEnv(file('large', '#'.repeat(1_048_576)))).toEqual({ env: {} });
  });

  it('gives way to the real environment, also to an empty string, not to an absent variable', () => {
    const dotEnv = { PORT: '5000', HOST: '::1', MAX_SESSIONS: '7' };
    const result = loadConfigFrom(
      { PORT: '6000', HOST: '', MAX_SESSIONS: undefined },
      file('under', 'PORT=5000\nHOST=::1\nMAX_SESSIONS=7\n'),
    );
    expect('config' in result && result.config).toMatchObject({ port: 6000, host: '::', maxSessions: 7 });
    expect(mergeEnvironment(dotEnv, {})).toEqual(dotEnv);
  });

  it('is checked like the environment', () => {
    expect(loadConfigFrom({}, file('wrong', 'PORT=x\n'))).toMatchObject({ faults: [expect.stringContaining('"x"')] });
  });
});

describe('--check-config', () => {
  const SECRET = 'hunter2hunter2';

  it('prints every value with where it came from, secrets blanked', () => {
    const path = file('origins', `MAX_SESSIONS=7\nAUTH_TOKENS=op:${SECRET}\nPORT=1\nHOST=::1\n`);
    const headers = JSON.stringify({ authorization: SECRET });
    const printed = checkConfig({ PORT: '6000', HOST: '', BACKEND_HEADERS: headers, BACKEND_URL: 'http://h/' }, path);
    expect(printed).toMatchObject({ stderr: '', exitCode: 0 });
    expect(printed.stdout).not.toContain(SECRET);
    const { settings, warnings } = JSON.parse(printed.stdout);
    expect(settings).toMatchObject({
      PORT: { value: 6000, from: 'environment' },
      HOST: { value: '::', from: 'default' },
      MAX_SESSIONS: { value: 7, from: '.env' },
      AUTH_TOKENS: { value: '***', from: '.env' },
      BACKEND_HEADERS: { value: { authorization: '***' }, from: 'environment' },
      BACKEND_URL: { value: 'http://h', from: 'environment' },
      MONITOR_SHARING: { value: 'on', from: 'default' },
      TLS_CERT: { value: null, from: 'default' },
    });
    expect(warnings).toEqual([expect.stringContaining('AUTH_TOKENS')]);
  });

  it('prints all faults and warnings to stderr with exit code 2', () => {
    const printed = checkConfig({ PORT: 'x', LOG_LEVEL: 'y', MAX_SESSION: '1' }, join(folder, 'none'));
    expect(printed).toMatchObject({ stdout: '', exitCode: 2 });
    expect(printed.stderr).toMatch(/2 faults.*\n {2}PORT .*\n {2}LOG_LEVEL .*\n {2}warning: MAX_SESSION .*\n$/);
  });
});
