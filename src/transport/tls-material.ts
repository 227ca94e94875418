// Certificates and keys from files: checked before anybody relies on them, so that a broken file is a sentence, not an outage.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { readBoundedFile } from '../access/bounded-file.ts';

export interface TlsPaths {
  /** `TLS_CERT`: the server's certificate, PEM, followed by the intermediate ones. */
  readonly cert: string;
  /** `TLS_KEY`: its private key, PEM, without a passphrase. */
  readonly key: string;
  /** `TLS_CLIENT_CA`: who must have signed the certificate each client then has to show. */
  readonly clientCa?: string;
}

/** Options for `tls.createServer` and `server.setSecureContext`; frozen, PEM texts inside. Holds the private key: never log it. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  readonly minVersion: 'TLSv1.2';
}

export interface LoadedTls {
  /** Absent when there are faults. */
  readonly material?: TlsMaterial;
  /** What makes the files unusable, each beginning with the name of the setting; nothing of a key is in them. */
  readonly faults: readonly string[];
  /** What works today and needs attention: certificates that end soon, have ended or have not begun. */
  readonly warnings: readonly string[];
}

const MAX_FILE_BYTES = 1_048_576;
const MAX_CERTIFICATES = 1000;
const DAY_MS = 86_400_000;
const SOON_DAYS = 30;
const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';

/** Reads and checks the files together; every fault at once. `now` is epoch ms, default the clock. */
export function loadTlsMaterial(paths: TlsPaths, now: () => number = Date.now): LoadedTls {
  const faults: string[] = [];
  const warnings: string[] = [];
  const chain = readCertificates('TLS_CERT', paths.cert, faults);
  const key = readKey(paths.key, faults);
  const authorities =
    paths.clientCa === undefined ? undefined : readCertificates('TLS_CLIENT_CA', paths.clientCa, faults);
  const leaf = chain?.certificates[0];
  if (leaf !== undefined && key !== undefined && !leaf.checkPrivateKey(key.object)) {
    faults.push(
      'TLS_KEY: is not the key of the first certificate in TLS_CERT; the server’s own certificate must come first',
    );
  }
  for (const [index, certificate] of (chain?.certificates ?? []).entries()) {
    const warning = validityWarning(certificate, now());
    if (warning !== undefined) warnings.push(`TLS_CERT: certificate ${index + 1} (${nameOf(certificate)}) ${warning}`);
  }
  if (faults.length > 0 || chain === undefined || key === undefined) return { faults, warnings };
  const material: TlsMaterial = Object.freeze({
    cert: chain.text,
    key: key.text,
    ...(authorities === undefined ? {} : { ca: authorities.text }),
    requestCert: authorities !== undefined,
    rejectUnauthorized: authorities !== undefined,
    minVersion: 'TLSv1.2',
  });
  const refused = secureContextFault(material);
  return refused === undefined ? { material, faults, warnings } : { faults: [refused], warnings };
}

/** Reads certificate authorities alone, for example `BACKEND_CA`; `setting` begins each fault. */
export function loadAuthorities(setting: string, path: string): { ca?: string; faults: readonly string[] } {
  const faults: string[] = [];
  const read = readCertificates(setting, path, faults);
  return read === undefined ? { faults } : { ca: read.text, faults };
}

/** The certificates of a file; undefined when there is a fault. */
function readCertificates(
  setting: string,
  path: string,
  faults: string[],
): { readonly text: string; readonly certificates: readonly X509Certificate[] } | undefined {
  const file = readBoundedFile(path, MAX_FILE_BYTES);
  if ('fault' in file) {
    faults.push(`${setting}: ${JSON.stringify(path)} ${file.fault}`);
    return undefined;
  }
  const blocks = certificateBlocks(file.text);
  const known = faults.length;
  if (blocks.length === 0) faults.push(`${setting}: ${JSON.stringify(path)} has no certificate in PEM form (${BEGIN})`);
  if (blocks.length > MAX_CERTIFICATES) faults.push(`${setting}: more than ${MAX_CERTIFICATES} certificates`);
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.slice(0, MAX_CERTIFICATES).entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch (error) {
      faults.push(`${setting}: certificate ${index + 1} in ${JSON.stringify(path)} cannot be read (${codeOf(error)})`);
    }
  }
  return faults.length > known ? undefined : { text: file.text, certificates };
}

/** By position rather than by expression, so that a file of nothing but beginnings takes linear time. */
function certificateBlocks(text: string): string[] {
  const blocks: string[] = [];
  for (let at = text.indexOf(BEGIN); at !== -1 && blocks.length <= MAX_CERTIFICATES; ) {
    const end = text.indexOf(END, at);
    if (end === -1) return [...blocks, text.slice(at, at + 65_536)];
    blocks.push(text.slice(at, end + END.length));
    at = text.indexOf(BEGIN, end);
  }
  return blocks;
}

function readKey(path: string, faults: string[]): { readonly text: string; readonly object: KeyObject } | undefined {
  const file = readBoundedFile(path, MAX_FILE_BYTES);
  if ('fault' in file) {
    faults.push(`TLS_KEY: ${JSON.stringify(path)} ${file.fault}`);
    return undefined;
  }
  try {
    return { text: file.text, object: createPrivateKey(file.text) };
  } catch (error) {
    const hint = file.text.includes('ENCRYPTED')
      ? 'is encrypted; store it without a passphrase, readable for the gateway alone'
      : `has no private key in PEM form that can be read (${codeOf(error)})`;
    faults.push(`TLS_KEY: ${JSON.stringify(path)} ${hint}`);
    return undefined;
  }
}

/** What OpenSSL itself has against the material, such as a key too small to be safe. */
function secureContextFault(material: TlsMaterial): string | undefined {
  try {
    createSecureContext(material);
    return undefined;
  } catch (error) {
    return `TLS_CERT, TLS_KEY: are refused by the TLS library (${codeOf(error)})`;
  }
}

function validityWarning(certificate: X509Certificate, now: number): string | undefined {
  const ends = Date.parse(certificate.validTo);
  if (Date.parse(certificate.validFrom) > now) return `is not valid before ${certificate.validFrom}`;
  if (ends <= now) return `has ended on ${certificate.validTo}: clients will refuse it`;
  const days = Math.floor((ends - now) / DAY_MS);
  return days < SOON_DAYS ? `ends in ${days} days, on ${certificate.validTo}` : undefined;
}

/** The subject on one line, cut short: it comes from outside. */
function nameOf(certificate: X509Certificate): string {
  return JSON.stringify(certificate.subject?.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 120) ?? '');
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : 'unknown error';
}

/** What the watch says, and to whom. */
export interface TlsLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface TlsWatchOptions {
  readonly paths: TlsPaths;
  /** What is in use when the watch begins. */
  readonly initial: TlsMaterial;
  /** Takes new, checked material into use, for example by `server.setSecureContext`; sessions that exist go on as they are. */
  readonly onChange: (material: TlsMaterial) => void;
  readonly log: TlsLog;
  /** How often the files are looked at, ms; default 5000. */
  readonly pollMs?: number;
  /** Epoch ms, to judge by whether certificates are valid; default the clock. */
  readonly now?: () => number;
}

export interface TlsWatch {
  /** Reads the files now, as SIGHUP asks for. True when what is in use is what is in the files. */
  reload(): boolean;
  /** Ends the watch; nothing is called afterwards. May be called more than once. */
  close(): void;
}

/**
 * Follows the files. Their times and sizes are asked for every few seconds rather than watched, because a file that is
 * replaced by renaming or by swapping a symbolic link, as container platforms do, is lost to a watcher of the old one.
 * Files that cannot be used are refused with a warning, once per change, and what was in use stays.
 * The timer does not keep the process alive.
 */
export function watchTlsMaterial(options: TlsWatchOptions): TlsWatch {
  const { paths, onChange, log, now = Date.now } = options;
  let inUse = options.initial;
  let seen = '';
  let looking = false;
  let closed = false;
  let warnedAt = now();

  const reload = (reason = 'SIGHUP'): boolean => {
    if (closed) return false;
    const { material, faults, warnings } = loadTlsMaterial(paths, now);
    if (material === undefined) {
      warnedAt = now();
      log.warn({ reason, faults }, 'the new TLS files are refused, the old ones stay in use');
      return false;
    }
    const same = isSame(material, inUse);
    // Files that were only touched were warned about when they were taken into use.
    if (!same || reason !== 'file change') {
      warnedAt = now();
      for (const warning of warnings) log.warn({ reason }, warning);
    }
    if (same) {
      if (reason === 'SIGHUP') log.info({ reason }, 'the TLS files have not changed');
      return true;
    }
    try {
      onChange(material);
    } catch (error) {
      log.warn({ reason, error }, 'the new TLS files could not be taken into use, the old ones stay');
      return false;
    }
    inUse = material;
    log.info({ reason }, 'the new TLS files are in use');
    return true;
  };

  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    const found = await fingerprint(paths);
    looking = false;
    if (closed) return;
    const isDue = now() - warnedAt >= DAY_MS;
    if (found === seen && !isDue) return;
    seen = found;
    reload(isDue ? 'daily check' : 'file change');
  };

  const timer = setInterval(() => void look(), options.pollMs ?? 5000);
  timer.unref();
  return {
    reload: () => reload(),
    close: () => {
      closed = true;
      clearInterval(timer);
    },
  };
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.cert === other.cert && one.key === other.key && one.ca === other.ca;
}

/** Which files there are, behind all symbolic links, and when they changed. */
async function fingerprint(paths: TlsPaths): Promise<string> {
  const files = [paths.cert, paths.key, ...(paths.clientCa === undefined ? [] : [paths.clientCa])];
  const states = files.map(async (path) => {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      return [dev, ino, size, mtimeNs, ctimeNs].join('.');
    } catch (error) {
      return codeOf(error);
    }
  });
  return (await Promise.all(states)).join(' ');
}
