// Memory per idle session: the slope between a few and many sessions, after the collector has had its time.
import type { Lab } from './case.ts';
import { toolPath } from './native.ts';
import { residentBytes } from './proc.ts';
import { LOAD_CORE, type Running, start } from './processes.ts';
import { type SubjectName, startSubject } from './subjects.ts';

const FEW = 1000;
const MANY = 8000;

async function client(port: number, args: string[]): Promise<Running> {
  return start(toolPath('client'), ['--port', String(port), ...args], { core: LOAD_CORE });
}

/** The lowest resident memory seen over `ms`: V8 gives memory back some seconds after the work is over. */
async function settled(pid: number, ms: number): Promise<number> {
  let lowest = residentBytes(pid);
  for (const end = Date.now() + ms; Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    lowest = Math.min(lowest, residentBytes(pid));
  }
  return lowest;
}

/** Bytes resident with 1000 and with 9000 idle sessions. */
export async function measureIdleMemory(
  name: SubjectName,
  lab: Lab,
): Promise<{ base: number; full: number; sessions: number }> {
  const env = { MAX_SESSIONS: '20000' };
  // Nothing is asked of a backend here: a port nobody listens on is enough.
  const subject = await startSubject(name, { backendUrl: 'http://127.0.0.1:9', env, nodeArgs: lab.nodeArgs });
  const clients: Running[] = [];
  try {
    // Connections that come and go first: compiled code and the young heap are no session's memory.
    const warm = await client(subject.port, [
      '--mode',
      'handshake',
      '--sessions',
      '16',
      '--warmup-ms',
      '0',
      '--window-ms',
      '3000',
    ]);
    clients.push(warm);
    await warm.event('result', 30_000);
    const settleMs = lab.quick ? 4000 : 12_000;
    const few = await client(subject.port, ['--mode', 'idle', '--sessions', String(FEW)]);
    clients.push(few);
    await few.event('holding', 60_000);
    const base = await settled(subject.process.pid, settleMs);
    const many = await client(subject.port, ['--mode', 'idle', '--sessions', String(MANY)]);
    clients.push(many);
    await many.event('holding', 60_000);
    const full = await settled(subject.process.pid, settleMs);
    return { base, full, sessions: MANY };
  } finally {
    for (const one of clients) await one.stop();
    await subject.process.stop();
  }
}
