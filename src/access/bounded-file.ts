// Reads the small files an operator names, so that a wrong path (a device, a pipe, a huge file) costs a fault, not the process.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

type FileText = { readonly text: string } | { readonly fault: string };

/**
 * The text of a regular file of at most `maxBytes`, a UTF-8 byte order mark left out, or why there is none.
 * The fault names neither the path nor anything in the file: the caller knows whether either is a secret.
 */
export function readBoundedFile(path: string, maxBytes: number): FileText {
  let descriptor: number | undefined;
  try {
    // Without O_NONBLOCK, opening a pipe nobody writes to would wait for ever.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (!fstatSync(descriptor).isFile()) return { fault: 'is not a regular file' };
    const buffer = Buffer.allocUnsafe(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
    if (length > maxBytes) return { fault: `is larger than ${maxBytes} bytes` };
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length)) };
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return { fault: 'is not UTF-8 text' };
    return { fault: `cannot be read (${typeof code === 'string' ? code : 'unknown error'})` };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
