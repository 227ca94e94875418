// The first bytes a trusted load balancer sends: who the client really is, by the PROXY protocol, versions 1 and 2.
import { formatAddress, fromIPv6, parseAddress } from '../access/address.ts';

export interface ProxySource {
  /** One spelling per address; IPv4 in IPv6 is IPv4. */
  readonly address: string;
  readonly port: number;
}

export type ProxyHeaderResult =
  | { readonly state: 'more' }
  | {
      readonly state: 'done';
      /** Absent when the balancer speaks for itself (health checks) or the client has no IP address. */
      readonly source?: ProxySource;
      /** What follows the header: the client's own first bytes. */
      readonly rest: Buffer;
    }
  | {
      readonly state: 'bad';
      /** Fit for a log: nothing of what was received is in it. */
      readonly reason: string;
    };

/** Of a version 1 header, its CR LF counted. */
const V1_MAX = 107;
const V1_PREFIX = Buffer.from('PROXY ');
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED = 16;
/** What may follow the fixed part of version 2: addresses and extensions. The format allows 65535, nobody needs it. */
const V2_MAX_BODY = 4096;

const TYPE_CRC32C = 0x03;
const LF = 0x0a;
const CR = 0x0d;

const MORE: ProxyHeaderResult = Object.freeze({ state: 'more' });

/** Bytes of addresses before the extensions, by family; stream sockets only, since a TCP connection is one. */
const V2_ADDRESS_BYTES: Readonly<Record<number, number>> = { 17: 12, 33: 36, 49: 216 };

/**
 * Takes the bytes of one connection in any portions until the header is complete or cannot become one. Holds at most
 * 4112 bytes; a wrong byte is told as soon as it comes. How long to wait for a header is the caller's to decide.
 */
export class ProxyHeaderParser {
  #header = Buffer.alloc(V1_MAX);
  #length = 0;
  /** Bytes to have before anything can be decided; grows as the version and the length become known. */
  #wanted = 1;
  #end: ProxyHeaderResult | undefined;

  /** After `done`, further bytes come back as `rest`; after `bad`, everything stays bad. */
  push(chunk: Buffer): ProxyHeaderResult {
    if (this.#end !== undefined) return this.#end.state === 'done' ? { ...this.#end, rest: chunk } : this.#end;
    let at = 0;
    while (at < chunk.length) {
      const taken = chunk.copy(this.#header, this.#length, at, at + this.#wanted - this.#length);
      at += taken;
      this.#length += taken;
      if (this.#length < this.#wanted) break;
      const result = this.#advance();
      if (result === undefined) continue;
      this.#end = result;
      return result.state === 'done' ? { ...result, rest: chunk.subarray(at) } : result;
    }
    return MORE;
  }

  /** Undefined: more is wanted. */
  #advance(): ProxyHeaderResult | undefined {
    if (this.#header[0] === V1_PREFIX[0]) return this.#advanceV1();
    if (this.#header[0] === V2_SIGNATURE[0]) return this.#advanceV2();
    return bad('the connection does not begin with a PROXY header');
  }

  /** Byte by byte, so that nothing behind the line's end is taken; a line has 107 of them at most. */
  #advanceV1(): ProxyHeaderResult | undefined {
    const last = this.#length - 1;
    if (last < V1_PREFIX.length) {
      if (this.#header[last] !== V1_PREFIX[last]) return bad('the PROXY line does not begin with "PROXY "');
    } else if (this.#header[last] === LF) {
      if (this.#header[last - 1] !== CR) return bad('the PROXY line does not end with CR LF');
      return readLine(this.#header.toString('latin1', V1_PREFIX.length, last - 1));
    } else if (this.#length === V1_MAX) {
      return bad(`the PROXY line is longer than ${V1_MAX} bytes`);
    }
    this.#wanted = this.#length + 1;
    return undefined;
  }

  #advanceV2(): ProxyHeaderResult | undefined {
    if (this.#length <= V2_SIGNATURE.length) {
      const last = this.#length - 1;
      if (this.#header[last] !== V2_SIGNATURE[last]) return bad('the PROXY signature is wrong');
      this.#wanted = this.#length < V2_SIGNATURE.length ? this.#length + 1 : V2_FIXED;
      return undefined;
    }
    if (this.#length > V2_FIXED) return readBinary(this.#header.subarray(0, this.#length));
    const body = this.#header.readUInt16BE(14);
    if (body > V2_MAX_BODY) return bad(`the PROXY header is longer than ${V2_FIXED + V2_MAX_BODY} bytes`);
    if (body === 0) return readBinary(this.#header.subarray(0, V2_FIXED));
    this.#wanted = V2_FIXED + body;
    if (this.#wanted > this.#header.length) this.#header = Buffer.concat([this.#header], this.#wanted);
    return undefined;
  }
}

function bad(reason: string): ProxyHeaderResult {
  return { state: 'bad', reason };
}

function done(source?: ProxySource): ProxyHeaderResult {
  const rest = Buffer.alloc(0);
  return source === undefined ? { state: 'done', rest } : { state: 'done', source, rest };
}

/** Version 1 behind `PROXY ` and before CR LF: `TCP4 192.0.2.1 192.0.2.2 40000 49000`, or `UNKNOWN` and whatever. */
function readLine(line: string): ProxyHeaderResult {
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) return done();
  const fields = line.split(' ');
  const [protocol, from = '', to = '', fromPort = '', toPort = ''] = fields;
  if (protocol !== 'TCP4' && protocol !== 'TCP6') return bad('the PROXY line names neither TCP4, TCP6 nor UNKNOWN');
  if (fields.length !== 5) return bad('the PROXY line does not have two addresses and two ports');
  const source = readAddress(protocol, from);
  if (source === undefined || readAddress(protocol, to) === undefined) {
    return bad(`an address of the PROXY line is not one of ${protocol}`);
  }
  const port = readPort(fromPort);
  if (port === undefined || readPort(toPort) === undefined) return bad('a port of the PROXY line is not one');
  return done({ address: source, port });
}

function readAddress(protocol: 'TCP4' | 'TCP6', text: string): string | undefined {
  if (text.includes('%') || text.includes(':') !== (protocol === 'TCP6')) return undefined;
  const address = parseAddress(text);
  return address === undefined ? undefined : formatAddress(address);
}

function readPort(text: string): number | undefined {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

/** A complete version 2 header. */
function readBinary(header: Buffer): ProxyHeaderResult {
  const command = header[12]!;
  if (command === 0x20) return done();
  if (command !== 0x21) return bad('the PROXY version or command is unknown');
  const family = header[13]!;
  if (family === 0x00) return done();
  const addressBytes = V2_ADDRESS_BYTES[family];
  if (addressBytes === undefined) return bad('the PROXY header is not for TCP');
  if (header.length < V2_FIXED + addressBytes) return bad('the PROXY header is too short for its addresses');
  const fault = extensionFault(header, V2_FIXED + addressBytes);
  if (fault !== undefined) return bad(fault);
  if (family === 0x31) return done();
  const width = family === 0x11 ? 4 : 16;
  const bits = BigInt(`0x${header.toString('hex', V2_FIXED, V2_FIXED + width)}`);
  const address = width === 4 ? ({ family: 4, value: bits } as const) : fromIPv6(bits);
  return done({ address: formatAddress(address), port: header.readUInt16BE(V2_FIXED + 2 * width) });
}

/** Extensions are skipped, but must fill the header exactly, and a checksum among them must be right. */
function extensionFault(header: Buffer, start: number): string | undefined {
  for (let at = start; at < header.length; ) {
    if (at + 3 > header.length) return 'a PROXY extension is cut off';
    const length = header.readUInt16BE(at + 1);
    const value = at + 3;
    if (value + length > header.length) return 'a PROXY extension is longer than its header';
    if (header[at] === TYPE_CRC32C) {
      if (length !== 4) return 'the PROXY checksum is not four bytes long';
      const zeroed = Buffer.from(header);
      zeroed.writeUInt32BE(0, value);
      if (crc32c(zeroed) !== header.readUInt32BE(value)) return 'the PROXY checksum is wrong';
    }
    at = value + length;
  }
  return undefined;
}

/** CRC-32C (Castagnoli) bit by bit: a header is small and comes once per connection. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
}
