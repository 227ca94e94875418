// The events a server can send: one row per `type`, and the bare error object.

interface EventRow {
  readonly clause: string;
  /** Part of the stream that the armed watchdog waits for [OS-3.6]. */
  readonly stream: boolean;
  /** May be left out while the socket is congested [OS-3.7]; all others never are. */
  readonly skippable: boolean;
}

export const EVENTS = {
  handshake_ack: { clause: 'OS-2.1', stream: false, skippable: false },
  monitor_ack: { clause: 'OS-2.1', stream: false, skippable: false },
  data: { clause: 'OS-2.4', stream: true, skippable: true },
  control_ack: { clause: 'OS-6.2', stream: false, skippable: false },
  control_err: { clause: 'OS-2.5', stream: false, skippable: false },
  stop_ack: { clause: 'OS-2.1', stream: false, skippable: false },
  closing: { clause: 'OS-3.8', stream: false, skippable: false },
  error: { clause: 'OS-2.2', stream: false, skippable: false },
} as const satisfies Record<string, EventRow>;
