// PROXY headers as a load balancer writes them, and any number of them for properties.
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../../src/access/address.ts';

export const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** A version 2 header; `length` when it shall not be the truth. */
export function binary(command: number, family: number, body: Buffer | string, length?: number): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'hex') : body;
  const fixed = Buffer.from([command, family, 0, 0]);
  fixed.writeUInt16BE(length ?? bytes.length, 2);
  return Buffer.concat([SIGNATURE, fixed, bytes]);
}

/** CRC-32C bit by bit. */
export function checksum(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

export function withChecksum(header: Buffer, at: number): Buffer {
  const signed = Buffer.from(header);
  signed.writeUInt32BE(0, at);
  signed.writeUInt32BE(checksum(signed), at);
  return signed;
}

const ip4 = fc.ipV4();
const ip6 = fc.ipV6();
const port = fc.nat({ max: 65535 });
export const canonical = (ip: string): string => formatAddress(parseAddress(ip)!);

export const line = fc.oneof(
  fc.tuple(ip4, ip4, port, port).map(([from, to, a, b]) => ({
    bytes: Buffer.from(`PROXY TCP4 ${from} ${to} ${a} ${b}\r\n`),
    source: { address: canonical(from), port: a },
  })),
  fc.tuple(ip6, ip6, port, port).map(([from, to, a, b]) => ({
    bytes: Buffer.from(`PROXY TCP6 ${from} ${to} ${a} ${b}\r\n`),
    source: { address: canonical(from), port: a },
  })),
);

const extensions = fc
  .array(fc.tuple(fc.constantFrom(1, 2, 4, 5, 0x20, 0xea), fc.uint8Array({ maxLength: 40 })), { maxLength: 4 })
  .map((list) =>
    Buffer.concat(list.flatMap(([type, value]) => [Buffer.from([type, 0, value.length]), Buffer.from(value)])),
  );

export const block = fc
  .tuple(fc.boolean(), fc.uint8Array({ minLength: 36, maxLength: 36 }), extensions)
  .map(([six, random, tail]) => {
    const width = six ? 16 : 4;
    const addresses = Buffer.from(random.subarray(0, 2 * width + 4));
    const groups = [...addresses.subarray(0, width)];
    const text = six
      ? Array.from({ length: 8 }, (_, index) => ((groups[2 * index]! << 8) | groups[2 * index + 1]!).toString(16)).join(
          ':',
        )
      : groups.join('.');
    const source = { address: canonical(text), port: addresses.readUInt16BE(2 * width) };
    return { bytes: binary(0x21, six ? 0x21 : 0x11, Buffer.concat([addresses, tail])), source };
  });
