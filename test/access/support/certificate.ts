// X.509 certificates for tests of TLS, made with node:crypto alone, so that no openssl needs to be installed.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';

interface CertificateOptions {
  /** The common name. */
  readonly subject: string;
  /** Host names and IP addresses of a server. */
  readonly altNames?: readonly string[];
  /** Who signs; the certificate signs itself when absent. */
  readonly issuer?: Certificate;
  /** Days from now until it ends, fractions allowed, default 30; negative for one that has ended. */
  readonly days?: number;
  /** Days from now until it begins; default one day ago, or one day before it ends. */
  readonly startsInDays?: number;
  /** Default ec (P-256), the fastest to make. */
  readonly keyType?: 'ec' | 'rsa' | 'ed25519';
  /** Bits of an RSA key; default 2048. */
  readonly rsaBits?: number;
  /** Whether it may sign others; default true without an issuer and without altNames. */
  readonly ca?: boolean;
}

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  readonly subject: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const DAY_MS = 86_400_000;

/** A certificate and its private key, good for TLS servers and clients alike, or for signing others. */
export function makeCertificate(options: CertificateOptions): Certificate {
  const { privateKey, publicKey } = keyPair(options);
  const { subject, issuer, altNames = [], days = 30 } = options;
  const signer = issuer ?? { subject, privateKey, publicKey };
  const algorithm = signatureAlgorithm(signer.privateKey);
  const ends = Date.now() + days * DAY_MS;
  const starts =
    options.startsInDays === undefined
      ? Math.min(Date.now(), ends) - DAY_MS
      : Date.now() + options.startsInDays * DAY_MS;
  const isCa = options.ca ?? (issuer === undefined && altNames.length === 0);
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name(signer.subject),
    sequence(time(starts), time(ends)),
    name(subject),
    spki(publicKey),
    tagged(0xa3, sequence(...extensions(isCa, altNames, publicKey, signer.publicKey))),
  );
  const digest = signer.privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const der = sequence(body, algorithm, bitString(sign(digest, body, signer.privateKey)));
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    subject,
    privateKey,
    publicKey,
  };
}

function keyPair({ keyType = 'ec', rsaBits = 2048 }: CertificateOptions): {
  privateKey: KeyObject;
  publicKey: KeyObject;
} {
  if (keyType === 'rsa') return generateKeyPairSync('rsa', { modulusLength: rsaBits });
  return keyType === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return sequence(oid('1.2.840.113549.1.1.11'), tagged(0x05));
  return sequence(oid(key.asymmetricKeyType === 'ed25519' ? '1.3.101.112' : '1.2.840.10045.4.3.2'));
}

function extensions(isCa: boolean, altNames: readonly string[], own: KeyObject, signer: KeyObject): Buffer[] {
  const usage = isCa ? [0x01, 0x06] : [0x07, 0x80];
  const list = [
    extension('2.5.29.19', true, isCa ? sequence(tagged(0x01, Buffer.from([0xff]))) : sequence()),
    extension('2.5.29.15', true, tagged(0x03, Buffer.from(usage))),
    extension('2.5.29.14', false, tagged(0x04, keyId(own))),
    extension('2.5.29.35', false, sequence(tagged(0x80, keyId(signer)))),
  ];
  if (!isCa) list.push(extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))));
  if (altNames.length > 0) list.push(extension('2.5.29.17', false, sequence(...altNames.map(altName))));
  return list;
}

function altName(text: string): Buffer {
  return isIP(text) === 0 ? tagged(0x82, Buffer.from(text)) : tagged(0x87, addressBytes(text));
}

function addressBytes(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  const [head = '', tail = ''] = text.split('::');
  const groups = (part: string): string =>
    part
      .split(':')
      .filter(Boolean)
      .map((group) => group.padStart(4, '0'))
      .join('');
  return Buffer.from(groups(head) + '0'.repeat(32 - groups(head).length - groups(tail).length) + groups(tail), 'hex');
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [tagged(0x01, Buffer.from([0xff]))] : []), tagged(0x04, value));
}

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
const keyId = (key: KeyObject): Buffer => createHash('sha1').update(spki(key)).digest();
const name = (text: string): Buffer =>
  sequence(tagged(0x31, sequence(oid('2.5.4.3'), tagged(0x0c, Buffer.from(text)))));

/** UTCTime up to 2049, GeneralizedTime after, as RFC 5280 demands. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return new Date(ms).getUTCFullYear() < 2050
    ? tagged(0x17, Buffer.from(digits.slice(2)))
    : tagged(0x18, Buffer.from(digits));
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = rest.flatMap((part) => {
    const groups = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return tagged(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

const integer = (bytes: Buffer): Buffer => tagged(0x02, bytes);
const bitString = (bytes: Buffer): Buffer => tagged(0x03, Buffer.concat([Buffer.from([0]), bytes]));
const sequence = (...parts: Buffer[]): Buffer => tagged(0x30, Buffer.concat(parts));

/** One DER value: tag, length, content. */
function tagged(tag: number, content: Buffer = Buffer.alloc(0)): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
