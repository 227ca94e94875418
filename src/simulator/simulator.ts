// The simulated robot controller as one thing to start and to close: a controller's state behind a small REST server.
import type { AddressInfo } from 'node:net';
import { Controller } from './controller.ts';
import { createHttpServer } from './http-server.ts';
import { DEFAULT_HOST, MAX_BODY_BYTES } from './limits.ts';
import { answer, answerTooLarge } from './routing.ts';

/** How to start the simulator. */
interface SimulatorOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** TCP port, 0-65535; default 0, any free one. */
  readonly port?: number;
  /**
   * The time in ms, for tests that turn it by hand; drives motion, motors and the date (as epoch ms), must not run
   * backwards. Default: a monotonic clock for motion, the host's date for the date.
   */
  readonly clock?: () => number;
}

/** A simulator that listens. */
export interface Simulator {
  /** Base URL without a trailing slash, such as `http://127.0.0.1:8888`. */
  readonly url: string;
  readonly port: number;
  /** Ends all connections, idle and busy, and the listener; resolves when nothing is left. May be called again. */
  close(): Promise<void>;
}

/** Starts a simulated controller of its own; rejects with Node's error when it cannot listen (EADDRINUSE and the like). */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = DEFAULT_HOST, port = 0, clock } = options;
  const controller = new Controller({
    now: clock ?? (() => performance.now()),
    wall: clock ?? (() => Date.now()),
  });
  const server = createHttpServer({
    answer: (method, target, body) => answer(controller, method, target, body),
    answerTooLarge: (method, target) => answerTooLarge(method, target, MAX_BODY_BYTES),
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${reachable(address)}:${address.port}`,
    port: address.port,
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closed;
    },
  };
}

/** An address one can connect to, as it stands in a URL: a wildcard listener is reached over loopback. */
function reachable(address: AddressInfo): string {
  if (address.address === '0.0.0.0') return '127.0.0.1';
  if (address.address === '::') return '[::1]';
  return address.family === 'IPv6' ? `[${address.address}]` : address.address;
}
