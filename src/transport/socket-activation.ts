// Socket activation: a service manager opens the listening socket and hands it over, so that a restart refuses nobody.
import type { Listen } from './listen.ts';

/** The first inherited descriptor, by the convention of sd_listen_fds(3). */
const FIRST_DESCRIPTOR = 3;

/** The listening descriptor meant for this process (LISTEN_PID, LISTEN_FDS), or undefined. */
export function inheritedListener(env: Readonly<Record<string, string | undefined>>, pid: number): Listen | undefined {
  if (env['LISTEN_PID'] !== String(pid)) return undefined;
  return Number(env['LISTEN_FDS']) >= 1 ? { fd: FIRST_DESCRIPTOR } : undefined;
}
