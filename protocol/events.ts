// The events a server can send: one row per `type`, and the bare error object.

export const EVENTS = {
  handshake_ack: { clause: 'OS-2.1' },
  monitor_ack: { clause: 'OS-2.1' },
  data: { clause: 'OS-2.4' },
  control_ack: { clause: 'OS-6.2' },
  control_err: { clause: 'OS-2.5' },
  stop_ack: { clause: 'OS-2.1' },
  closing: { clause: 'OS-3.8' },
  error: { clause: 'OS-2.2' },
} as const satisfies Record<string, { readonly clause: string }>;
