// One question: what does ERROR_CATALOGS cost, per answer of the backend? `node --import tsx bench/micro/explain-cost.ts [seconds]`.
// Figures of one run, to be compared with each other only; without catalogs nothing of this is called at all.
import { BUILT_IN } from '../../src/catalogs/built-in.ts';
import { loadCatalogs } from '../../src/catalogs/load.ts';

const SECONDS = Number(process.argv[2] ?? 1);
const TURN = 1000;
const ALL = [...BUILT_IN.keys()];

const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const srt = text({ success: false, error_code: 143, error_message: 'not there', category: 'docker_management' });
const makapix = text({ detail: 'Storage quota exceeded. Used 49.8 MB of 50 MB' });
const tencent = text({ reqhead: { uint32_sub_cmd: 5 }, rspbody: { rsp_0x5: { uint32_result: 30_000_404 } } });
const unknown = text({ error: 'something else', details: Array.from({ length: 20 }, (_, i) => ({ field: `f${i}` })) });
const joints = text({ _type: 'JObject', position: [0, 90, 0, 0, -90, 0], velocity: [0, 0, 0, 0, 0, 0] });

const cases: readonly (readonly [what: string, catalogs: readonly string[], status: number, body: Buffer])[] = [
  ['the bare look at the status of a success', ['multiscreen-srt'], 200, joints],
  ['a success that is looked into', ['tencent-ilvb'], 200, joints],
  ['an error with HTTP 200', ['tencent-ilvb'], 200, tencent],
  ['an error known by its number', ['multiscreen-srt'], 500, srt],
  ['an error known by its text', ['makapix'], 413, makapix],
  ['an error no catalog knows, one catalog', ['multiscreen-srt'], 500, unknown],
  ['the same, all catalogs', ALL, 500, unknown],
];

for (const [what, catalogs, status, body] of cases) {
  const { explainer, faults } = loadCatalogs(catalogs);
  if (!explainer) throw new Error(faults.join('; '));
  const turn = (): void => {
    for (let i = 0; i < TURN; i++) explainer.explain(status, body);
  };
  for (const end = performance.now() + 300; performance.now() < end; ) turn();
  const begun = performance.now();
  let turns = 0;
  for (; performance.now() - begun < SECONDS * 1000; turns++) turn();
  const microseconds = ((performance.now() - begun) * 1000) / (turns * TURN);
  process.stdout.write(
    `${what.padEnd(42)} ${String(body.length).padStart(5)} B ${microseconds.toFixed(2).padStart(8)} µs\n`,
  );
}
