// Which names a request for the admin port may use, and that no other text passes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOurHost } from '../../src/admin/host-header.ts';

const ours = (header: string | undefined, adminHost = '127.0.0.1') => isOurHost(header, adminHost, 'cell-gateway');

describe('the Host header', () => {
  test.each([
    undefined,
    '127.0.0.1',
    '127.0.0.1:49001',
    '192.0.2.7:9',
    'localhost',
    'LocalHost:49001',
    'localhost.',
    '[::1]:49001',
    '[::1]',
    'cell-gateway:49001',
    'Cell-Gateway',
  ])('%s is ours', (header) => {
    expect(ours(header)).toBe(true);
  });

  test.each([
    '',
    ':49001',
    '.',
    'evil.example',
    'evil.example:49001',
    'localhost.evil.example',
    'notlocalhost',
    '127.0.0.1.evil.example',
    '127.0.0.1:49001:1',
    '127.0.0.1@evil.example',
    '127.0.0.1, evil.example',
    '[evil.example]',
    '[127.0.0.1]',
    '[::1',
    '::1',
    '2130706433',
    '0x7f.1',
    '127.1',
    'localhost:999999',
    'localhost ',
  ])('%s is not', (header) => {
    expect(ours(header)).toBe(false);
  });

  test('ADMIN_HOST is a name of ours, whatever the case', () => {
    expect(ours('metrics.plant.example:49001', 'Metrics.plant.example')).toBe(true);
    expect(ours('plant.example:49001', 'metrics.plant.example')).toBe(false);
  });

  test('no domain name of anybody passes', () => {
    fc.assert(
      fc.property(fc.domain(), fc.nat(65_535), (name, port) => !ours(name) && !ours(`${name}:${port}`)),
      { interruptAfterTimeLimit: 1000 },
    );
  });
});
