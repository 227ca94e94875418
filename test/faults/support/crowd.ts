// Many plain sockets at once, for floods: no transcript, no audit, next to no memory of their own.
import net from 'node:net';

interface Crowd {
  readonly sockets: readonly net.Socket[];
  /** Connections the server ended or reset. */
  readonly ended: () => number;
  /** Bytes read from all of them. */
  readonly bytesRead: () => number;
  destroy(): void;
}

const AT_ONCE = 250;

/** Opens `count` connections, `AT_ONCE` at a time. Incoming bytes are dropped unless the sockets are paused. */
export async function openCrowd(host: string, port: number, count: number): Promise<Crowd> {
  const sockets: net.Socket[] = [];
  let ended = 0;
  const open = () =>
    new Promise<void>((resolve, reject) => {
      const socket = net.connect({ host, port, noDelay: true });
      socket.once('connect', resolve);
      socket.once('error', reject);
      socket.on('error', () => {});
      socket.once('close', () => {
        ended += 1;
      });
      socket.resume();
      sockets.push(socket);
    });
  while (sockets.length < count) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, open));
  }
  return {
    sockets,
    ended: () => ended,
    bytesRead: () => sockets.reduce((sum, socket) => sum + socket.bytesRead, 0),
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
