// Whom a request believes it talks to: a web page that had its own name point at this machine must get nothing.
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Whether a `Host` header may stand in a request for the admin port: an IP address, `localhost`, `adminHost` or this machine's own name.
 * Any other name could be a stranger's, bound to this address in the browser of somebody who is allowed to connect (DNS rebinding).
 * Without the header (HTTP/1.0) it was no browser.
 */
export function isOurHost(header: string | undefined, adminHost: string, ownName = hostname()): boolean {
  if (header === undefined) return true;
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d{1,5})?$/.exec(header);
  if (!parts) return false;
  const [, bracketed, name = ''] = parts;
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  const plain = name.toLowerCase().replace(/\.$/, '');
  if (plain === '') return false;
  return isIP(plain) === 4 || ['localhost', adminHost.toLowerCase(), ownName.toLowerCase()].includes(plain);
}
