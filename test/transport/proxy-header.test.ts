// The PROXY header decides whose address limits count: every form, every cut, every lie.
import { describe, expect, it } from 'vitest';
import { ProxyHeaderParser, type ProxyHeaderResult } from '../../src/transport/proxy-header.ts';
import { binary, checksum, withChecksum } from '../access/support/proxy-headers.ts';

function parse(...chunks: (Buffer | string)[]): ProxyHeaderResult {
  const parser = new ProxyHeaderParser();
  let result: ProxyHeaderResult = { state: 'more' };
  for (const chunk of chunks) result = parser.push(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk);
  return result;
}

const TCP4 = 'c0000201c0000202a45dbf68';
const TCP6 = '20010db800000000000000000000000120010db8000000000000000000000002a45dbf68';

const done = (source: { address: string; port: number } | undefined, rest: string) => ({
  state: 'done',
  ...(source === undefined ? {} : { source }),
  rest: Buffer.from(rest),
});

describe('PROXY version 1', () => {
  it('tells the source, and leaves what follows', () => {
    expect(parse('PROXY TCP4 192.0.2.1 192.0.2.2 42077 49000\r\n{"cmd"')).toEqual(
      done({ address: '192.0.2.1', port: 42077 }, '{"cmd"'),
    );
    expect(parse('PROXY TCP6 2001:DB8:0::1 ::1 1 65535\r\n')).toEqual(done({ address: '2001:db8::1', port: 1 }, ''));
    expect(parse('PROXY TCP6 ::ffff:192.0.2.1 ::1 0 1\r\n')).toEqual(done({ address: '192.0.2.1', port: 0 }, ''));
    const longest = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
    expect(parse(`PROXY TCP6 ${longest} ${longest} 65535 65535\r\n`)).toEqual(
      done({ address: longest, port: 65535 }, ''),
    );
  });

  it('may be for a source nobody knows', () => {
    expect(parse('PROXY UNKNOWN\r\n{')).toEqual(done(undefined, '{'));
    expect(parse(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`)).toEqual(done(undefined, ''));
  });

  it.each([
    ...[
      'GET / HTTP/1.1\r\n',
      '{"cmd":"HANDSHAKE"}\n',
      ' PROXY TCP4',
      'proxy TCP4',
      'PROXY\tTCP4',
      'PROXX',
      'PING',
      '\x16\x03\x01',
      '\n',
      '\0',
    ],
    ...[
      'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n',
      'PROXY UNKNOWN\n',
      'PROXY \r\n',
      'PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n',
      'PROXY UNKNOWNS\r\n',
    ],
    ...[
      'PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n',
      'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n',
      'PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n',
      'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n',
    ],
    ...[
      'PROXY TCP4 ::1 ::1 1 2\r\n',
      'PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n',
      'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
      'PROXY TCP4 1.1.1.01 1.1.1.1 1 2\r\n',
      'PROXY TCP4 1.1.1.1 host 1 2\r\n',
    ],
    ...[
      'PROXY TCP4 1.1.1.1 1.1.1.1 65536 2\r\n',
      'PROXY TCP4 1.1.1.1 1.1.1.1 1 99999\r\n',
      'PROXY TCP4 1.1.1.1 1.1.1.1 +1 2\r\n',
      'PROXY TCP4 1.1.1.1 1.1.1.1 01 2\r\n',
      'PROXY TCP4 1.1.1.1 1.1.1.1 1e1 2\r\n',
    ],
    ...[
      'PROXY TCP4 1.1.1.1 1.1.1.1 1 2\r\r\n',
      'PROXY TCP4 1.1.1.1 1.1.1.1 1 2\0\r\n',
      'PROXY TCP4 1.1.1.1 1.1.1.1\r1 2\r\n',
      `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
      `PROXY ${'9'.repeat(101)}`,
    ],
  ])('%j is bad, and the reason repeats nothing of it', (text) => {
    const result = parse(text);
    expect(result.state).toBe('bad');
    if (result.state === 'bad') expect(result.reason).toMatch(/^(?:the|an?) (?:connection|PROXY|address|port)[ -~]+$/);
  });

  it('waits for no byte it does not need to see that it is bad', () => {
    expect(parse('G').state).toBe('bad');
    expect(parse('PROXI').state).toBe('bad');
    expect(parse('PROXY ').state).toBe('more');
    expect(parse(`PROXY ${'x'.repeat(100)}`).state).toBe('more');
    expect(parse(`PROXY ${'x'.repeat(101)}`).state).toBe('bad');
  });
});

describe('PROXY version 2', () => {
  it('tells the source, and leaves what follows', () => {
    expect(parse(binary(0x21, 0x11, TCP4), '')).toEqual({
      state: 'done',
      source: { address: '192.0.2.1', port: 42077 },
      rest: Buffer.alloc(0),
    });
    expect(parse(Buffer.concat([binary(0x21, 0x21, TCP6), Buffer.from('{}')]))).toEqual(
      done({ address: '2001:db8::1', port: 42077 }, '{}'),
    );
    const mapped = `00000000000000000000ffffc0000201${TCP6.slice(32)}`;
    expect(parse(binary(0x21, 0x21, mapped))).toEqual(done({ address: '192.0.2.1', port: 42077 }, ''));
  });

  it('may be of the balancer itself, of an unspecified family or of a socket file', () => {
    for (const family of [0x00, 0x11, 0x7f]) expect(parse(binary(0x20, family, ''))).toEqual(done(undefined, ''));
    expect(parse(binary(0x20, 0x11, 'ffff'))).toEqual(done(undefined, ''));
    expect(parse(binary(0x21, 0x00, 'ffffff'))).toEqual(done(undefined, ''));
    expect(parse(binary(0x21, 0x31, Buffer.alloc(216)))).toEqual(done(undefined, ''));
  });

  it('skips extensions, and takes one of any length the header holds', () => {
    for (const extension of ['', '040000', '0100026832', 'ea0003aabbcc040001ff']) {
      expect(parse(binary(0x21, 0x11, TCP4 + extension))).toEqual(done({ address: '192.0.2.1', port: 42077 }, ''));
    }
    const full = Buffer.alloc(4096, 7);
    Buffer.from(`${TCP4}ee0ff1`, 'hex').copy(full);
    expect(parse(binary(0x21, 0x11, full))).toEqual(done({ address: '192.0.2.1', port: 42077 }, ''));
  });

  it('holds a checksum against the whole header', () => {
    const good = withChecksum(binary(0x21, 0x11, `${TCP4}03000400000000040001aa`), 16 + 12 + 3);
    expect(parse(good)).toEqual(done({ address: '192.0.2.1', port: 42077 }, ''));
    for (let at = 16; at < 28; at += 1) {
      const forged = Buffer.from(good);
      forged[at]! ^= 0x40;
      expect(parse(forged)).toEqual({ state: 'bad', reason: 'the PROXY checksum is wrong' });
    }
    expect(checksum(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it.each<[string, Buffer]>([
    ['a wrong signature', Buffer.from('0d0a0d0a000d0a515549540b', 'hex')],
    ['another version', binary(0x11, 0x11, TCP4)],
    ['an unknown command', binary(0x22, 0x11, TCP4)],
    ['a datagram', binary(0x21, 0x12, TCP4)],
    ['an unknown family', binary(0x21, 0x41, TCP4)],
    ['no room for IPv4 addresses', binary(0x21, 0x11, TCP4.slice(2))],
    ['no room for IPv6 addresses', binary(0x21, 0x21, TCP6.slice(2))],
    ['no addresses at all', binary(0x21, 0x11, '')],
    ['no room for socket files', binary(0x21, 0x31, Buffer.alloc(215))],
    ['more than anybody needs', binary(0x21, 0x11, TCP4, 4097)],
    ['half an extension', binary(0x21, 0x11, `${TCP4}0400`)],
    ['an extension that is too long', binary(0x21, 0x11, `${TCP4}040002aa`)],
    ['a checksum of another length', binary(0x21, 0x11, `${TCP4}030003aabbcc`)],
    ['a wrong checksum', binary(0x21, 0x11, `${TCP4}03000400000000`)],
  ])('with %s is bad', (_, header) => {
    const result = parse(header);
    expect(result.state).toBe('bad');
    expect(result).toEqual({ state: 'bad', reason: expect.stringMatching(/^[ -~]{10,80}$/) });
  });

  it('is decided by its last byte and no earlier, also at its largest', () => {
    const parser = new ProxyHeaderParser();
    expect(parser.push(binary(0x21, 0x11, '', 4095)).state).toBe('more');
    for (let sent = 0; sent < 4094; sent += 1) expect(parser.push(Buffer.from([0])).state).toBe('more');
    expect(parser.push(Buffer.from([0]))).toEqual(done({ address: '0.0.0.0', port: 0 }, ''));
  });

  it('once decided stays decided', () => {
    const parser = new ProxyHeaderParser();
    parser.push(Buffer.from('PROXY UNKNOWN\r\n'));
    expect(parser.push(Buffer.from('PROXY TCP4'))).toEqual(done(undefined, 'PROXY TCP4'));
    const broken = new ProxyHeaderParser();
    const first = broken.push(Buffer.from('{'));
    expect(broken.push(binary(0x20, 0, ''))).toBe(first);
  });
});
