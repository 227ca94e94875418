// The log: one JSON object per line, secrets blanked, hostile text made harmless, the same fault told once.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clip, createLogger, type LogLevel, limited, RepeatGuard } from '../src/log.ts';

function collecting(level: LogLevel, pretty: boolean) {
  const lines: string[] = [];
  const log = createLogger({ level, pretty, destination: { write: (line: string) => void lines.push(line) } });
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('createLogger', () => {
  it('writes JSON lines with the level as a word and an ISO time', () => {
    const { log, lines, parsed } = collecting('info', false);
    log.info({ session: 7 }, 'begun\nhere');
    log.child({ session: 8 }).warn('alone');
    expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
    expect(parsed()).toMatchObject([
      { level: 'info', session: 7, msg: 'begun\nhere', pid: process.pid },
      { level: 'warn', session: 8, msg: 'alone' },
    ]);
    expect(parsed()[0]!['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('keeps to its level', () => {
    const { log, lines } = collecting('warn', false);
    log.info('no');
    log.error('yes');
    expect(lines).toHaveLength(1);
    expect([log.isLevelEnabled('info'), log.isLevelEnabled('warn')]).toEqual([false, true]);
    const silent = collecting('silent', false);
    silent.log.fatal('no');
    expect(silent.lines).toEqual([]);
  });

  it.each([false, true])('blanks secrets in fields, children and errors (pretty: %j)', (pretty) => {
    const { log, lines } = collecting('trace', pretty);
    const SECRET = 'hunter2';
    const names = ['token', 'tokens', 'authTokens', 'authorization', 'Authorization', 'proxy-authorization', 'cookie'];
    for (const name of [...names, 'set-cookie', 'headers', 'backendHeaders', 'password', 'secret']) {
      log.info({ [name]: SECRET }, 'top');
      log.info({ payload: { [name]: SECRET } }, 'nested');
      log.info({ request: { payload: { [name]: SECRET } } }, 'deeper');
      log.child({ [name]: SECRET }).info('child');
    }
    log.info({ headers: { authorization: SECRET } }, 'object');
    const cause = Object.assign(new Error('inner'), { request: { line: `authorization: ${SECRET}` } });
    log.error(
      {
        err: Object.assign(new Error('outer', { cause }), {
          code: 'E_CODE',
          headers: [SECRET],
          socket: { auth: SECRET },
        }),
      },
      'failed',
    );
    const text = lines.join('');
    expect(text).not.toContain(SECRET);
    expect(text).toContain('[redacted]');
    for (const kept of ['outer', 'inner', 'E_CODE']) expect(text).toContain(kept);
  });

  it('lets no control character through to a terminal', () => {
    const { log, lines } = collecting('info', true);
    const hostile = '\x1b]0;x\x07\u202e\u2028\x9b"\\\b\r\nINFO: forged';
    log.info({ field: hostile, [hostile]: 1, err: new Error(hostile) }, hostile);
    expect(lines.join('')).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u);
    expect(lines.join('').split('\n')[0]).toContain('\\x1b]0;x\\x07\\u202e\\u2028\\x9b"\\');
    expect(lines.join('')).not.toMatch(/^INFO: forged/m);
  });

  it('shows the readable form of any message in one line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (message) => {
        const { log, lines } = collecting('info', true);
        log.info(message);
        expect(lines).toHaveLength(1);
        expect(lines[0]!.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
      { interruptAfterTimeLimit: 1500, numRuns: 300 },
    );
  });
});

describe('standard output', () => {
  const script = (body: string): string[] => [
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    `import { createLogger } from './src/log.ts'; const log = createLogger({ level: 'info', pretty: false }); ${body}`,
  ];
  const cwd = new URL('..', import.meta.url);

  it('has every line when the process exits at once', () => {
    const ran = spawnSync(
      process.execPath,
      script(`for (let n = 0; n < 2000; n += 1) log.info({ n }, 'x'); process.exit(3);`),
      {
        cwd,
        encoding: 'utf8',
        timeout: 25_000,
      },
    );
    expect(ran.status, ran.stderr).toBe(3);
    const numbers = ran.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).n);
    expect(numbers).toEqual(Array.from({ length: 2000 }, (_, n) => n));
  });

  it.runIf(existsSync('/dev/full'))('on a full disk does not stop the process', () => {
    const full = openSync('/dev/full', 'w');
    const body = `log.info('x'); setTimeout(() => { log.info('y'); setTimeout(() => process.exit(4), 20); }, 20);`;
    const ran = spawnSync(process.execPath, script(body), {
      cwd,
      encoding: 'utf8',
      timeout: 25_000,
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    expect(ran.status, ran.stderr).toBe(4);
  });
});

describe('clip', () => {
  it.each([
    ['plain {"a":1}', 'plain {"a":1}'],
    ['a\x1b[31m\r\n\t\x00\x7f\x9b', 'a\\x1b[31m\\r\\n\\t\\x00\\x7f\\x9b'],
    ['\u2028\u2029\u202e\u200b\ufeff\ud800\u{e0001}', '\\u2028\\u2029\\u202e\\u200b\\ufeff\\ud800\\u{e0001}'],
    ['grün 한국어 😀', 'grün 한국어 😀'],
  ])('shows %j as %s', (text, shown) => {
    expect(clip(text)).toBe(shown);
    if (text.isWellFormed()) expect(clip(Buffer.from(text))).toBe(shown);
  });

  it('cuts short, says how much is missing, and never cuts a character in half', () => {
    expect(clip('abcdef', 6)).toBe('abcdef');
    expect(clip('abcdef', 4)).toBe('abcd… (+2 characters)');
    expect(clip('😀😀', 3)).toBe('😀… (+2 characters)');
    expect(clip(Buffer.from('€€€€'), 2)).toBe('€€… (of 12 bytes)');
    expect(clip(Buffer.alloc(1_000_000, 'x'))).toBe(`${'x'.repeat(256)}… (of 1000000 bytes)`);
  });

  it.each([
    '{"cmd":"HANDSHAKE","payload":{"major":1,"token":"hunter2"}}',
    '{"payload":{"token" : "hun\\"ter2 hunter2","major":1}}',
    '{"payload":{"tok\\u0065n":"hunter2"}}',
    '{"payload":{"\\u0074\\u006F\\u006b\\u0065\\u006E":"hunter2"}}',
    '{"payload":{"TOKEN":"hunter2"}}',
    '{"payload":{"token":["x", "hunter2"]}}',
    '{"payload":{"token":{"a":"hunter2"}}}',
    '{"payload":{"token":"hunter2',
    '{"payload":{"token":"hunter2\\',
    "{payload:{token:'hunter2'}}",
  ])('blanks the token of %s', (line) => {
    expect(clip(line)).toContain('***');
    expect(clip(line)).not.toContain('ter2');
    expect(clip(Buffer.from(line))).toBe(clip(line));
  });

  it('blanks a token that the cut goes through', () => {
    const line = '{"token":"hunter2hunter2"}';
    for (let max = 0; max < line.length; max += 1) expect(clip(line, max)).not.toContain('hu');
  });

  it('keeps the rest of the line around a token', () => {
    expect(clip('{"major":1,"token":"x","id":7}')).toBe('{"major":1,"token":"***","id":7}');
  });

  it('is printable and bounded whatever comes in', () => {
    const input = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 600 }));
    fc.assert(
      fc.property(input, fc.integer({ min: 0, max: 300 }), (text, max) => {
        const shown = clip(text, max);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect(shown.length).toBeLessThanOrEqual(max * 9 + 40);
      }),
      { interruptAfterTimeLimit: 1500, numRuns: 1000 },
    );
  });
});

describe('RepeatGuard', () => {
  function guarded(maxKeys?: number) {
    const clock = { now: 0 };
    const guard = new RepeatGuard({
      intervalMs: 100,
      now: () => clock.now,
      ...(maxKeys === undefined ? {} : { maxKeys }),
    });
    return { clock, guard };
  }

  it('admits a fault once per interval and counts what it kept back', () => {
    const { clock, guard } = guarded();
    expect(guard.admit('a')).toEqual({ repeated: 0 });
    for (clock.now = 1; clock.now < 100; clock.now += 1) expect(guard.admit('a')).toBeUndefined();
    expect(guard.admit('b')).toEqual({ repeated: 0 });
    expect(guard.admit('a')).toEqual({ repeated: 99 });
    expect(guard.admit('a')).toBeUndefined();
    clock.now += 100;
    expect(guard.admit('a')).toEqual({ repeated: 1 });
  });

  it('holds a bounded table; further keys share one entry', () => {
    const { guard } = guarded(10);
    const admitted = Array.from({ length: 1000 }, (_, n) => guard.admit(`key ${n}`)).filter(
      (entry) => entry !== undefined,
    );
    expect(guard.size).toBe(10);
    expect(admitted).toHaveLength(11);
  });

  it('forgets expired keys for new ones and keeps their counts', () => {
    const { clock, guard } = guarded(2);
    guard.admit('a');
    guard.admit('a');
    guard.admit('b');
    clock.now = 100;
    expect(guard.admit('c')).toEqual({ repeated: 0 });
    expect(guard.admit('d')).toEqual({ repeated: 0 });
    expect(guard.admit('e')).toEqual({ repeated: 1 });
    expect(guard.size).toBe(2);
  });

  it('never admits more than keys + 1 in an interval and invents no count', () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 20 }), after: fc.integer({ min: 0, max: 30 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const { clock, guard } = guarded(4);
        let admitted = 0;
        let told = 0;
        const times: number[] = [];
        for (const { key, after } of steps) {
          clock.now += after;
          const entry = guard.admit(String(key));
          if (entry === undefined) continue;
          admitted += 1;
          told += entry.repeated;
          times.push(clock.now);
        }
        expect(guard.size).toBeLessThanOrEqual(4);
        expect(admitted + told).toBeLessThanOrEqual(steps.length);
        for (const end of times) {
          const within = times.filter((time) => time > end - 100 && time <= end).length;
          expect(within).toBeLessThanOrEqual(5);
        }
      }),
      { interruptAfterTimeLimit: 1500, numRuns: 500 },
    );
  });

  it('limited() writes one line with the count, and nothing below the level', () => {
    const { log, parsed } = collecting('warn', false);
    const clock = { now: 0 };
    const report = limited(log, { intervalMs: 100, now: () => clock.now });
    for (let n = 0; n < 5; n += 1) report('warn', 'backend', { n }, 'backend refused');
    report('info', 'other', {}, 'too quiet');
    clock.now = 100;
    report('warn', 'backend', { n: 5 }, 'backend refused');
    const lines = parsed();
    expect(lines).toMatchObject([{ n: 0 }, { n: 5, repeated: 4 }]);
    expect(lines[0]).not.toHaveProperty('repeated');
  });
});
