// The kernel's tables are read cut anywhere, row by row; what is no row of a live connection is passed over.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KernelTables, type PeerFigures, TableScan } from '../../src/transport/peer-tables.ts';

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     ';
const HEADER_6 =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

/** Rows as Linux 6 printed them. */
const TABLE = `${[
  HEADER,
  '   0: 0100007F:9C40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21842 1 0000000000000000 100 0 0 10 0                     ',
  '   1: 0100007F:9C40 0100007F:A1B2 01 00001747:0000001F 01:0000005E 00000004     0        0 25551 3 0000000000000000 326 0 0 1 -1                     ',
  '   2: 0100007F:9C40 0100007F:A1B3 06 00000000:00000000 03:00000B5E 00000000     0        0 0 3 0000000000000000                                      ',
  '12345: 0100007F:9C40 0100007F:A1B4 08 00000000:00000000 02:00000054 00000000  1000        5 25557 2 0000000000000000 20 0 0 11 -1                     ',
].join('\n')}\n`;
const TABLE_6 = `${[
  HEADER_6,
  '   0: 00000000000000000000000000000000:9C40 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 30021 1 0000000000000000 100 0 0 10 0',
  '   1: 0000000000000000FFFF00000100090A:9C40 0000000000000000FFFF00000200090A:D6F4 01 000E9AC8:00000000 04:000005AE 00000000     0        3 30030 3 0000000000000000 23 0 0 140 -1',
].join('\n')}\n`;

const FOUND: readonly (readonly [string, PeerFigures])[] = [
  ['0100007F:9C40 0100007F:A1B2', { waiting: 0x1747, timer: 1, timerMs: 940, retransmits: 4, probes: 0 }],
  ['0100007F:9C40 0100007F:A1B4', { waiting: 0, timer: 2, timerMs: 840, retransmits: 0, probes: 5 }],
  [
    '0000000000000000FFFF00000100090A:9C40 0000000000000000FFFF00000200090A:D6F4',
    { waiting: 0xe9ac8, timer: 4, timerMs: 14_540, retransmits: 0, probes: 3 },
  ],
];

function scanned(chunks: readonly Uint8Array[]): (readonly [string, PeerFigures])[] {
  const found: (readonly [string, PeerFigures])[] = [];
  const scan = new TableScan((key, figures) => found.push([key, figures]));
  for (const chunk of chunks) {
    // As the reader does it: the same memory is written over by the next chunk.
    const shared = Buffer.from(chunk);
    scan.push(shared);
    shared.fill(0);
  }
  return found;
}

describe('rows', () => {
  test('of live connections, from both tables one behind the other', () => {
    expect(scanned([Buffer.from(TABLE + TABLE_6)])).toEqual(FOUND);
  });

  test('cut anywhere', () => {
    const bytes = Buffer.from(TABLE + TABLE_6);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        const ends = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        expect(scanned(ends.slice(1).map((end, i) => bytes.subarray(ends[i], end)))).toEqual(FOUND);
      }),
      { interruptAfterTimeLimit: 1000, markInterruptAsFailure: false },
    );
  });

  test('damaged ones are passed over, their neighbours are not', () => {
    const bytes = Buffer.from(TABLE);
    const [first, second] = [bytes.indexOf('   1: '), bytes.indexOf('   2: ')];
    fc.assert(
      fc.property(fc.integer({ min: first, max: second - 2 }), fc.nat(255), (at, value) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = value;
        const found = scanned([damaged]);
        expect(found.at(-1)).toEqual(FOUND[1]);
        for (const [, figures] of found) expect(Object.values(figures).every(Number.isSafeInteger)).toBe(true);
      }),
      { interruptAfterTimeLimit: 1000, markInterruptAsFailure: false },
    );
  });

  test('any bytes at all do no harm', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 }), (chunks) => {
        for (const [, figures] of scanned(chunks)) {
          expect(Object.values(figures).every(Number.isSafeInteger)).toBe(true);
        }
      }),
      { interruptAfterTimeLimit: 1000, markInterruptAsFailure: false },
    );
  });

  test('an endless row is not kept', () => {
    const long = Buffer.alloc(5000, 0x20);
    expect(scanned([long, long, Buffer.from(`\n${TABLE}`)]).map(([key]) => key)).toEqual([FOUND[0]![0], FOUND[1]![0]]);
  });
});

describe.runIf(process.platform === 'linux')('the kernel’s own tables', () => {
  const textOf = async (tables: KernelTables): Promise<string> => {
    let text = '';
    await tables.read(['tcp'], (bytes) => {
      text += bytes.toString('latin1');
    });
    return text;
  };

  test('each reading begins at the beginning', async () => {
    const tables = new KernelTables();
    try {
      for (let reading = 0; reading < 3; reading++)
        expect(await textOf(tables)).toMatch(/^ +sl +local_address [\s\S]*\n$/);
    } finally {
      tables.close();
    }
  });

  test('closed during a reading, it ends without another word', async () => {
    const tables = new KernelTables();
    const reading = textOf(tables);
    tables.close();
    await reading;
  });
});
