// The session's states, and the one total table that says which command is admitted in which of them.
import type { CommandName } from './commands.ts';
import type { ErrorCode } from './errors.ts';

export const STATES = ['CONNECTED', 'READY', 'CLOSING'] as const;
export type State = (typeof STATES)[number];

/** What happens to a well-formed command: it is admitted, ignored, or answered by an error. */
export type Gate = 'admit' | 'ignore' | Extract<ErrorCode, 'handshake_required'>;

/** state × command → gate; a missing cell does not compile [OS-3.1]. */
export const GATES: Record<State, Record<CommandName, Gate>> = {
  CONNECTED: {
    HANDSHAKE: 'admit',
    MONITOR: 'handshake_required',
    CONTROL: 'handshake_required',
    STOP: 'handshake_required',
  },
  READY: { HANDSHAKE: 'admit', MONITOR: 'admit', CONTROL: 'admit', STOP: 'admit' },
  CLOSING: { HANDSHAKE: 'ignore', MONITOR: 'ignore', CONTROL: 'ignore', STOP: 'ignore' },
};
