// The kernel's counters: those that tell of a question to a peer are summed up, and what is no such file yields no figure.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CounterFile, counted, KernelCounters } from '../../src/transport/peer-counters.ts';

/** As Linux 6 prints them, shortened. */
const SNMP = `Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens CurrEstab InSegs OutSegs RetransSegs InErrs
Tcp: 1 200 120000 -1 582 5 1337221 1336542 7 0
Udp: InDatagrams NoPorts
Udp: 3 0
`;
const NETSTAT = `TcpExt: TW DelayedACKs TCPSackFailures TCPTimeouts TCPLossProbes TCPSackRecoveryFail TCPSpuriousRTOs TCPSynRetrans TCPOrigDataSent TCPWinProbe TCPKeepAlive TCPDelivered
TcpExt: 245 248 1 2 4 8 16 32 1158825 64 128 1159084
IpExt: InNoRoutes InOctets
IpExt: 0 4711
MPTcpExt: MPTCPRetrans WinProbe
MPTcpExt: 5 5
`;

describe('the figure', () => {
  test('is the sum of what matters', () => {
    expect(counted('snmp', SNMP)).toBe(7);
    expect(counted('netstat', NETSTAT)).toBe(255);
  });

  test.each([
    ['snmp', SNMP.replace('1337221 1336542', '1337222 1336544')],
    ['snmp', SNMP.replace('Udp: 3', 'Udp: 4')],
    ['netstat', NETSTAT.replace('1158825', '1158826').replace('1159084', '1159085')],
    ['netstat', NETSTAT.replace('MPTcpExt: 5 5', 'MPTcpExt: 6 6')],
    ['netstat', NETSTAT.replace('TcpExt: 245 248', 'TcpExt: 246 249')],
  ] as const)('stays when other counters change (%s)', (file, text) => {
    const before = { snmp: SNMP, netstat: NETSTAT }[file];
    expect(text).not.toBe(before);
    expect(counted(file, text)).toBe(counted(file, before));
  });

  test.each([
    ['an empty file', 'snmp', ''],
    ['another file', 'snmp', NETSTAT],
    ['names without values', 'netstat', NETSTAT.split('\n')[0]!],
    ['a value too few', 'snmp', SNMP.replace(' 7 0\n', ' 7\n')],
    ['a value that is no number', 'snmp', SNMP.replace(' 7 0\n', ' x 0\n')],
    ['an absent value', 'snmp', SNMP.replace(' 7 0\n', '  0\n')],
    ['a figure beyond what can be counted', 'snmp', SNMP.replace(' 7 0\n', ' 99999999999999999999 0\n')],
    ['a kernel that does not count retransmissions', 'snmp', SNMP.replace('RetransSegs', 'Unknown')],
    ['a kernel that does not count probes', 'netstat', NETSTAT.replace('TCPKeepAlive', 'Unknown')],
    ['the same lines twice', 'netstat', NETSTAT + NETSTAT],
  ] as const)('is none for %s', (_what, file, text) => {
    expect(counted(file, text)).toBeUndefined();
  });

  test('any text at all does no harm', () => {
    const file = fc.constantFrom<CounterFile>('snmp', 'netstat');
    fc.assert(
      fc.property(file, fc.nat(NETSTAT.length), fc.string({ maxLength: 20 }), (name, at, text) => {
        const whole = name === 'snmp' ? SNMP : NETSTAT;
        const figure = counted(name, whole.slice(0, at) + text + whole.slice(at + text.length)) ?? 0;
        expect(Number.isSafeInteger(figure)).toBe(true);
      }),
      { interruptAfterTimeLimit: 1000, markInterruptAsFailure: false },
    );
  });
});

describe.runIf(process.platform === 'linux')('the kernel’s own counters', () => {
  test.each(['snmp', 'netstat'] as const)('are understood: %s', (file) => {
    expect(counted(file, readFileSync(`/proc/net/${file}`, 'latin1'))).toEqual(expect.any(Number));
  });

  test('are read anew each time, and never shrink', async () => {
    const counters = new KernelCounters();
    let last = 0;
    try {
      for (let reading = 0; reading < 3; reading++) {
        const figure = await counters.read();
        expect(figure).toBeGreaterThanOrEqual(last);
        last = figure!;
      }
    } finally {
      counters.close();
    }
    expect(await counters.read()).toBeUndefined();
  });

  test('closed during a reading, it ends', async () => {
    const counters = new KernelCounters();
    const reading = counters.read();
    counters.close();
    await reading;
  });
});
