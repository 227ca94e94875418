// Socket activation: a service manager opens the listening socket and hands it over, so that a restart refuses nobody.
import type { Listen } from './listen.ts';

/** The first inherited descriptor, by the convention of sd_listen_fds(3). */
const FIRST_DESCRIPTOR = 3;

/** The listening descriptor meant for this process (LISTEN_PID, LISTEN_FDS), or undefined. */
export function inheritedListener(env: Readonly<Record<string, string | undefined>>, pid: number): Listen | undefined {
  if (env['LISTEN_PID'] !== String(pid)) return undefined;
  // Digits alone: what else a number can be spelled as is no count of a service manager's.
  return /^0*[1-9]\d*$/.test(env['LISTEN_FDS'] ?? '') ? { fd: FIRST_DESCRIPTOR } : undefined;
}
