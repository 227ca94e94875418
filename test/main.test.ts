// The process as its operator meets it, from the sources and built as `npm run build` builds it: options, exit codes, one life.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { getPriority, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SETTINGS } from '../src/config/settings.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Below the folder of the dependencies, so that a bundle finds them. */
const CACHE = join(ROOT, 'node_modules', '.cache');
const SOURCES = ['--import', join(ROOT, 'node_modules/tsx/dist/loader.mjs'), join(ROOT, 'src/main.ts')];

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let version: string;
/** Where the bundle is. */
let built: string;
/** An empty working directory: no `.env`, no package.json. */
let elsewhere: string;

beforeAll(async () => {
  const description = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
    bin: Record<string, string>;
    scripts: Record<string, string>;
  };
  version = description.version;
  await mkdir(CACHE, { recursive: true });
  built = await mkdtemp(join(CACHE, 'main-'));
  elsewhere = await mkdtemp(join(tmpdir(), 'elsewhere-'));
  const outfile = Object.values(description.bin)[0]!;
  const [tool = '', ...options] = description.scripts['build']!.split(' ');
  expect(options).toContain(`--outfile=${outfile}`);
  const args = options.map((option) => option.replace(`=${outfile}`, `=${join(built, 'main.mjs')}`));
  await promisify(execFile)(join(ROOT, 'node_modules', '.bin', tool), args, { cwd: ROOT });
});

afterAll(async () => {
  await rm(built, { recursive: true, force: true });
  await rm(elsewhere, { recursive: true, force: true });
});

function start(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, args, { cwd: elsewhere, env: { PATH: process.env['PATH'], ...env } });
}

async function runToEnd(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = start(args, env);
  let [out, err] = ['', ''];
  child.stdout!.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

describe.each([
  ['src/main.ts', () => SOURCES],
  ['the bundle', () => [join(built, 'main.mjs')]],
])('%s', (_name, command) => {
  test('--version', async () => {
    expect(await runToEnd([...command(), '--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  test('--help names every setting and option', async () => {
    const { code, out, err } = await runToEnd([...command(), '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const { name } of SETTINGS) expect(out).toMatch(new RegExp(`^\\s*${name}\\b`, 'm'));
    for (const option of ['--help', '--version', '--check-config']) expect(out).toContain(option);
  });

  test('an unknown option: exit code 2 and what there is', async () => {
    const { code, out, err } = await runToEnd([...command(), '--port=1']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('--port=1');
    expect(err).toContain('--help');
  });

  test('[OS-7] all faults at once, with value and range; exit code 2 and nothing started', async () => {
    const faults = { PORT: '70000', RX_BUFFER_BYTES: 'many', PROTOCOL_PROFILE: 'lax', BACKEND_URL: 'ftp://plant' };
    const { code, out, err } = await runToEnd(command(), faults);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    const lines = err.split('\n');
    for (const [name, value] of Object.entries(faults)) {
      expect(lines.find((line) => line.includes(name) && line.includes(value))).toBeDefined();
    }
    expect(err).toContain('65535');
    expect(err).toContain('strict');
  });

  test('--check-config tells the same faults, or what is in force with its secrets masked', async () => {
    const wrong = await runToEnd([...command(), '--check-config'], { PORT: '70000' });
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain('70000');
    const token = 'not-to-be-shown-anywhere';
    const right = await runToEnd([...command(), '--check-config'], { AUTH_TOKENS: `cell:${token}`, PORT: '5' });
    expect(right.code).toBe(0);
    const { settings } = JSON.parse(right.out) as { settings: Record<string, unknown> };
    expect(settings['PORT']).toEqual({ value: 5, from: 'environment' });
    expect(Object.keys(settings)).toEqual(SETTINGS.map(({ name }) => name));
    expect(right.out + right.err).not.toContain(token);
  });

  test('one life: it listens, serves a session with the embedded controller, and ends with 0 on SIGTERM', async () => {
    const child = start(command(), { HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0' });
    try {
      const ended = once(child, 'close');
      const port = await listeningPort(child);
      if (platform() === 'linux') expect(await yielding(child.pid!)).toBeGreaterThan(0);
      const socket = connect(port, '127.0.0.1');
      let answers = '';
      socket.on('data', (chunk: Buffer) => {
        answers += chunk.toString();
      });
      socket.end(
        '{"cmd":"HANDSHAKE","payload":{"major":1}}\n' +
          '{"cmd":"CONTROL","payload":{"url":"/project/robot/motor_on","method":"POST","body":{},"ack":true}}\n',
      );
      await once(socket, 'close');
      expect(answers.split('\n').map((line) => /"type":"(\w+)"/.exec(line)?.[1])).toEqual([
        'handshake_ack',
        'control_ack',
        undefined,
      ]);
      child.kill('SIGTERM');
      expect((await ended)[0]).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

/** How many threads of a process have a lower priority than its event loop. */
async function yielding(pid: number): Promise<number> {
  const threads = (await readdir(`/proc/${pid}/task`)).map(Number);
  return threads.filter((thread) => getPriority(thread) > getPriority(pid)).length;
}

/** Resolves with the port that the log names; rejects when the process ends before. */
function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let out = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const port = /"port":(\d+).*"msg":"listening"|"msg":"listening".*"port":(\d+)/.exec(out);
      if (port) resolve(Number(port[1] ?? port[2]));
    });
    child.once('close', (code) => reject(new Error(`ended with ${code}: ${out}`)));
  });
}
