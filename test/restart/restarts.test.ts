// Restarts under connection load: the socket is held by somebody else, so nobody may be refused, reset or left without a word.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ScriptedBackend } from '../support/backend.ts';
import { type Bundle, buildGateway } from './support/bundle.ts';
import { ConnectionLoad } from './support/connection-load.ts';
import { HeldSocket } from './support/held-socket.ts';

/** RESTARTS=100 for the figure that is promised; a few are enough to see a fault of the way itself. */
const RESTARTS = Number(process.env['RESTARTS'] ?? 12);
const WAIT_MS = 30_000;

let bundle: Bundle;
beforeAll(async () => {
  bundle = await buildGateway();
});
afterAll(() => bundle.remove());

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${WAIT_MS} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('restarts under connection load', () => {
  test.each([
    ['one process', '1', RESTARTS],
    ['two workers', '2', Math.ceil(RESTARTS / 4)],
  ])('%s', { timeout: 60_000 + RESTARTS * 10_000 }, async (what, workers, restarts) => {
    const backend = await ScriptedBackend.start();
    const held = new HeldSocket();
    const env = { BACKEND_URL: backend.url, WORKERS: workers };
    const starts: number[] = [];
    const drains: number[] = [];
    try {
      let current = await held.start(bundle.path, env);
      const load = new ConnectionLoad(held.port, { short: 24, long: 8 });
      for (let restart = 0; restart < restarts; restart++) {
        const { served } = load.tally;
        await until('clients to be served', () => load.tally.served >= served + 50);
        const begun = performance.now();
        current.child.kill('SIGTERM');
        expect(await current.exited).toEqual({ code: 0, signal: null });
        drains.push(performance.now() - begun);
        current = await held.start(bundle.path, env);
        starts.push(current.startMs);
      }
      const { served: before } = load.tally;
      await until('clients to be served', () => load.tally.served >= before + 50);
      const over = load.stop();
      // Who is still in the socket's queue would be served by the next gateway, and there is none.
      await until('every client to be accepted', () => load.unanswered === 0);
      current.child.kill('SIGTERM');
      expect(await current.exited).toEqual({ code: 0, signal: null });
      await over;
      const { served, told, untold, refused, failed, stuck, longestMs } = load.tally;
      process.stdout.write(
        `${restarts} restarts, ${what}: ${load.connections} connections, ${served} served, ${told} told why, ${refused} refused, ` +
          `${failed.length} reset, ${untold.length} without a word, ${stuck.length} stuck; drain at most ${Math.round(Math.max(...drains))} ms, ` +
          `start at most ${Math.round(Math.max(...starts))} ms, first line after at most ${Math.round(longestMs)} ms\n`,
      );
      expect({ refused, failed, untold, stuck }).toEqual({ refused: 0, failed: [], untold: [], stuck: [] });
      expect(served).toBeGreaterThan(50 * restarts);
      expect(told).toBeGreaterThan(restarts);
    } finally {
      await held.close();
      await backend.stop();
    }
  });
});
