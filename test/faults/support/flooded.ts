// A gateway in a process of its own, a healthy client that wants to be served throughout, and the memory it all costs.
import { type Handler, ScriptedBackend } from '../../support/backend.ts';
import type { TestClient } from '../../support/client.ts';
import { type GatewayProcess, spawnGateway } from '../../support/gateway.ts';
import { acked } from './commands.ts';
import { mib, residentBytes, watchMemory } from './process-figures.ts';
import { pass } from './wait.ts';

interface Flooded {
  readonly backend: ScriptedBackend;
  readonly gateway: GatewayProcess;
  readonly pid: number;
  /** Resident bytes before the flood. */
  readonly before: number;
  /** Resident bytes at most so far. */
  readonly peak: () => number;
}

export interface Figures {
  /** Growth of resident memory at its most, in bytes. */
  readonly growth: number;
  /** CONTROLs of the healthy client that were acknowledged during the flood. */
  readonly served: number;
  /** The longest it waited for one, in ms. */
  readonly slowest: number;
}

/**
 * Runs `flood` while a healthy client sends acknowledged CONTROLs, each within `serveWithinMs`, and prints the figures.
 * Fails when the gateway ends, when the healthy client is not served, or when memory grows by more than `limitBytes`.
 */
export async function flooded(
  name: string,
  env: Readonly<Record<string, string>>,
  limitBytes: number,
  flood: (context: Flooded) => Promise<void>,
  handler?: Handler,
): Promise<Figures> {
  const backend = await ScriptedBackend.start(handler);
  const gateway = await spawnGateway({ BACKEND_URL: backend.url, ...env });
  const pid = gateway.child.pid!;
  const watch = watchMemory(pid);
  try {
    const healthy = await gateway.connect();
    await healthy.handshake();
    await serve(healthy, 200, () => false);
    const before = residentBytes(pid);
    let over = false;
    const serving = serve(healthy, Number.POSITIVE_INFINITY, () => over);
    // Whichever fails first is the reason; the other must not go unheard.
    const flooding = flood({ backend, gateway, pid, before, peak: watch.peak }).finally(() => {
      over = true;
    });
    const [, { served, slowest }] = await Promise.all([flooding, serving]);
    await serve(healthy, 3, () => false);
    const growth = watch.peak() - before;
    console.info(
      `${name}: ${mib(before)} at rest, +${mib(growth)} at most, +${mib(residentBytes(pid) - before)} at its end; ` +
        `healthy client: ${served} CONTROLs, slowest ${Math.round(slowest)} ms`,
    );
    if (growth > limitBytes) throw new Error(`${name}: memory grew by ${mib(growth)}, more than ${mib(limitBytes)}`);
    return { growth, served, slowest };
  } finally {
    watch.stop();
    await gateway.stop();
    await backend.stop();
  }
}

async function serve(
  client: TestClient,
  count: number,
  over: () => boolean,
): Promise<{ served: number; slowest: number }> {
  let served = 0;
  let slowest = 0;
  while (served < count && !over()) {
    const asked = performance.now();
    client.send(acked('/healthy', { id: served }));
    await client.expect({ type: 'control_ack', id: served }, 15_000);
    slowest = Math.max(slowest, performance.now() - asked);
    served += 1;
    if (count === Number.POSITIVE_INFINITY) await pass(20);
  }
  return { served, slowest };
}
