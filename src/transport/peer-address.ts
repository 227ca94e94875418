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
  const local = spelled(localAddress, littleEndian);
  const remote = spelled(remoteAddress, littleEndian);
  if (local === undefined || remote === undefined || local.length !== remote.length) return undefined;
  return {
    table: local.length === 8 ? 'tcp' : 'tcp6',
    key: `${local}:${hexPort(localPort)} ${remote}:${hexPort(remotePort)}`,
  };
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, '0'));
const MAPPED = '::ffff:';

const hexPort = (port: number): string => `${HEX[port >> 8]}${HEX[port & 0xff]}`;

/** The kernel prints each four bytes as one number of the machine's own byte order. */
function hexWord([a = 0, b = 0, c = 0, d = 0]: readonly number[], littleEndian: boolean): string {
  return littleEndian ? `${HEX[d]}${HEX[c]}${HEX[b]}${HEX[a]}` : `${HEX[a]}${HEX[b]}${HEX[c]}${HEX[d]}`;
}

/** An address as Node prints it, in the table's spelling; undefined for anything else. */
function spelled(text: string, littleEndian: boolean): string | undefined {
  if (isIPv4(text)) return hexWord(text.split('.').map(Number), littleEndian);
  // Most clients come this way, and after a restart all of them at once.
  if (text.startsWith(MAPPED) && isIPv4(text.slice(MAPPED.length))) {
    const mark = hexWord([0, 0, 0xff, 0xff], littleEndian);
    return `0000000000000000${mark}${hexWord(text.slice(MAPPED.length).split('.').map(Number), littleEndian)}`;
  }
  const [address = ''] = text.split('%');
  if (!isIPv6(address)) return undefined;
  const [head = '', tail = ''] = address.split('::');
  const before = groups(head);
  const after = groups(tail);
  const bytes = [...before, ...new Array<number>(16 - before.length - after.length).fill(0), ...after];
  return [0, 4, 8, 12].map((at) => hexWord(bytes.slice(at, at + 4), littleEndian)).join('');
}

/** The bytes of `a:b:c`, where the last part may be written as an IPv4 address. */
function groups(text: string): number[] {
  const parts = text === '' ? [] : text.split(':');
  return parts.flatMap((part) => {
    if (part.includes('.')) return part.split('.').map(Number);
    const value = Number.parseInt(part, 16);
    return [value >> 8, value & 0xff];
  });
}
