// Names a connection the way the kernel's socket tables do, so that a row can be found by comparing text.
import { isIPv4, isIPv6, type Socket } from 'node:net';
import { endianness } from 'node:os';

/** The two tables of /proc/net: sockets of the family AF_INET, and those of AF_INET6 (IPv4-mapped ones among them). */
export type TableName = 'tcp' | 'tcp6';

export interface PeerKey {
  readonly table: TableName;
  /** `local:port remote:port` in the table's spelling. */
  readonly key: string;
}

export type Ends = Pick<Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>;

/** Where a connection stands in the tables; undefined when it is not connected (any more). */
export function peerKey(ends: Ends, littleEndian = endianness() === 'LE'): PeerKey | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = ends;
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  const local = addressBytes(localAddress);
  const remote = addressBytes(remoteAddress);
  if (local === undefined || remote === undefined || local.length !== remote.length) return undefined;
  return {
    table: local.length === 4 ? 'tcp' : 'tcp6',
    key: `${inWords(local, littleEndian)}:${inHex(localPort)} ${inWords(remote, littleEndian)}:${inHex(remotePort)}`,
  };
}

const inHex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');

/** The kernel prints each four bytes as one number of the machine's own byte order. */
function inWords(bytes: Buffer, littleEndian: boolean): string {
  const words = Buffer.from(bytes);
  if (littleEndian) words.swap32();
  return words.toString('hex').toUpperCase();
}

/** 4 or 16 bytes of an address as Node prints it; undefined for anything else. */
function addressBytes(text: string): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  const [address = ''] = text.split('%');
  if (!isIPv6(address)) return undefined;
  const [head = '', tail] = address.split('::');
  const before = groups(head);
  const after = groups(tail ?? '');
  return Buffer.concat([before, Buffer.alloc(16 - before.length - after.length), after]);
}

/** The bytes of `a:b:c`, where the last part may be written as an IPv4 address. */
function groups(text: string): Buffer {
  const parts = text === '' ? [] : text.split(':');
  return Buffer.from(
    parts.flatMap((part) => {
      if (part.includes('.')) return part.split('.').map(Number);
      const value = Number.parseInt(part, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}
