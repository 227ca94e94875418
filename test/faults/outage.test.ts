// A backend that goes away and comes back under a thousand monitors: sessions stay, nothing piles up, data returns soon.
import { expect } from 'vitest';
import { ScriptedBackend } from '../support/backend.ts';
import { type CheckContext, check } from '../support/check.ts';
import type { TestClient } from '../support/client.ts';
import { monitor } from './support/commands.ts';
import { RawBackend } from './support/raw-backend.ts';
import { pass, waitUntil } from './support/wait.ts';

const SESSIONS = 1000;
const PERIOD_MS = 250;

interface Outage {
  readonly clients: readonly TestClient[];
  readonly port: number;
  /** Different polls among the monitors. */
  readonly polls: number;
}

/** A thousand monitors whose data flows, and then no backend any more. */
async function outage({ backend, gateway }: CheckContext, polls: number): Promise<Outage> {
  const rest = await backend();
  const { port } = rest;
  const server = await gateway({ BACKEND_URL: rest.url, BACKEND_TIMEOUT_MS: '1000' });
  const clients: TestClient[] = [];
  while (clients.length < SESSIONS) {
    clients.push(...(await Promise.all(Array.from({ length: 100 }, () => server.ready()))));
  }
  for (const [i, client] of clients.entries()) client.send(monitor(`/resource/${i % polls}`, PERIOD_MS));
  await Promise.all(clients.map((client) => client.until('data', 30_000)));
  await rest.stop();
  await Promise.all(clients.map((client) => client.until('monitor_internal_error', 30_000)));
  return { clients, port, polls };
}

/** Brings the backend back and returns how long the slowest monitor waited for its next data, in ms. */
async function recover({ clients, port }: Outage): Promise<number> {
  for (const client of clients) while (client.unread.length > 0) await client.next();
  const rest = await ScriptedBackend.start(undefined, port);
  const begun = performance.now();
  try {
    await Promise.all(clients.map((client) => client.until('data', 30_000)));
    const waited = performance.now() - begun;
    await waitUntil(
      () => rest.requests.length > 0 && performance.now() - begun > 1500,
      'a second and a half of recovery',
    );
    // No herd: within that time each poll asked about as often as its period allows.
    const asked = new Map<string, number>();
    for (const { path } of rest.requests) asked.set(path, (asked.get(path) ?? 0) + 1);
    const periods = (performance.now() - begun) / PERIOD_MS;
    for (const count of asked.values()) expect(count).toBeLessThanOrEqual(periods + 3);
    return waited;
  } finally {
    await rest.stop();
  }
}

function allAlive(clients: readonly TestClient[]): void {
  expect(clients.filter((client) => client.ended).length).toBe(0);
  expect(clients.filter((client) => client.lines.some((line) => line.json['fatal'] === true)).length).toBe(0);
}

for (const polls of [1, 50]) {
  check(
    `faults.outage-refused-${polls}`,
    `[OS-3.3] ${SESSIONS} monitors on ${polls} resource${polls === 1 ? '' : 's'} keep their sessions while the backend refuses, and have data soon after it returns`,
    async (context) => {
      const out = await outage(context, polls);
      await pass(2500);
      allAlive(out.clients);
      const waited = await recover(out);
      console.info(`outage, refused, ${polls} polls: first data everywhere ${Math.round(waited)} ms after recovery`);
      // One period and 1 s by the contract; the rest is for a slow machine.
      expect(waited).toBeLessThan(PERIOD_MS + 1000 + 4000);
      allAlive(out.clients);
    },
    120_000,
  );
}

check(
  'faults.outage-hanging',
  `[OS-3.3] in an outage polls back off: never more than one connection attempt per shared poll at a time`,
  async (context) => {
    const polls = 20;
    const out = await outage(context, polls);
    // Something listens, takes connections and says nothing: every attempt can be counted.
    const mute = await RawBackend.start(() => {}, out.port);
    const begun = performance.now();
    let longestTurn = 0;
    for (let at = begun; at - begun < 4000; ) {
      await pass(20);
      const now = performance.now();
      longestTurn = Math.max(longestTurn, now - at - 20);
      at = now;
    }
    const seconds = (performance.now() - begun) / 1000;
    const { connections, mostOpen, requests } = mute;
    await mute.stop();
    console.info(
      `outage, mute for ${seconds.toFixed(1)} s, ${polls} polls: ${connections} connections, ${mostOpen} at most at once`,
    );
    expect(connections).toBeGreaterThan(0);
    // A process that was held up for long finds a try over and the next one due at once: the end of the last is still to be seen.
    const seenAtOnce = longestTurn < PERIOD_MS ? 1 : 2;
    expect(mostOpen).toBeLessThanOrEqual(polls * seenAtOnce + 2);
    // Each try lasts BACKEND_TIMEOUT_MS, and none is faster than the period.
    expect(requests.length).toBeLessThanOrEqual(polls * ((seconds * 1000) / PERIOD_MS + 2));
    allAlive(out.clients);
    const waited = await recover(out);
    expect(waited).toBeLessThan(PERIOD_MS + 1000 + 4000);
  },
  120_000,
);

check(
  'faults.outage-resetting',
  '[OS-3.3] a backend that resets every connection is tried at the pace of the back-off, poll by poll',
  async (context) => {
    const polls = 20;
    const out = await outage(context, polls);
    const rude = await RawBackend.start(() => {}, out.port);
    rude.onConnection = (socket) => socket.resetAndDestroy();
    const begun = performance.now();
    await pass(4000);
    const seconds = (performance.now() - begun) / 1000;
    const { connections } = rude;
    await rude.stop();
    console.info(`outage, resetting for ${seconds.toFixed(1)} s, ${polls} polls: ${connections} connections`);
    // At its period every poll would try 16 times; backed off it is at most 1 s apart and seldom quicker.
    expect(connections).toBeGreaterThanOrEqual(polls);
    expect(connections).toBeLessThanOrEqual(polls * (seconds * 3 + 3));
    allAlive(out.clients);
    await recover(out);
  },
  120_000,
);
