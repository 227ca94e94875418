// Claim: over half a minute the interval is the one asked for, in front of the simulator as in front of any HTTP server.
import { intervalCase } from '../support/interval-case.ts';

export const intervals = [
  intervalCase('native', false),
  intervalCase('native', true),
  intervalCase('simulator', false),
  intervalCase('simulator', true),
];
