// What the simulator's tests share: a robot on a hand-driven clock, and an HTTP client that sends paths exactly as written.
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';

/** An answer, with its body as text and, when it is JSON, as a value. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

/** A simulator under test; `advance` turns its clock, ms. */
export interface Bench {
  readonly simulator: Simulator;
  advance(ms: number): void;
  get(path: string): Promise<Answer>;
  post(path: string, body?: unknown): Promise<Answer>;
  send(method: string, path: string, body?: string | Buffer): Promise<Answer>;
  end(): Promise<void>;
}

export const JOINT_STATES = '/project/robot/joints/joint_states';
export const INIT = '/project/robot/trajectory/joint_traject_init';
export const INSERT = '/project/robot/trajectory/joint_traject_insert_point';
export const AVAILABLE = '/project/robot/trajectory/joint_traject_buf_avail';
export const START = '/project/robot/start';
export const STOP = '/project/robot/stop';

/** A simulator whose clock stands still until it is advanced; it begins at `epoch` ms. */
export async function startBench(epoch = 1_700_000_000_000): Promise<Bench> {
  let now = epoch;
  const simulator = await startSimulator({ clock: () => now });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send: Bench['send'] = (method, path, body) => exchange(agent, simulator.port, method, path, body);
  return {
    simulator,
    advance(ms) {
      now += ms;
    },
    get: (path) => send('GET', path),
    post: (path, body = {}) => send('POST', path, JSON.stringify(body)),
    send,
    async end() {
      agent.destroy();
      await simulator.close();
    },
  };
}

/** A body for joint_traject_insert_point: 2 ms, no look-ahead, after the point before. */
export function pointBody(point: readonly number[], overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return { interval: 0.002, time_from_start: -1, look_ahead_time: 0, point, ...overrides };
}

function exchange(agent: Agent, port: number, method: string, path: string, body?: string | Buffer): Promise<Answer> {
  // Node's client does not frame the body of a DELETE by itself.
  const headers = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent, host: '127.0.0.1', port, method, path, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const json: unknown = text === '' ? undefined : JSON.parse(text);
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
