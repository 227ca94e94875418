// What the operating system says of this process.
import { readdir, readFile } from 'node:fs/promises';
import type { ProcessNumbers } from './snapshot.ts';

const STARTED_AT = Date.now() - process.uptime() * 1000;

let maxDescriptors: Promise<number | undefined> | undefined;

export async function processNumbers(): Promise<ProcessNumbers> {
  maxDescriptors ??= descriptorLimit();
  const [open, max] = await Promise.all([openDescriptors(), maxDescriptors]);
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    count: 1,
    startedAt: STARTED_AT,
    cpuUserMs: userCPUTime / 1000,
    cpuSystemMs: systemCPUTime / 1000,
    residentBytes: rss,
    heapUsedBytes: heapUsed,
    ...(open === undefined ? {} : { openDescriptors: open }),
    ...(max === undefined ? {} : { maxDescriptors: max }),
  };
}

async function openDescriptors(): Promise<number | undefined> {
  try {
    // One of them is the folder itself.
    return (await readdir('/proc/self/fd')).length - 1;
  } catch {
    return undefined;
  }
}

async function descriptorLimit(): Promise<number | undefined> {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
