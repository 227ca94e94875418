// The commands a client can send, the order in which their fields are checked, and what each takes.

export const COMMANDS = ['HANDSHAKE', 'MONITOR', 'CONTROL', 'STOP'] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Payload fields in the order of their checks: the table's own first, the extension fields last [OS-2.3]. */
export const FIELD_ORDER = {
  HANDSHAKE: ['major', 'id', 'token', 'will'],
  MONITOR: ['url', 'method', 'period_ms', 'args', 'id'],
  CONTROL: ['url', 'method', 'args', 'body', 'id', 'ack'],
  STOP: ['target', 'id'],
} as const satisfies Record<CommandName, readonly string[]>;

export const MONITOR_METHODS = ['GET'] as const;
export const CONTROL_METHODS = ['POST', 'PUT', 'DELETE'] as const;
export type ControlMethod = (typeof CONTROL_METHODS)[number];

export const STOP_TARGETS = ['monitor', 'control', 'session'] as const;
export type StopTarget = (typeof STOP_TARGETS)[number];
