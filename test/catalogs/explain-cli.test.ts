// `npm run explain`: what it answers to each kind of question, and that the process prints it and exits with its code.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { explainCommand } from '../../src/catalogs/explain-command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'explain-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The command itself; a process per question would cost a second each. */
function explain(...args: string[]): { code: number; out: string; err: string } {
  const { exitCode, out, err } = explainCommand(args);
  return { code: exitCode, out, err };
}

describe('explain', () => {
  it('a number that one catalog knows', () => {
    const { code, out } = explain('143');
    expect(code).toBe(0);
    expect(out).toContain('multiscreen-srt 143  Stream group not found in Docker');
    expect(out).toMatch(/what to do +\S/);
    expect(out).toMatch(/try again +no/);
  });

  it('a number with several meanings: all of them', () => {
    const { code, out } = explain('1001', '--json');
    const { meanings } = JSON.parse(out) as { meanings: { catalog: string; name: string; written_as?: object }[] };
    expect(code).toBe(0);
    expect(meanings.map(({ catalog, name }) => `${catalog} ${name}`)).toEqual([
      'srt-reject SRT_REJX_KEY_NOTSUP',
      'srt-reject SRT_REJ_SYSTEM',
      'tencent-ilvb AV_ERR_REPEATED_OPERATION',
      'tencent-ilvb Permission error',
    ]);
    expect(meanings.map(({ written_as }) => written_as !== undefined)).toEqual([false, true, false, false]);
  });

  it.each([
    ['1010', '10', 'SRT_REJ_BADSECRET'],
    ['2403', '1403', 'SRT_REJX_FORBIDDEN'],
  ])('an SRT wire value, %s', (wire, api, name) => {
    const { code, out } = explain(wire);
    expect(code).toBe(0);
    expect(out).toContain(`srt-reject ${api}  ${name}`);
    expect(out).toContain(`${wire} is the wire value (Handshake Type) of ${api}`);
  });

  it.each([
    [['srt_rejx_overload'], 'srt-reject 1402  SRT_REJX_OVERLOAD'],
    [['control_busy'], 'open-stream control_busy'],
    [['RATE_LIMITED'], 'makapix RATE_LIMITED'],
    [['stream', 'group', 'not', 'found', 'in', 'docker'], 'multiscreen-srt 143'],
    [["Playset 'fireworks' not found"], "makapix 404  Playset 'name' not found"],
    [['Peer rejected connection'], 'srt-reject 2  SRT_REJ_PEER'],
  ])('a name: %j', (words, expected) => {
    const { code, out } = explain(...words);
    expect(code).toBe(0);
    expect(out).toContain(expected);
  });

  it('when to try again', () => {
    expect(explain('40000500').out).toMatch(/try again +yes, after 3 s/);
    expect(explain('--catalog', 'makapix', '429').out).toMatch(/yes, after 2, 4, 8, 16, 32 s.*give up after 5/);
    expect(explain('1003', '--catalog=tencent-ilvb').out).toMatch(/try again +no need/);
  });

  it('an unknown number: the blocks it would belong to, exit code 1', () => {
    const { code, out } = explain('110');
    expect(code).toBe(1);
    expect(out).toContain(
      'multiscreen-srt: it would belong to FFmpeg Process Errors 100-119 (Stream Management Errors)',
    );
    expect(out).toContain('srt-reject: it would belong to internal 0-999');
  });

  it('an unknown number of the user-defined range', () => {
    const { code, out } = explain('2005', '--catalog', 'srt-reject');
    expect(code).toBe(1);
    expect(out).toContain('user-defined 2000-2999');
    expect(out).toContain('defined by the application');
  });

  it('nothing known at all', () => {
    const { code, out } = explain('99999');
    expect(code).toBe(1);
    expect(out).toContain('no known block');
    expect(JSON.parse(explain('99999', '--json').out)).toEqual({
      query: '99999',
      meanings: [],
      blocks: [],
      similar: [],
    });
  });

  it('part of a name: what contains it, exit code 1', () => {
    const { code, out } = explain('certificate files');
    expect(code).toBe(1);
    expect(out).toContain('makapix 500  CA certificate files not found');
  });

  it('a catalog of its own, negative code', () => {
    const path = join(folder, 'robot.json');
    const entries = [{ code: -12, name: 'buffer full', hint: 'Wait.', retryable: true }];
    const rules = [{ about: 'x', find: { by: 'code', at: ['/err_code'] } }];
    writeFileSync(path, JSON.stringify({ id: 'robot', title: 'Robot', source: 'x', entries, rules }));
    const { code, out } = explain('--catalog', path, '-12');
    expect([code, out.split('\n')[0]]).toEqual([0, 'robot -12  buffer full']);
  });

  it('--help', () => {
    const { code, out } = explain('--help');
    expect(code).toBe(0);
    expect(out).toContain('Usage: npm run explain');
  });

  it.each([
    [[], 'say which code'],
    [['  '], 'say which code'],
    [['--bogus', '143'], '--bogus'],
    [['--catalog', 'nope', '143'], 'nope: no such file'],
    [['--catalog', ',', '143'], 'names no catalog'],
    [['143', '--catalog'], '--catalog'],
  ])('wrong usage, exit code 2: %j', (args, expected) => {
    const { code, out, err } = explain(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(expected);
  });

  it('a wrong file: every fault by pointer, exit code 2', () => {
    const path = join(folder, 'wrong.json');
    writeFileSync(path, '{"id":"x","title":"x","source":"x","entries":[{"code":1}]}');
    const { code, err } = explain('--catalog', path, '1');
    expect(code).toBe(2);
    for (const at of ['/rules', '/entries/0/name', '/entries/0/hint', '/entries/0/retryable']) {
      expect(err).toContain(`${path}: ${at}: this field is missing`);
    }
  });
});

describe('the process', () => {
  it.each([
    [['143'], 0, /^multiscreen-srt 143 .*try again +no/s, /^$/],
    [['--json', '1010'], 0, /^\{\n {2}"query": "1010"/, /^$/],
    [['99999'], 1, /no catalog lists/, /^$/],
    [['--bogus'], 2, /^$/, /--bogus.*Usage: npm run explain/s],
  ])('%j ends with %i', (args, expected, out, err) => {
    const command = ['--import', 'tsx', 'src/catalogs/explain.ts', ...args];
    const ended = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', timeout: 25_000 });
    expect(ended.stderr).toMatch(err);
    expect(ended.stdout).toMatch(out);
    expect(ended.status).toBe(expected);
  });
});
