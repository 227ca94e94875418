// Reads the kernel's TCP counters (/proc/net/snmp, /proc/net/netstat): they tell cheaply that no peer has been asked anything.
import { KernelFiles } from './kernel-files.ts';

export interface PeerCounters {
  /**
   * A figure that grows whenever the kernel sends something again or probes a peer, any peer; undefined when it cannot be had.
   * Never rejects.
   */
  read(): Promise<number | undefined>;
  close(): void;
}

export type CounterFile = 'snmp' | 'netstat';

interface Group {
  /** What its two lines begin with: one of names, one of values. */
  readonly prefix: string;
  readonly counted: RegExp;
  /** Without these, a question could be asked that nobody counts: older kernels do not count all of them. */
  readonly needed: readonly string[];
}

const GROUPS: Readonly<Record<CounterFile, Group>> = {
  snmp: { prefix: 'Tcp: ', counted: /^RetransSegs$/, needed: ['RetransSegs'] },
  netstat: {
    prefix: 'TcpExt: ',
    // The first timeout of a connection is counted by what it was doing, even when nothing can be sent.
    counted: /Timeouts|Retrans|LossProbe|KeepAlive|WinProbe|Failures|RecoveryFail|RTO/,
    needed: ['TCPTimeouts', 'TCPKeepAlive', 'TCPWinProbe'],
  },
};
const FILES: readonly CounterFile[] = ['snmp', 'netstat'];

/** Several times what Linux prints; what fills it is cut off, and no file of counters. */
const FILE_BYTES = 32_768;

/** The counters of this process's network namespace. One reading at a time. */
export class KernelCounters implements PeerCounters {
  readonly #files = new KernelFiles(FILES);

  async read(): Promise<number | undefined> {
    try {
      let sum = 0;
      for (const file of FILES) sum += counted(file, await this.#text(file)) ?? Number.NaN;
      return Number.isSafeInteger(sum) ? sum : undefined;
    } catch {
      // Where there is no such file nothing is counted, and the tables are read instead.
      return undefined;
    }
  }

  close(): void {
    this.#files.close();
  }

  async #text(file: CounterFile): Promise<string> {
    let text = '';
    await this.#files.read(file, (bytes) => {
      if (text.length < FILE_BYTES) text += bytes.toString('latin1');
    });
    return this.#files.isClosed || text.length >= FILE_BYTES ? '' : text;
  }
}

/** The sum of those counters of a file that matter here: none of them ever shrinks. Undefined when the text is no such file. */
export function counted(file: CounterFile, text: string): number | undefined {
  const { prefix, counted, needed } = GROUPS[file];
  const [names, values, ...others] = text
    .split('\n')
    .filter((line) => line.startsWith(prefix))
    .map((line) => line.slice(prefix.length).trimEnd().split(' '));
  if (names === undefined || values === undefined || others.length > 0 || names.length !== values.length)
    return undefined;
  if (!needed.every((name) => names.includes(name))) return undefined;
  const sum = values.reduce((sum, value, at) => (counted.test(names[at]!) ? sum + whole(value) : sum), 0);
  return Number.isSafeInteger(sum) ? sum : undefined;
}

const whole = (text: string): number => (/^\d+$/.test(text) ? Number(text) : Number.NaN);
