// Real cables pulled between real kernels: a gateway and its clients on machines of their own, joined by a switch.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { Network } from '../support/netns.ts';
import type { ClientPlan, ClientReport } from '../support/netns-client.ts';

const ARMED_TIMEOUT_MS = 5000;
/** What is promised; and what a machine that is busy with other things may add before a test calls it broken. */
const PROMISED_MS = ARMED_TIMEOUT_MS + 1000;
const BUSY_MS = 3000;
const WAIT_MS = 30_000;

interface Ended {
  readonly session: number;
  readonly reason: string;
  readonly at: number;
}

const monitor = (period_ms: number) => ({
  cmd: 'MONITOR',
  payload: { url: '/project/robot/po_cur', method: 'GET', period_ms },
});

/** The lines of JSON a process prints, and what it prints on its standard error, for when it fails. */
function linesOf(child: ChildProcess, line: (json: Record<string, unknown>) => void): () => string {
  let told = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    told = (told + chunk.toString('utf8')).slice(-10_000);
  });
  createInterface({ input: child.stdout! }).on('line', (text) => line(JSON.parse(text) as Record<string, unknown>));
  return () => told;
}

async function until(what: string, condition: () => boolean, told: () => string): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${WAIT_MS} ms for ${what}\n${told()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The gateway on one machine, in front of its embedded controller. */
async function startGateway(network: Network, machine: string) {
  const ended = new Map<number, Ended>();
  let port = 0;
  const child = network.spawn(machine, ['src/main.ts'], {
    HOST: '::',
    PORT: '0',
    ADMIN_PORT: '0',
    LOG_LEVEL: 'debug',
    ARMED_TIMEOUT_MS: String(ARMED_TIMEOUT_MS),
  });
  const told = linesOf(child, (line) => {
    if (line['msg'] === 'listening') port = line['port'] as number;
    if (line['msg'] !== 'session ended') return;
    const session = line['session'] as number;
    ended.set(session, { session, reason: line['reason'] as string, at: Date.parse(line['time'] as string) });
  });
  await until('the gateway to listen', () => port > 0, told);
  return { port, ended, told };
}

/** Clients on one machine; resolves when all of them have sent their lines. */
async function startClients(network: Network, machine: string, plan: ClientPlan) {
  const reports = new Map<string, ClientReport>();
  let ready = 0;
  let answered = 0;
  const child = network.spawn(machine, ['test/support/netns-client.ts', JSON.stringify(plan)]);
  const told = linesOf(child, (line) => {
    const report = line as unknown as ClientReport;
    if (report.ready) ready++;
    else answered++;
    reports.set(report.name, report);
  });
  await until('the clients to be ready', () => ready === plan.connections.length, told);
  return async (): Promise<ReadonlyMap<string, ClientReport>> => {
    const before = answered;
    child.stdin!.write('report\n');
    await until('the clients to report', () => answered === before + plan.connections.length, told);
    return reports;
  };
}

test('who is behind a pulled cable is gone in time, everybody else stays', { timeout: 180_000 }, async (context) => {
  const network = await Network.create(['gateway', 'pulled', 'other']);
  if (!(network instanceof Network)) {
    context.skip(network.refused);
    return;
  }
  try {
    // A small window closes soon, so that a client that does not read is seen from its worst side.
    await network.setting('other', 'net.ipv4.tcp_rmem', '4096 8192 8192');
    const { port, ended, told } = await startGateway(network, 'gateway');
    const host = network.address('gateway');
    const hostV6 = network.address('gateway', 6);
    const pulled: ClientPlan['connections'] = [
      { name: 'MONITOR 20 ms', host, lines: [monitor(20)] },
      { name: 'MONITOR 100 ms', host, lines: [monitor(100)] },
      { name: 'MONITOR 100 ms, IPv6', host: hostV6, lines: [monitor(100)] },
      { name: 'MONITOR 1.5 s', host, lines: [monitor(1500)] },
      { name: 'MONITOR 100 ms, half-closed', host, lines: [monitor(100)], halfClose: true },
      { name: 'MONITOR 30 s', host, lines: [monitor(30_000)] },
    ];
    const others: ClientPlan['connections'] = [
      { name: 'reads', host, lines: [monitor(20)] },
      { name: 'reads, IPv6', host: hostV6, lines: [monitor(100)] },
      { name: 'does not read', host, lines: [monitor(100)], deaf: true },
    ];
    // Sessions are numbered in the order in which they connect.
    const names = [...others, ...pulled].map(({ name }) => name);
    const reportOthers = await startClients(network, 'other', { port, connections: others });
    const reportPulled = await startClients(network, 'pulled', { port, connections: pulled });
    const noticed = (name: string) => ended.get(names.indexOf(name) + 1);

    await pass(2000);
    await network.cable('pulled', 'down');
    const pulledAt = Date.now();
    await until('the gateway to notice', () => ended.size >= pulled.length, told);
    const last = await reportPulled();
    for (const { name } of pulled) {
      const end = noticed(name)!;
      const lastByteAt = last.get(name)!.lastByteAt;
      // Between two events of a long period, the last sign of life is a probe that was answered up to 2 s before the fault.
      const isSilent = name === 'MONITOR 30 s';
      const heardAt = isSilent ? pulledAt : lastByteAt;
      const tookMs = end.at - heardAt;
      process.stdout.write(`time to notice a pulled cable, ${name}: ${tookMs} ms (${end.reason})\n`);
      expect({ name, reason: end.reason }).toEqual({ name, reason: 'peer_dead' });
      expect(tookMs, name).toBeGreaterThan(ARMED_TIMEOUT_MS - 200 - (isSilent ? 2000 : 0));
      expect(tookMs, name).toBeLessThan(PROMISED_MS + BUSY_MS);
    }

    // Their sockets went with them: the kernel offers nobody's bytes to nobody.
    expect(await network.sockets('gateway', port)).toBe(others.length);

    // A short outage of the gateway's own cable costs nobody the session.
    const before = new Map(await reportOthers());
    await network.outage('gateway', 1.5);
    await pass(ARMED_TIMEOUT_MS + 2000);
    const after = await reportOthers();
    expect([...ended.values()].slice(pulled.length)).toEqual([]);
    for (const name of ['reads', 'reads, IPv6']) {
      expect(after.get(name)!.bytes).toBeGreaterThan(before.get(name)!.bytes);
      expect(after.get(name)!.lastByteAt).toBeGreaterThan(Date.now() - 3000);
    }

    await network.cable('gateway', 'down');
    await until('the gateway to notice', () => ['reads', 'reads, IPv6'].every((name) => noticed(name)), told);
    const silenced = await reportOthers();
    for (const name of ['reads', 'reads, IPv6']) {
      const tookMs = noticed(name)!.at - silenced.get(name)!.lastByteAt;
      process.stdout.write(`time to notice its own pulled cable, ${name}: ${tookMs} ms (${noticed(name)!.reason})\n`);
      expect(noticed(name)!.reason).toBe('peer_dead');
      expect(tookMs, name).toBeGreaterThan(ARMED_TIMEOUT_MS - 200);
      expect(tookMs, name).toBeLessThan(PROMISED_MS + BUSY_MS);
    }
  } finally {
    await network.remove();
  }
});
