// What the kernel says about a process: resident memory and open descriptors (Linux).
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export const MIB = 1_048_576;

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kb === undefined) throw new Error(`process ${pid} has no VmRSS: it has ended`);
  return Number(kb) * 1024;
}

export function openDescriptors(pid: number | 'self'): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How many descriptors this process, and with it its children, may have open. */
export function descriptorLimit(): number {
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined || limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}

interface MemoryWatch {
  /** The most seen so far. */
  readonly peak: () => number;
  stop(): void;
}

/** Samples resident memory ten times a second. */
export function watchMemory(pid: number): MemoryWatch {
  let peak = residentBytes(pid);
  let over = false;
  const watching = (async () => {
    while (!over) {
      try {
        peak = Math.max(peak, residentBytes(pid));
      } catch {
        return; // the process has ended; who waits for it will say so
      }
      await sleep(100, undefined, { ref: false });
    }
  })();
  void watching;
  return {
    peak: () => peak,
    stop() {
      over = true;
    },
  };
}

export const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
