// One measurement: backend up, subject up, load on, CPU read at both ends of the window, everything ended.
import type { IntervalFigures } from './histogram.ts';
import { toolPath } from './native.ts';
import { ROOT } from './paths.ts';
import { cpuSeconds, residentBytes } from './proc.ts';
import { freePort, LOAD_CORE, listening, type Running, start } from './processes.ts';
import { type Subject, type SubjectName, startSubject, startTimer } from './subjects.ts';

/** What the load client reports (bench/native/client_options.c). */
export interface ClientResult {
  window_s: number;
  sessions: number;
  sessions_ready: number;
  lines: number;
  expected: number;
  missing_pct: number;
  acks: number;
  handshakes: number;
  controls_sent: number;
  errors: number;
  control_errors: number;
  unknown: number;
  out_of_order: number;
  repeated: number;
  skipped: number;
  blocked_writes: number;
  /** Share of the window in which a client that never sleeps had nothing to do, percent; 0 for one that sleeps. */
  idle_pct: number;
  first_error: string;
  interval_us: IntervalFigures;
  latency_us: IntervalFigures;
  send_interval_us: IntervalFigures;
}

/** What the C backend reports (bench/native/backend.c). */
interface BackendResult {
  gets: number;
  controls: number;
  control_arrivals_us: IntervalFigures;
}

export interface Sample {
  client: ClientResult;
  /** Absent when the simulator was the backend. */
  backend?: BackendResult;
  /** Percent of one core over the window. */
  cpuPct: number;
  /** The same of load client and backend together; always near 100 when the client never sleeps. */
  loadPct: number;
  /** The load's core was full while the subject's main core was not: the load was the limit. */
  loadFull: boolean;
  residentBytes: number;
}

export interface Load {
  /** Options of the load client, without --port, --window-ms and --warmup-ms. */
  client: string[];
  /** The client looks for events all the time instead of sleeping until one comes; default false. */
  awake?: boolean;
  /** The C backend answers after this long, give or take the spread; default 0. */
  backendDelayUs?: number;
  backendSpreadUs?: number;
  /** The C backend answers with more members: lines of about 270 bytes instead of 220; default false. */
  backendLong?: boolean;
  /** `simulator` takes the embedded controller, run alone as a server, in place of the C backend. */
  backend?: 'native' | 'simulator';
  gatewayEnv?: Record<string, string>;
  /** The load is on for so long before the window begins. */
  warmupMs: number;
  windowMs: number;
  nodeArgs?: string[];
}

interface Backend {
  url: string;
  process: Running;
  /** The C backend keeps figures, the simulator does not. */
  keepsFigures: boolean;
}

async function startNativeBackend({
  backendDelayUs = 0,
  backendSpreadUs = 0,
  backendLong = false,
}: Load): Promise<Backend> {
  const numbers = { 'delay-us': backendDelayUs, 'spread-us': backendSpreadUs, long: Number(backendLong) };
  const args = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = start(toolPath('backend'), args, { core: LOAD_CORE });
  const { ['port']: port } = await child.event('listening', 5000);
  return { url: `http://127.0.0.1:${port}`, process: child, keepsFigures: true };
}

async function startSimulator(): Promise<Backend> {
  const port = await freePort();
  const env = { SIMULATOR_PORT: String(port), HOST: '127.0.0.1', LOG_LEVEL: 'silent' };
  const child = start(process.execPath, ['--import', 'tsx', 'src/simulator/main.ts'], {
    core: LOAD_CORE,
    env,
    cwd: ROOT,
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await listening(child, port, 20_000);
    // A trajectory is only accepted by a controller that is switched on and playing.
    for (const path of ['motor_on', 'start', 'trajectory/joint_traject_init']) {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${url}/project/robot/${path}`, { method: 'POST', headers, body: '{}' });
      await answer.text();
      if (!answer.ok) throw new Error(`the simulator answered ${answer.status} to ${path}`);
    }
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { url, process: child, keepsFigures: false };
}

/** Runs `load` against one subject and returns the figures of its measuring window. */
export async function measure(name: SubjectName, load: Load): Promise<Sample> {
  const backend = load.backend === 'simulator' ? await startSimulator() : await startNativeBackend(load);
  const stops = [() => backend.process.stop()];
  try {
    const env = load.gatewayEnv ?? {};
    const subject = await startSubject(name, { backendUrl: backend.url, env, nodeArgs: load.nodeArgs ?? [] });
    stops.unshift(() => subject.process.stop());
    return await applyLoad(subject, backend, load, stops);
  } finally {
    for (const stop of stops) await stop();
  }
}

async function applyLoad(
  subject: Subject,
  backend: Backend,
  load: Load,
  stops: (() => Promise<void>)[],
): Promise<Sample> {
  const args = [
    '--port',
    String(subject.port),
    '--window-ms',
    String(load.windowMs),
    '--warmup-ms',
    String(load.warmupMs),
    '--awake',
    load.awake ? '1' : '0',
    ...load.client,
  ];
  const client = start(toolPath('client'), args, { core: LOAD_CORE });
  stops.unshift(() => client.stop());
  await client.event('measuring', 90_000 + load.warmupMs);
  if (backend.keepsFigures) backend.process.signal('SIGUSR1');
  const cpu = () => ({
    subject: cpuSeconds(subject.process.pid),
    load: cpuSeconds(client.pid) + cpuSeconds(backend.process.pid),
    at: performance.now() / 1000,
  });
  const began = cpu();
  // Read just before the window closes: the client ends with it, and its /proc entry too.
  await new Promise((resolve) => setTimeout(resolve, load.windowMs - 100));
  const ended = cpu();
  const result = (await client.event('result', load.windowMs + 30_000)) as unknown as ClientResult;
  const share = (of: 'subject' | 'load') => (100 * (ended[of] - began[of])) / (ended.at - began.at);
  const residing = residentBytes(subject.process.pid);
  const cpuPct = share('subject');
  const loadPct = share('load');
  const loadFull = (load.awake ? result.idle_pct < 5 : loadPct > 95) && cpuPct < 95;
  const sample: Sample = { client: result, cpuPct, loadPct, loadFull, residentBytes: residing };
  if (backend.keepsFigures) {
    backend.process.signal('SIGTERM');
    sample.backend = (await backend.process.event('result', 5000)) as unknown as BackendResult;
  }
  return sample;
}

/** The bare deadline loop in the gateway's place: its intervals, and nothing else. */
export async function measureTimer(
  periodMs: number,
  { warmupMs, windowMs }: Pick<Load, 'warmupMs' | 'windowMs'>,
): Promise<Pick<ClientResult, 'interval_us' | 'missing_pct'>> {
  const child = startTimer(periodMs, warmupMs, windowMs);
  try {
    return (await child.event('result', warmupMs + windowMs + 30_000)) as unknown as ClientResult;
  } finally {
    await child.stop();
  }
}
