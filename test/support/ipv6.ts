// Whether this machine can speak IPv6 with itself: containers often cannot, and a test must then say so instead of failing.
import { networkInterfaces } from 'node:os';

export const NO_IPV6 = 'this machine has no IPv6 address, not even ::1';

export const hasIpv6 = (): boolean =>
  Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'));
