// Asks whether a backend is there, for readiness: by connecting, not by a request that it would have to carry out.
import { connect } from 'node:net';

/** Whether something accepts TCP connections where `url` points to. Sends nothing; takes `timeoutMs` at most and never rejects. */
export function acceptsConnections(url: string, timeoutMs: number): Promise<boolean> {
  const { protocol, hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
    });
    const settle = (accepted: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(accepted);
    };
    const timer = setTimeout(() => settle(false), timeoutMs);
    socket.once('connect', () => settle(true));
    socket.on('error', () => settle(false));
  });
}
