// Every way a session can end, each with a name that is logged, counted and asserted in tests.

interface CloseReasonRow {
  /** True when a client that asked for a will has it relayed: every end but STOP session [OS-6.4]. */
  readonly will: boolean;
  readonly meaning: string;
}

export const CLOSE_REASONS = {
  stop_session: { will: false, meaning: 'the client sent STOP session' },
  end_of_input: { will: true, meaning: 'the client ended its side and nothing was left to do' },
  connection_lost: { will: true, meaning: 'the connection was reset or failed' },
  peer_dead: { will: true, meaning: 'the peer stopped acknowledging what was sent to it' },
  idle_timeout: { will: true, meaning: 'no valid command for IDLE_TIMEOUT_MS' },
  armed_timeout: { will: true, meaning: 'no stream event could be delivered for ARMED_TIMEOUT_MS' },
  stalled: { will: true, meaning: 'the socket took nothing for ARMED_TIMEOUT_MS while answers waited' },
  not_ndjson: { will: true, meaning: 'the connection did not begin with {' },
  line_too_long: { will: true, meaning: 'a line was not ended within RX_DISCARD_BYTES of its overflow' },
  too_many_errors: { will: true, meaning: 'MAX_CONSECUTIVE_ERRORS malformed lines in a row' },
  credentials: { will: true, meaning: 'HANDSHAKE with wrong or missing credentials' },
  draining: { will: true, meaning: 'HANDSHAKE while the gateway drains' },
  full: { will: true, meaning: 'more sessions than MAX_SESSIONS or MAX_SESSIONS_PER_IP' },
  rate_limited: { will: true, meaning: 'more connections per second than one address may open' },
  tls: { will: true, meaning: 'the TLS handshake failed' },
  proxy_header: { will: true, meaning: 'a trusted proxy sent no valid PROXY header' },
  shutdown: { will: true, meaning: 'the gateway was told to stop' },
  internal: { will: true, meaning: 'a fault of the gateway itself; see the log' },
} as const satisfies Record<string, CloseReasonRow>;

export type CloseReason = keyof typeof CLOSE_REASONS;
