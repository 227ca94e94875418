// Memory per idle session: the slope between a few and many sessions, garbage collected before each reading.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { toolPath } from './native.ts';
import { BENCH } from './paths.ts';
import { LOAD_CORE, type Running, start } from './processes.ts';
import { type SubjectName, startSubject } from './subjects.ts';

/** The first sessions also warm up code and pools, which are no session's memory. */
const FEW = 1000;
const MANY = 8000;
const COLLECT = ['--expose-gc', '--import', pathToFileURL(join(BENCH, 'support', 'collect.js')).href];

/** Bytes, resident and on the JavaScript heap. */
export interface Memory {
  rss: number;
  heapUsed: number;
}

async function hold(port: number, sessions: number): Promise<Running> {
  const args = ['--mode', 'idle', '--port', String(port), '--sessions', String(sessions)];
  const client = start(toolPath('client'), args, { core: LOAD_CORE });
  await client.event('holding', 60_000);
  return client;
}

async function collected(subject: Running): Promise<Memory> {
  subject.signal('SIGUSR2');
  return (await subject.event('memory', 10_000)) as unknown as Memory;
}

/** What `sessions` idle sessions add to the memory of a process that already has a thousand. */
export async function measureIdleMemory(name: SubjectName): Promise<{ few: Memory; many: Memory; sessions: number }> {
  const env = { MAX_SESSIONS: '20000' };
  // Nothing is asked of a backend here: a port nobody listens on is enough.
  const subject = await startSubject(name, { backendUrl: 'http://127.0.0.1:9', env, nodeArgs: COLLECT });
  const clients: Running[] = [];
  try {
    clients.push(await hold(subject.port, FEW));
    const few = await collected(subject.process);
    clients.push(await hold(subject.port, MANY));
    const many = await collected(subject.process);
    return { few, many, sessions: MANY };
  } finally {
    for (const one of clients) await one.stop();
    await subject.process.stop();
  }
}
