// Files of the kernel: read from the beginning each time, let go of when closed, and a fault of the reader's is the reader's.
import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { KernelFiles } from '../../src/transport/kernel-files.ts';

/** How many descriptors of this process are of that file. */
const open = (name: string): number =>
  readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).endsWith(`/net/${name}`);
    } catch {
      return false;
    }
  }).length;

async function textOf(files: KernelFiles<string>, name: string): Promise<string> {
  let text = '';
  await files.read(name, (bytes) => {
    text += bytes.toString('latin1');
  });
  return text;
}

describe.runIf(process.platform === 'linux')('files of the kernel', () => {
  test('are read from the beginning each time, through one descriptor', async () => {
    const before = open('snmp');
    const files = new KernelFiles(['snmp']);
    for (let reading = 0; reading < 3; reading++) expect(await textOf(files, 'snmp')).toMatch(/^Ip: /);
    expect(open('snmp')).toBe(before + 1);
    files.close();
    expect(open('snmp')).toBe(before);
    expect(await textOf(files, 'snmp')).toBe('');
    expect(open('snmp')).toBe(before);
  });

  test('closed during a reading, the descriptor lives until the reading has ended', async () => {
    const before = open('snmp');
    const files = new KernelFiles(['snmp']);
    const reading = textOf(files, 'snmp');
    files.close();
    expect(open('snmp')).toBe(before + 1);
    await reading;
    expect(open('snmp')).toBe(before);
  });

  test('one that is not there is told when it is read', async () => {
    const files = new KernelFiles(['no-such-file']);
    await expect(textOf(files, 'no-such-file')).rejects.toThrow('ENOENT');
    files.close();
  });

  test('an exception of the reader ends its reading, not the process, and the next one goes on', async () => {
    const files = new KernelFiles(['snmp']);
    const failing = files.read('snmp', () => {
      throw new Error('cannot take that');
    });
    await expect(failing).rejects.toThrow('cannot take that');
    expect(await textOf(files, 'snmp')).toMatch(/^Ip: /);
    files.close();
  });
});
