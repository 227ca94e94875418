// The four commands as one-liners, so that a test shows what differs and nothing else.

export const monitor = (url: string, period_ms: number, more: object = {}) => ({
  cmd: 'MONITOR',
  payload: { url, method: 'GET', period_ms, ...more },
});

export const control = (url: string, more: object = {}) => ({
  cmd: 'CONTROL',
  payload: { url, method: 'POST', ...more },
});

/** A CONTROL whose success is answered too, by control_ack. */
export const acked = (url: string, more: object = {}) => control(url, { ack: true, ...more });

export const stop = (target: string, more: object = {}) => ({ cmd: 'STOP', payload: { target, ...more } });

export const handshake = (more: object = {}) => ({ cmd: 'HANDSHAKE', payload: { major: 1, ...more } });
