// What is wrong with certificate files is said at start, in a sentence, and never by an exception or a key in a log.
import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadAuthorities, loadTlsMaterial } from '../../src/transport/tls-material.ts';
import { makeCertificate } from '../access/support/certificate.ts';
import { temporaryFolder } from '../access/support/temporary-folder.ts';

const folder = temporaryFolder();
const ca = makeCertificate({ subject: 'Test CA', days: 3650 });
const server = makeCertificate({ subject: 'gateway', altNames: ['localhost'], issuer: ca, days: 90 });
const other = makeCertificate({ subject: 'other', altNames: ['localhost'], issuer: ca, days: 90 });

let files = 0;
const file = (content: string | Uint8Array): string => folder.write(`file-${files++}.pem`, content);
const caFile = file(ca.cert);
const certFile = file(server.cert + ca.cert);
const keyFile = file(server.key);

describe('TLS files', () => {
  it('that fit give frozen options, with client certificates only when asked for', () => {
    const plain = loadTlsMaterial({ cert: certFile, key: keyFile });
    expect(plain).toEqual({
      faults: [],
      warnings: [],
      material: {
        cert: server.cert + ca.cert,
        key: server.key,
        requestCert: false,
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
      },
    });
    expect(Object.isFrozen(plain.material)).toBe(true);
    const mutual = loadTlsMaterial({ cert: certFile, key: keyFile, clientCa: caFile });
    expect(mutual.material).toMatchObject({ ca: ca.cert, requestCert: true, rejectUnauthorized: true });
  });

  it.each(['ec', 'rsa', 'ed25519'] as const)('may hold a key of type %s', (keyType) => {
    const one = makeCertificate({ subject: 'one', altNames: ['localhost'], keyType });
    expect(loadTlsMaterial({ cert: file(one.cert), key: file(one.key) }).faults).toEqual([]);
  });

  it('name all their faults at once, by setting', () => {
    const { material, faults } = loadTlsMaterial({
      cert: `${folder.path}/none`,
      key: file('no key'),
      clientCa: file(''),
    });
    expect(material).toBeUndefined();
    expect(faults).toEqual([
      `TLS_CERT: "${folder.path}/none" cannot be read (ENOENT)`,
      expect.stringMatching(/^TLS_KEY: ".*" has no private key in PEM form that can be read \(ERR_\w+\)$/),
      expect.stringMatching(/^TLS_CLIENT_CA: ".*" has no certificate in PEM form \(-----BEGIN CERTIFICATE-----\)$/),
    ]);
  });

  it('of two pairs are told apart, and a chain in the wrong order too', () => {
    const wrong =
      'TLS_KEY: is not the key of the first certificate in TLS_CERT; the server’s own certificate must come first';
    expect(loadTlsMaterial({ cert: certFile, key: file(other.key) }).faults).toEqual([wrong]);
    expect(loadTlsMaterial({ cert: file(ca.cert + server.cert), key: keyFile }).faults).toEqual([wrong]);
  });

  it('with a damaged, cut or empty certificate are refused', () => {
    const cases: [string, RegExp][] = [
      [server.cert.replace(/[A-Za-z0-9+/]{64}\n/, ''), /certificate 1 in ".*" cannot be read/],
      [server.cert.slice(0, 200), /certificate 1 in ".*" cannot be read/],
      [server.cert + ca.cert.slice(0, 100), /certificate 2 in ".*" cannot be read/],
      ['-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n', /certificate 1 in ".*" cannot be read/],
      [server.key, /has no certificate in PEM form/],
      [server.cert.repeat(1001), /more than 1000 certificates/],
      ['-----BEGIN CERTIFICATE-----'.repeat(30_000), /certificate 1 in ".*" cannot be read/],
      ['x'.repeat(1_048_577), /is larger than 1048576 bytes/],
    ];
    for (const [text, fault] of cases) {
      const { material, faults } = loadTlsMaterial({ cert: file(text), key: keyFile });
      expect(material).toBeUndefined();
      expect(faults.join()).toMatch(fault);
    }
    expect(loadTlsMaterial({ cert: file(Buffer.from([0x30, 0x82, 0xff])), key: keyFile }).faults[0]).toContain(
      'is not UTF-8 text',
    );
  });

  it('with an encrypted key say so, and never show a key', () => {
    const locked = createPrivateKey(server.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    });
    const { faults } = loadTlsMaterial({ cert: certFile, key: file(locked.toString()) });
    expect(faults).toEqual([expect.stringContaining('is encrypted; store it without a passphrase')]);
    const body = server.key.split('\n')[1]!;
    const damaged = loadTlsMaterial({ cert: certFile, key: file(server.key.replace('A', 'B').replace('=', '')) });
    expect(JSON.stringify(damaged.faults)).not.toContain(body.slice(0, 16));
  });

  it('that the TLS library refuses are refused: a key too small to be safe', () => {
    const weak = makeCertificate({ subject: 'weak', altNames: ['localhost'], keyType: 'rsa', rsaBits: 512 });
    expect(loadTlsMaterial({ cert: file(weak.cert), key: file(weak.key) }).faults).toEqual([
      'TLS_CERT, TLS_KEY: are refused by the TLS library (ERR_SSL_EE_KEY_TOO_SMALL)',
    ]);
  });

  it('are warned about when a certificate ends soon, has ended or has not begun', () => {
    const warningsOf = (days: number, startsInDays?: number): readonly string[] => {
      const one = makeCertificate({
        subject: 'cell\u202e7',
        altNames: ['x'],
        days,
        ...(startsInDays === undefined ? {} : { startsInDays }),
      });
      const { material, warnings } = loadTlsMaterial({ cert: file(one.cert), key: file(one.key) });
      expect(material).toBeDefined();
      return warnings;
    };
    expect(warningsOf(31)).toEqual([]);
    expect(warningsOf(5.5)).toEqual([
      expect.stringMatching(/^TLS_CERT: certificate 1 \("[ -~]*"\) ends in 5 days, on .* GMT$/),
    ]);
    expect(warningsOf(-1)).toEqual([expect.stringMatching(/has ended on .* GMT: clients will refuse it$/)]);
    expect(warningsOf(90, 2)).toEqual([expect.stringMatching(/is not valid before .* GMT$/)]);
    const later = () => Date.now() + 80 * 86_400_000;
    expect(loadTlsMaterial({ cert: certFile, key: keyFile }, later).warnings).toEqual([
      expect.stringContaining('ends in 9 days'),
    ]);
  });
});

describe('certificate authorities alone', () => {
  it('are read for another setting', () => {
    expect(loadAuthorities('BACKEND_CA', file(ca.cert + other.cert))).toEqual({ ca: ca.cert + other.cert, faults: [] });
    expect(loadAuthorities('BACKEND_CA', keyFile).faults).toEqual([
      expect.stringMatching(/^BACKEND_CA: ".*" has no certificate in PEM form/),
    ]);
  });
});
