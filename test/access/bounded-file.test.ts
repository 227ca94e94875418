// A path in a setting may point at anything; reading it must neither hang nor grow nor throw.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBoundedFile } from '../../src/access/bounded-file.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();

describe('a bounded file', () => {
  it('gives the text of a file up to the limit, without a byte order mark', () => {
    expect(readBoundedFile(folder.write('a', 'héllo'), 6)).toEqual({ text: 'héllo' });
    expect(readBoundedFile(folder.write('empty', ''), 6)).toEqual({ text: '' });
    expect(readBoundedFile(folder.write('bom', '\ufeffx'), 6)).toEqual({ text: 'x' });
  });

  it('refuses what is too large, endless, no file, no text or not there', () => {
    expect(readBoundedFile(folder.write('b', 'seven..'), 6)).toEqual({ fault: 'is larger than 6 bytes' });
    expect(readBoundedFile('/dev/zero', 6)).toEqual({ fault: 'is not a regular file' });
    expect(readBoundedFile(folder.path, 6)).toEqual({ fault: 'is not a regular file' });
    expect(readBoundedFile(folder.write('c', Buffer.from([0x61, 0xff])), 6)).toEqual({ fault: 'is not UTF-8 text' });
    expect(readBoundedFile(join(folder.path, 'none'), 6)).toEqual({ fault: 'cannot be read (ENOENT)' });
    expect(readBoundedFile('a\0b', 6)).toEqual({ fault: 'cannot be read (ERR_INVALID_ARG_VALUE)' });
  });

  it.skipIf(process.platform === 'win32')('does not wait at a pipe nobody writes to', () => {
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(readBoundedFile(pipe, 6)).toEqual({ fault: 'is not a regular file' });
  });
});
