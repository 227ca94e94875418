// Reads the command line: few options, because everything else is set by the environment.
import { clip } from '../log.ts';
import { renderSettingsHelp } from './render.ts';

type CliAction =
  | { readonly kind: 'start' }
  | { readonly kind: 'check-config' }
  /** For stdout, exit code 0. */
  | { readonly kind: 'help' | 'version'; readonly text: string }
  /** For stderr, exit code 2. */
  | { readonly kind: 'usage'; readonly text: string };

const USAGE = `Usage: open-stream-gateway [--help | --version | --check-config]

  --help           this text
  --version        the version
  --check-config   print the effective configuration as JSON, secrets blanked, or its faults; start nothing
`;

/** `argv` without node and the script. Pure: what is to be printed comes back as text. */
export function parseCli(argv: readonly string[], version: string): CliAction {
  const options = new Set(argv);
  for (const option of options) {
    if (!['--help', '-h', '--version', '--check-config'].includes(option)) {
      return { kind: 'usage', text: `Unknown option "${clip(option, 80)}".\n\n${USAGE}` };
    }
  }
  if (options.has('--help') || options.has('-h')) return { kind: 'help', text: helpText() };
  if (options.has('--version')) return { kind: 'version', text: `${version}\n` };
  return options.has('--check-config') ? { kind: 'check-config' } : { kind: 'start' };
}

function helpText(): string {
  const settings = `Settings are environment variables, or lines of a .env file in the working directory (the real
environment wins; an empty value is an unset one). In brackets: the default.`;
  return `${USAGE}\n${settings}\n\n${renderSettingsHelp()}\n`;
}
