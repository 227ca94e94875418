// Everything that is fuzzed.
import type { Target } from '../support/target.ts';
import { bodies, framing, lines, proxy } from './pure.ts';
import { createServerTarget } from './server.ts';
import { addresses, catalogs, rules, settings, tokens } from './settings.ts';

/** Targets of their own: what one of them started, its `stop` gives back. */
export const createTargets = (): Target[] => [
  createServerTarget(),
  framing,
  lines,
  bodies,
  proxy,
  settings,
  tokens,
  addresses,
  rules,
  catalogs,
];
