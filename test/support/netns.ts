// A network of one's own to pull cables in: network namespaces joined by a bridge as by a switch. Linux, as root.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COMMAND_MS = 10_000;

/** Machines of the network, in the order of their addresses 10.77.0.1, .2, … and fd77::1, ::2, …. */
export class Network {
  readonly #prefix: string;
  readonly #machines: readonly string[];
  readonly #processes = new Set<ChildProcess>();

  private constructor(prefix: string, machines: readonly string[]) {
    this.#prefix = prefix;
    this.#machines = machines;
  }

  /** The network, or the reason why this process may not have one; then nothing is left of it. */
  static async create(machines: readonly string[]): Promise<Network | { readonly refused: string }> {
    if (process.platform !== 'linux') return { refused: 'network namespaces exist on Linux only' };
    if (process.getuid?.() !== 0) return { refused: 'network namespaces need root' };
    const network = new Network(`osg${process.pid}-${Date.now().toString(36)}`, machines);
    try {
      await network.#build();
      return network;
    } catch (error) {
      await network.remove();
      const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
      return { refused: `network namespaces are not permitted here (${(stderr || message).trim().slice(0, 200)})` };
    }
  }

  address(machine: string, family: 4 | 6 = 4): string {
    const host = this.#machines.indexOf(machine) + 1;
    return family === 4 ? `10.77.0.${host}` : `fd77::${host}`;
  }

  /** Pulls the machine's cable out of the switch, or puts it back. Other machines see no change of their own link. */
  async cable(machine: string, state: 'up' | 'down'): Promise<void> {
    await this.#ip('-n', this.#name('switch'), 'link', 'set', machine, state);
  }

  /** Pulls the cable and puts it back after this time, by one process, so that a busy machine makes it hardly longer. */
  async outage(machine: string, seconds: number): Promise<void> {
    const link = (state: string): string => `ip link set ${machine} ${state}`;
    const script = `${link('down')} && sleep ${seconds}; ${link('up')}`;
    await this.#ip('netns', 'exec', this.#name('switch'), 'sh', '-c', script);
  }

  /** A kernel setting of one machine alone. */
  async setting(machine: string, name: string, value: string): Promise<void> {
    await this.#ip('netns', 'exec', this.#name(machine), 'sysctl', '-q', '-w', `${name}=${value}`);
  }

  /** How many TCP sockets the machine's kernel still keeps for a port of its own, listening ones and TIME_WAIT left out. */
  async sockets(machine: string, port: number): Promise<number> {
    const table = ['cat', '/proc/net/tcp', '/proc/net/tcp6'];
    const rows = (await this.#ip('netns', 'exec', this.#name(machine), ...table)).split('\n');
    const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
    return rows.filter((row) => {
      const [, address, , state] = row.trim().split(/ +/);
      return `${address} `.endsWith(local) && state !== '0A' && state !== '06';
    }).length;
  }

  /** `node --import tsx <args>` on a machine, in the folder of the package. */
  spawn(machine: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const command = ['netns', 'exec', this.#name(machine), process.execPath, '--import', 'tsx', ...args];
    const child = spawn('ip', command, {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // Its end is seen by its exit; a pipe to a process that is gone already is no news.
    child.stdin?.on('error', () => {});
    this.#processes.add(child);
    child.once('exit', () => this.#processes.delete(child));
    return child;
  }

  /** Ends every process, then takes the namespaces away, and with them all links. Throws when one is left. */
  async remove(): Promise<void> {
    const ended = [...this.#processes].map((child) => once(child, 'exit'));
    for (const child of this.#processes) child.kill('SIGKILL');
    await Promise.all(ended);
    for (const name of await this.#mine()) await this.#ip('netns', 'del', name).catch(() => {});
    const left = await this.#mine();
    if (left.length > 0) throw new Error(`network namespaces are left: ${left.join(' ')}`);
  }

  async #build(): Promise<void> {
    const hub = this.#name('switch');
    for (const machine of ['switch', ...this.#machines]) {
      await this.#ip('netns', 'add', this.#name(machine));
      await this.#ip('-n', this.#name(machine), 'link', 'set', 'lo', 'up');
    }
    await this.#ip('-n', hub, 'link', 'add', 'bridge', 'type', 'bridge');
    await this.#ip('-n', hub, 'link', 'set', 'bridge', 'up');
    for (const machine of this.#machines) {
      const name = this.#name(machine);
      await this.#ip('-n', hub, 'link', 'add', machine, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      await this.#ip('-n', hub, 'link', 'set', machine, 'master', 'bridge', 'up');
      await this.#ip('-n', name, 'addr', 'add', `${this.address(machine)}/24`, 'dev', 'eth0');
      await this.#ip('-n', name, 'addr', 'add', `${this.address(machine, 6)}/64`, 'dev', 'eth0', 'nodad');
      await this.#ip('-n', name, 'link', 'set', 'eth0', 'up');
    }
  }

  async #mine(): Promise<string[]> {
    const listed = await this.#ip('netns', 'list').catch(() => '');
    const names = listed.split('\n').map((line) => line.split(' ')[0] ?? '');
    return names.filter((name) => name.startsWith(`${this.#prefix}-`));
  }

  #name(machine: string): string {
    return `${this.#prefix}-${machine}`;
  }

  async #ip(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('ip', args, { timeout: COMMAND_MS });
    return stdout;
  }
}
