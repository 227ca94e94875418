// One question: what is an idle session made of? Heap by constructor, per session: `node --import tsx bench/micro/session-heap.ts [subject]`.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compileTools, toolPath } from '../support/native.ts';
import { RAW } from '../support/paths.ts';
import { LOAD_CORE, start } from '../support/processes.ts';
import { prepareSubjects, type SubjectName, startSubject } from '../support/subjects.ts';

interface Snapshot {
  snapshot: { meta: { node_fields: string[]; node_types: [string[], ...unknown[]] } };
  nodes: number[];
  strings: string[];
}

const SESSIONS = 2000;

function sizes(file: string): Map<string, { bytes: number; count: number }> {
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(file, 'utf8')) as Snapshot;
  const fields = snapshot.meta.node_fields;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  const byName = new Map<string, { bytes: number; count: number }>();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = snapshot.meta.node_types[0][nodes[at + type!]!]!;
    const named = kind === 'object' || kind === 'native' || kind === 'closure' || kind === 'object shape';
    const label = named ? `${kind} ${strings[nodes[at + name!]!]!.slice(0, 60)}` : kind;
    const entry = byName.get(label) ?? { bytes: 0, count: 0 };
    entry.bytes += nodes[at + size!]!;
    entry.count++;
    byName.set(label, entry);
  }
  return byName;
}

compileTools();
const name = (process.argv[2] ?? 'gateway') as SubjectName;
prepareSubjects({ gateway: name === 'gateway' });
const dir = join(RAW, 'heap');
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
const nodeArgs = ['--heapsnapshot-signal=SIGUSR2', `--diagnostic-dir=${dir}`];
const subject = await startSubject(name, {
  backendUrl: 'http://127.0.0.1:9',
  env: { MAX_SESSIONS: '20000' },
  nodeArgs,
});
const snapshots: string[] = [];
const clients = [];
for (const sessions of [100, SESSIONS]) {
  const args = ['--mode', 'idle', '--port', String(subject.port), '--sessions', String(sessions)];
  const client = start(toolPath('client'), args, { core: LOAD_CORE });
  clients.push(client);
  await client.event('holding', 60_000);
  subject.process.signal('SIGUSR2');
  // The process does nothing else while it writes: once it takes a new connection, the file is complete.
  for (const end = Date.now() + 60_000; readdirSync(dir).length === snapshots.length && Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const probe = start(toolPath('client'), ['--mode', 'idle', '--port', String(subject.port), '--sessions', '1'], {
    core: LOAD_CORE,
  });
  await probe.event('holding', 60_000);
  await probe.stop();
  snapshots.push(readdirSync(dir).find((file) => !snapshots.includes(file))!);
}
const [few, many] = snapshots.map((file) => sizes(join(dir, file)));
const growth = [...many!].map(([label, { bytes, count }]) => {
  const before = few!.get(label) ?? { bytes: 0, count: 0 };
  return { label, bytes: (bytes - before.bytes) / SESSIONS, count: (count - before.count) / SESSIONS };
});
growth.sort((a, b) => b.bytes - a.bytes);
const total = growth.reduce((sum, { bytes }) => sum + bytes, 0);
console.log(`${name}: ${total.toFixed(0)} bytes of heap per idle session`);
for (const { label, bytes, count } of growth.slice(0, 32)) {
  console.log(`${bytes.toFixed(0).padStart(6)}  ${count.toFixed(2).padStart(6)} x  ${label}`);
}
for (const client of clients) await client.stop();
await subject.process.stop();
