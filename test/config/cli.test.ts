// The command line: which arguments lead to which action.
import { describe, expect, it } from 'vitest';
import { parseCli } from '../../src/config/cli.ts';
import { SETTINGS } from '../../src/config.ts';

describe('parseCli', () => {
  it('starts without arguments', () => {
    expect(parseCli([], '1.2.3')).toEqual({ kind: 'start' });
  });

  it('prints the version', () => {
    expect(parseCli(['--version'], '1.2.3')).toEqual({ kind: 'version', text: '1.2.3\n' });
  });

  it('checks the configuration', () => {
    expect(parseCli(['--check-config'], '1.2.3')).toEqual({ kind: 'check-config' });
  });

  it.each([[['--help']], [['-h']], [['--version', '--help']], [['--check-config', '-h']]])(
    'helps with %j: every option and every setting',
    (argv) => {
      const action = parseCli(argv, '1.2.3');
      if (action.kind !== 'help') throw new Error(`help expected, got ${action.kind}`);
      for (const option of ['--help', '--version', '--check-config']) expect(action.text).toContain(option);
      for (const { name } of SETTINGS) expect(action.text).toContain(`\n  ${name}  [`);
    },
  );

  it.each([[['--port', '1']], [['start']], [['--help', '--bogus']], [['']], [['--']], [['--version=1']]])(
    'refuses %j with the usage',
    (argv) => {
      const action = parseCli(argv, '1.2.3');
      if (action.kind !== 'usage') throw new Error(`usage expected, got ${action.kind}`);
      expect(action.text).toContain('Usage:');
      expect(action.text).toContain('Unknown option');
    },
  );

  it('shows an unknown option without its control characters', () => {
    const action = parseCli(['--\x1b[31m'], '1.2.3');
    expect('text' in action && action.text).toContain('"--\\x1b[31m"');
  });
});
