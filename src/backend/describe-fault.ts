// Says in words what undici and the system call by codes.

/** Sentences for what undici and the system call by codes; the code stays, for whoever knows it. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed by the backend',
  ENOTFOUND: 'the host name is not known',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'no connection was made in time',
  UND_ERR_SOCKET: 'the backend closed the connection',
  UND_ERR_HEADERS_OVERFLOW: 'the headers of the answer are too long',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the body is not as long as announced',
  UND_ERR_DESTROYED: 'the gateway is stopping',
  UND_ERR_CLOSED: 'the gateway is stopping',
};

/** Why a call failed, as a clause: "the connection was refused (ECONNREFUSED)". */
export function describeFault(error: Error): string {
  const code = (error as { code?: unknown }).code;
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return describeFault(error.errors[0]);
  // Some of the parser's errors come without a code.
  if (error.name === 'HTTPParserError')
    return `the backend does not speak HTTP${typeof code === 'string' ? ` (${code})` : ''}`;
  if (typeof code !== 'string') return 'the call failed';
  const reason = REASONS[code];
  return reason === undefined ? `the call failed (${code})` : `${reason} (${code})`;
}
