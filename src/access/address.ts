// Who is on the other side: one reading of IP addresses for every list and every limit, without a socket.

/** An address as a number. IPv4 written as IPv6 (`::ffff:192.0.2.1`) is IPv4; a zone (`%eth0`) is checked and left out. */
export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** Longest text worth looking at: 39 characters of IPv6 with an IPv4 tail (45), `%`, and a zone. */
const MAX_TEXT = 45 + 1 + 64;

/** Entries an address list may have; each membership test walks them. */
const MAX_ENTRIES = 1000;

/** Reads an IPv4 or IPv6 address; undefined for anything else, such as a name, a port, or an octet with a leading zero. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > MAX_TEXT) return undefined;
  if (!text.includes(':')) {
    const value = parseIPv4(text);
    return value === undefined ? undefined : { family: 4, value };
  }
  const zoneAt = text.indexOf('%');
  if (zoneAt !== -1 && !/^[A-Za-z0-9._~-]{1,64}$/.test(text.slice(zoneAt + 1))) return undefined;
  const value = parseIPv6(zoneAt === -1 ? text : text.slice(0, zoneAt));
  return value === undefined ? undefined : fromIPv6(value);
}

/** The address of 128 bits of IPv6, which may be an IPv4 address in that clothing. */
export function fromIPv6(value: bigint): Address {
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value };
}

/** The one spelling of an address: dotted, or RFC 5952 (lower case, the longest run of zero groups as `::`). */
export function formatAddress(address: Address): string {
  if (address.family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => (address.value >> shift) & 0xffn).join('.');
  }
  const groups = Array.from({ length: 8 }, (_, index) => (address.value >> BigInt(112 - 16 * index)) & 0xffffn);
  const hole = longestZeroRun(groups);
  const hex = (part: readonly bigint[]): string => part.map((group) => group.toString(16)).join(':');
  if (hole.length < 2) return hex(groups);
  return `${hex(groups.slice(0, hole.start))}::${hex(groups.slice(hole.start + hole.length))}`;
}

/**
 * What limits per address count by: an IPv4 address itself, or the /64 an IPv6 address is in, since one IPv6 host owns
 * a whole /64. What is not an address shares the single key `unknown`, so it is limited too.
 */
export function limitKey(ip: string): string {
  const address = parseAddress(ip);
  if (address === undefined) return 'unknown';
  if (address.family === 4) return formatAddress(address);
  return `${formatAddress({ family: 6, value: (address.value >> 64n) << 64n })}/64`;
}

interface Range {
  readonly family: 4 | 6;
  readonly shift: bigint;
  readonly network: bigint;
}

/** Addresses and networks an operator named, for example in `TRUSTED_PROXIES`. */
export class AddressList {
  /** Contains nothing. */
  static readonly EMPTY = new AddressList([]);

  readonly #ranges: readonly Range[];

  private constructor(ranges: readonly Range[]) {
    this.#ranges = ranges;
  }

  /**
   * Reads a list, at most 1000 entries, each an address or `address/prefix`. White space around an entry is ignored.
   * A network with bits set behind its prefix is a fault, because it is as likely a slip in the prefix as in the address.
   * IPv4 and IPv6 stay apart: `::/0` holds no IPv4 address.
   */
  static parse(entries: readonly string[]): { list: AddressList; faults: [] } | { list?: never; faults: string[] } {
    if (entries.length > MAX_ENTRIES)
      return { faults: [`${entries.length} entries; at most ${MAX_ENTRIES} are allowed`] };
    const faults: string[] = [];
    const ranges: Range[] = [];
    for (const [index, entry] of entries.entries()) {
      const range = parseRange(entry.trim());
      if (typeof range === 'string')
        faults.push(`entry ${index + 1} (${JSON.stringify(entry.slice(0, 80))}): ${range}`);
      else ranges.push(range);
    }
    return faults.length > 0 ? { faults } : { list: new AddressList(ranges), faults: [] };
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** False for what is not an address. */
  contains(ip: string): boolean {
    if (this.#ranges.length === 0) return false;
    const address = parseAddress(ip);
    if (address === undefined) return false;
    return this.#ranges.some(
      (range) => range.family === address.family && address.value >> range.shift === range.network,
    );
  }
}

/** The range, or what is wrong with the text. */
function parseRange(text: string): Range | string {
  const slash = text.indexOf('/');
  const addressText = slash === -1 ? text : text.slice(0, slash);
  if (addressText.includes('%')) return 'a zone has no place in a list; leave out % and what follows';
  const address = parseAddress(addressText);
  if (address === undefined) return 'expected an IPv4 or IPv6 address, or such an address with /prefix';
  const bits = address.family === 4 ? 32 : 128;
  if (slash === -1) return { family: address.family, shift: 0n, network: address.value };
  const prefixText = text.slice(slash + 1);
  const written = /^(?:0|[1-9][0-9]{0,2})$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  const mapped = address.family === 4 && addressText.includes(':');
  const prefix = mapped ? written - 96 : written;
  if (!(prefix >= 0 && prefix <= bits)) return `expected a prefix from ${mapped ? 96 : 0} to ${mapped ? 128 : bits}`;
  const shift = BigInt(bits - prefix);
  const network = address.value >> shift;
  if (network << shift !== address.value) {
    const meant = formatAddress({ family: address.family, value: network << shift });
    return `has bits set behind its prefix; write ${meant}/${prefix} for the network, or the address alone`;
  }
  return { family: address.family, shift, network };
}

function parseIPv4(text: string): bigint | undefined {
  const octets = text.split('.', 5);
  if (octets.length !== 4) return undefined;
  let value = 0n;
  for (const octet of octets) {
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(octet) || Number(octet) > 255) return undefined;
    value = (value << 8n) | BigInt(octet);
  }
  return value;
}

function parseIPv6(text: string): bigint | undefined {
  const halves = text.split('::', 3);
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...new Array<bigint>(missing).fill(0n), ...tail];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

/** 16-bit groups between colons; the last of an address may be a dotted IPv4 address, which is two. */
function parseGroups(text: string, endsAddress: boolean): bigint[] | undefined {
  if (text === '') return [];
  const parts = text.split(':', 9);
  const groups: bigint[] = [];
  for (const [index, part] of parts.entries()) {
    if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      groups.push(BigInt(`0x${part}`));
      continue;
    }
    const dotted = endsAddress && index === parts.length - 1 ? parseIPv4(part) : undefined;
    if (dotted === undefined) return undefined;
    groups.push(dotted >> 16n, dotted & 0xffffn);
  }
  return groups;
}

function longestZeroRun(groups: readonly bigint[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0n ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}
