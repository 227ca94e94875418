// One question: what does each way of using undici cost per POST? `node --import tsx bench/micro/undici-styles.ts [seconds]`.
// Runs unbundled on core 0 against the C backend on core 1; figures of one run, to be compared with each other only.
import { type Dispatcher, fetch, Pool } from 'undici';
import { compileTools, toolPath } from '../support/native.ts';
import { LOAD_CORE, start } from '../support/processes.ts';

type Relay = (pool: Pool, origin: string) => Promise<unknown>;

const path = '/project/robot/trajectory/joint_traject_insert_point';
const body = '{"interval":0.002,"time_from_start":-1,"look_ahead_time":0.04,"point":[1.0,90.0,0.0,0.0,-90.0,0.0]}';
const headers = { 'content-type': 'application/json' };
const flatHeaders = ['content-type', 'application/json'];
const bytes = Buffer.from(body);

/** The least that undici's own interface asks for: no stream, no promise of its own, chunks collected by hand. */
function dispatch(pool: Pool, payload: string | Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0;
    const chunks: Buffer[] = [];
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, code) => {
        status = code;
      },
      onResponseData: (_controller, chunk) => {
        chunks.push(chunk);
      },
      onResponseEnd: () => resolve(status),
      onResponseError: (_controller, error) => reject(error),
    };
    pool.dispatch({ path, method: 'POST', headers: flatHeaders, body: payload }, handler);
  });
}

const styles: Record<string, Relay> = {
  'fetch, text()': async (_pool, origin) => (await fetch(origin + path, { method: 'POST', headers, body })).text(),
  'request, text()': async (pool) => (await pool.request({ path, method: 'POST', headers, body })).body.text(),
  'dispatch, string body': (pool) => dispatch(pool, body),
  'dispatch, Buffer body': (pool) => dispatch(pool, bytes),
};

async function perSecond(relay: Relay, origin: string, outstanding: number, ms: number): Promise<number> {
  const pool = new Pool(origin, { connections: outstanding });
  let done = 0;
  let counting = false;
  let running = true;
  const loop = async () => {
    while (running) {
      await relay(pool, origin);
      if (counting) done++;
    }
  };
  const loops = Array.from({ length: outstanding }, loop);
  await new Promise((resolve) => setTimeout(resolve, 500));
  counting = true;
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const rate = done / ((performance.now() - began) / 1000);
  running = false;
  await Promise.all(loops);
  await pool.close();
  return rate;
}

const seconds = Number(process.argv[2] ?? 2);
compileTools();
const backend = start(toolPath('backend'), [], { core: LOAD_CORE });
const { ['port']: port } = await backend.event('listening', 5000);
for (const outstanding of [1, 64]) {
  for (const [name, relay] of Object.entries(styles)) {
    const rate = await perSecond(relay, `http://127.0.0.1:${port}`, outstanding, seconds * 1000);
    console.log(`${String(outstanding).padStart(3)} outstanding  ${name.padEnd(24)} ${rate.toFixed(0).padStart(7)} /s`);
  }
}
await backend.stop();
