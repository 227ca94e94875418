// Reads the kernel's TCP counters (/proc/net/snmp, /proc/net/netstat): they tell cheaply that no peer has been asked anything.
import { closeSync, openSync, read } from 'node:fs';

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

/**
 * The counters of this process's network namespace. As with the tables, the descriptors stay open, and each reading starts at
 * the beginning again. One reading at a time.
 */
export class KernelCounters implements PeerCounters {
  readonly #descriptors = new Map<CounterFile, number>();
  readonly #buffer = Buffer.allocUnsafe(FILE_BYTES);
  #reading = false;
  #closed = false;

  constructor() {
    for (const file of FILES) {
      try {
        this.#descriptors.set(file, openSync(`/proc/net/${file}`, 'r'));
      } catch {
        // Then nothing is counted, and the tables are read instead.
      }
    }
  }

  async read(): Promise<number | undefined> {
    this.#reading = true;
    try {
      let sum = 0;
      for (const file of FILES) sum += counted(file, await this.#text(file)) ?? Number.NaN;
      return Number.isSafeInteger(sum) ? sum : undefined;
    } catch {
      return undefined;
    } finally {
      this.#reading = false;
      if (this.#closed) this.#closeAll();
    }
  }

  close(): void {
    this.#closed = true;
    // A descriptor that is being read must not be given to somebody else meanwhile.
    if (!this.#reading) this.#closeAll();
  }

  /** Empty when there is no such file. */
  #text(file: CounterFile): Promise<string> {
    const descriptor = this.#descriptors.get(file);
    if (descriptor === undefined || this.#closed) return Promise.resolve('');
    return new Promise((resolve, reject) => {
      let length = 0;
      const next = (): void =>
        read(descriptor, this.#buffer, length, FILE_BYTES - length, length, (error, more) => {
          length += more;
          if (error) reject(error);
          else if (length === FILE_BYTES) resolve('');
          else if (more > 0 && !this.#closed) next();
          else resolve(this.#buffer.toString('latin1', 0, length));
        });
      next();
    });
  }

  #closeAll(): void {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
    this.#descriptors.clear();
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
