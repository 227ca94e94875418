// Paths and lists: what is taken and how a wrong entry is pointed at.
import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressList, catalogList, filePath, secretText } from '../../src/config/plain-specs.ts';

describe('addresses and blocks', () => {
  it('takes both families, with and without a prefix, spaces around entries', () => {
    const read = addressList().read('10.0.0.0/8, 192.168.1.7,::1 ,fd00::/8,0.0.0.0/0,::/128,10.0.0.1/32');
    expect(read).toEqual({
      ok: true,
      value: ['10.0.0.0/8', '192.168.1.7', '::1', 'fd00::/8', '0.0.0.0/0', '::/128', '10.0.0.1/32'],
    });
  });

  it.each([
    '10.0.0.0/33',
    '::/129',
    '10.0.0/8',
    'localhost',
    '10.0.0.1/',
    '10.0.0.1/-1',
    '10.0.0.1/8/8',
    'fe80::1%eth0',
    '[::1]',
    '/8',
  ])('refuses %j and says which entry it is', (entry) => {
    const read = addressList().read(`::1,${entry}`);
    expect(read.ok ? '' : read.why).toBe('entry 2 is neither an IP address nor a CIDR block');
  });

  it('takes every address that node:net takes, without zones', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
        if (text.includes(',') || text.includes('/') || text.includes('%')) return;
        expect(addressList().read(text).ok).toBe(isIP(text.trim()) !== 0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('lists', () => {
  it.each([',', 'a,', ',a', 'a,,b', ' '])('refuse an empty entry: %j', (text) => {
    const read = catalogList().read(text);
    expect(read.ok ? '' : read.why).toContain('is empty');
  });

  it('keep the order and refuse control characters', () => {
    expect(catalogList().read('b,./a.json')).toEqual({ ok: true, value: ['b', './a.json'] });
    expect(catalogList().read('a\x07').ok).toBe(false);
  });

  it('are bounded', () => {
    expect(catalogList().read(Array(1024).fill('a').join(',')).ok).toBe(true);
    expect(catalogList().read(Array(1025).fill('a').join(',')).ok).toBe(false);
  });
});

describe('paths and secrets', () => {
  it('are kept as they are written', () => {
    expect(filePath().read('./a b/ü.pem')).toEqual({ ok: true, value: './a b/ü.pem' });
    expect(secretText('').read(' op:tok,en ')).toEqual({ ok: true, value: ' op:tok,en ' });
  });

  it('refuse what no file can be called', () => {
    expect(filePath().read('a\0b').ok).toBe(false);
    expect(filePath().read('a\nb').ok).toBe(false);
    expect(filePath().read('a'.repeat(4097)).ok).toBe(false);
  });
});
