// A connection is found in the kernel's tables by its own spelling of both ends: checked by hand-made rows and by real sockets.
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { peerKey } from '../../src/transport/peer-address.ts';
import { hasIpv6, NO_IPV6 } from '../support/ipv6.ts';

const key = (localAddress: string, remoteAddress: string, littleEndian = true) =>
  peerKey({ localAddress, localPort: 49000, remoteAddress, remotePort: 80 }, littleEndian);

describe('how the kernel spells a connection', () => {
  test.each([
    ['IPv4', '192.168.1.20', '10.0.0.255', 'tcp', '1401A8C0:BF68 FF00000A:0050'],
    [
      'IPv6',
      '2001:db8::1:ff',
      '::1',
      'tcp6',
      'B80D01200000000000000000FF000100:BF68 00000000000000000000000001000000:0050',
    ],
    [
      'IPv4 on an IPv6 socket',
      '::ffff:127.0.0.1',
      '::ffff:1.2.3.4',
      'tcp6',
      '0000000000000000FFFF00000100007F:BF68 0000000000000000FFFF000004030201:0050',
    ],
    [
      'a link-local address, whose zone the table does not show',
      'fe80::1%eth0',
      'fe80::abcd:2%eth0',
      'tcp6',
      '000080FE000000000000000001000000:BF68 000080FE00000000000000000200CDAB:0050',
    ],
  ])('%s', (_what, local, remote, table, text) => {
    expect(key(local, remote)).toEqual({ table, key: text });
  });

  test('in the byte order of the machine', () => {
    expect(key('192.168.1.20', '10.0.0.255', false)?.key).toBe('C0A80114:BF68 0A0000FF:0050');
  });

  test('nothing for a socket that is connected to nobody', () => {
    const bound = { localAddress: '127.0.0.1', localPort: 1 };
    expect(peerKey({ ...bound, remoteAddress: undefined, remotePort: undefined })).toBeUndefined();
    expect(key('127.0.0.1', 'nonsense')).toBeUndefined();
    expect(key('127.0.0.1', '::1')).toBeUndefined();
  });
});

describe.runIf(process.platform === 'linux')('real sockets stand in the table under their key', () => {
  test.for([
    ['IPv4', '127.0.0.1', '127.0.0.1', 'tcp'],
    ['IPv4 on an IPv6 socket', '::', '127.0.0.1', 'tcp6'],
    ['IPv6', '::1', '::1', 'tcp6'],
  ] as const)('%s', async ([_what, listen, connect, table], context) => {
    context.skip(connect === '::1' && !hasIpv6(), NO_IPV6);
    const accepted: net.Socket[] = [];
    const server = net.createServer((socket) => accepted.push(socket));
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, listen, resolve);
      });
      const client = net.connect((server.address() as net.AddressInfo).port, connect);
      accepted.push(client);
      await Promise.all([
        new Promise((resolve) => client.once('connect', resolve)),
        accepted.length > 1 || new Promise((resolve) => server.once('connection', resolve)),
      ]);
      const found = peerKey(accepted.find((socket) => socket !== client)!);
      expect(found?.table).toBe(table);
      const rows = readFileSync(`/proc/net/${table}`, 'latin1').split('\n');
      expect(rows.filter((row) => row.includes(` ${found?.key} `)).length).toBe(1);
    } finally {
      for (const socket of accepted) socket.destroy();
      server.close();
    }
  });
});
