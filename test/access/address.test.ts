// Address parsing decides who is limited and who is trusted, so it is held against the platform's own reading.
import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressList, formatAddress, limitKey, parseAddress } from '../../src/access/address.ts';

const canonical = (text: string): string | undefined => {
  const address = parseAddress(text);
  return address === undefined ? undefined : formatAddress(address);
};

const list = (...entries: string[]): AddressList => {
  const parsed = AddressList.parse(entries);
  if (parsed.list === undefined) throw new Error(parsed.faults.join('; '));
  return parsed.list;
};

describe('an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('%s is %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each([
    ...[
      '',
      ' ',
      '1.2.3',
      '1.2.3.4.5',
      '01.2.3.4',
      '256.1.1.1',
      '1.2.3.4 ',
      '0x1.2.3.4',
      '1.2.3.-4',
      '１.2.3.4',
      '1.2.3.4%eth0',
    ],
    ...[':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::', '12345::', 'g::', '::1.2.3'],
    ...[
      '1.2.3.4::',
      '::1.2.3.4:5',
      'fe80::1%',
      'fe80::1%a b',
      '[::1]',
      'localhost',
      '127.0.0.1:80',
      `::${'0'.repeat(200)}1`,
    ],
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it('is read as the platform reads it, whatever the text', () => {
    const piece = fc.constantFrom(':', '::', '.', '0', '1', 'ffff', 'f', '255', '256', '01', '1.2.3.4', 'g', '/', ' ');
    const texts = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.array(piece, { maxLength: 16 }).map((parts) => parts.join('')),
      fc.string(),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(parseAddress(text) !== undefined).toBe(isIP(text) !== 0);
      }),
      { numRuns: 5000 },
    );
  });

  it('keeps its value through its one spelling, which is the platform’s', () => {
    const platform = (text: string): string =>
      new SocketAddress({ address: text, family: isIPv4(text) ? 'ipv4' : 'ipv6' }).address;
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = parseAddress(text)!;
        const spelled = formatAddress(address);
        expect(parseAddress(spelled)).toEqual(address);
        // The platform keeps the dotted tail of the long-deprecated ::a.b.c.d, RFC 5952 leaves the choice open.
        if (isIPv6(spelled) && !platform(text).includes('.')) expect(spelled).toBe(platform(text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the key limits count by', () => {
  it('is the IPv4 address itself, also when a dual-stack socket reports it as IPv6', () => {
    expect(limitKey('198.51.100.7')).toBe('198.51.100.7');
    expect(limitKey('::ffff:198.51.100.7')).toBe('198.51.100.7');
  });

  it('is the /64 of an IPv6 address', () => {
    expect(limitKey('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(limitKey('2001:db8:1:2:ffff::')).toBe(limitKey('2001:db8:1:2::1%eth1'));
    expect(limitKey('2001:db8:1:3::1')).not.toBe(limitKey('2001:db8:1:2::1'));
  });

  it('is one and the same for all that is no address', () => {
    expect(limitKey('')).toBe(limitKey('nonsense'));
  });
});

describe('an address list', () => {
  it('holds addresses and networks, and keeps IPv4 and IPv6 apart', () => {
    const some = list('127.0.0.1', ' 10.0.0.0/8 ', '2001:db8::/32', '::1');
    for (const inside of ['127.0.0.1', '::ffff:127.0.0.1', '10.255.1.2', '2001:db8:ffff::1', '::1']) {
      expect(some.contains(inside), inside).toBe(true);
    }
    for (const outside of ['127.0.0.2', '11.0.0.0', '2001:db9::', '::2', '', 'localhost', '10.0.0.1/8']) {
      expect(some.contains(outside), outside).toBe(false);
    }
    expect(list('::/0').contains('1.2.3.4')).toBe(false);
    expect(list('0.0.0.0/0').contains('::1')).toBe(false);
    expect(list('::ffff:10.0.0.0/104').contains('10.9.8.7')).toBe(true);
  });

  it('empty holds nothing', () => {
    expect(AddressList.EMPTY.isEmpty).toBe(true);
    expect(AddressList.EMPTY.contains('127.0.0.1')).toBe(false);
  });

  it('names every entry that is wrong, and what to write instead', () => {
    const { faults } = AddressList.parse([
      '10.0.0.1/8',
      'host',
      '1.2.3.4/33',
      '::1',
      '::/129',
      '1.2.3.4/',
      'fe80::1%x',
      '::ffff:1.0.0.0/95',
      '',
    ]);
    expect(faults).toHaveLength(8);
    expect(faults[0]).toBe(
      'entry 1 ("10.0.0.1/8"): has bits set behind its prefix; write 10.0.0.0/8 for the network, or the address alone',
    );
    expect(faults[2]).toContain('a prefix from 0 to 32');
    expect(faults[6]).toContain('from 96 to 128');
  });

  it('is bounded', () => {
    expect(AddressList.parse(new Array<string>(1001).fill('::1')).faults).toEqual([
      '1001 entries; at most 1000 are allowed',
    ]);
  });

  it('agrees with the platform’s block list', () => {
    const network = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
      fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
    );
    const property = fc.property(
      fc.array(network, { maxLength: 5 }),
      fc.array(fc.oneof(fc.ipV4(), fc.ipV6())),
      (networks, ips) => {
        // One per family: the platform's IPv6 networks also hold the IPv4 addresses mapped into them, ours do not.
        const reference = { 4: new BlockList(), 6: new BlockList() };
        const entries: string[] = [];
        for (const [ip, prefix] of networks) {
          const address = parseAddress(ip)!;
          if (isIPv6(ip) && address.family === 4) continue;
          const shift = BigInt((address.family === 4 ? 32 : 128) - prefix);
          const base = formatAddress({ family: address.family, value: (address.value >> shift) << shift });
          if (isIPv6(base) && parseAddress(base)!.family === 4) continue;
          entries.push(`${base}/${prefix}`);
          reference[address.family].addSubnet(base, prefix, address.family === 4 ? 'ipv4' : 'ipv6');
        }
        const ours = list(...entries);
        for (const ip of [...ips, ...networks.map(([base]) => base)]) {
          const family = parseAddress(ip)!.family;
          if (family === 4 && isIPv6(ip)) continue;
          expect(ours.contains(ip), ip).toBe(reference[family].check(ip, family === 4 ? 'ipv4' : 'ipv6'));
        }
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });
});
