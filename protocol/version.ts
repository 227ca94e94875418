// The protocol version this repository describes and the server announces in handshake_ack.

/** Only MAJOR decides whether a client and a server understand each other [OS-3.1]. */
export const PROTOCOL_MAJOR = 1;

/** Announced as `version` in `handshake_ack` [OS-2.1]. */
export const PROTOCOL_VERSION = `${PROTOCOL_MAJOR}.0.0`;
