// Hosts, the backend's URL and its fixed headers: what is taken, what is refused, and in what form it comes out.
import { describe, expect, it } from 'vitest';
import { backendUrl, headers, host } from '../../src/config/network-specs.ts';

describe('host', () => {
  it.each([
    '::',
    '0.0.0.0',
    '127.0.0.1',
    '::1',
    'fe80::1%eth0',
    'localhost',
    'a.b-c.example.',
    'robot_7',
    '7up.example',
  ])('takes %j', (text) => {
    expect(host().read(text)).toEqual({ ok: true, value: text });
  });

  it.each([
    '[::]',
    '256.1.1.1',
    '10.0.0',
    '1',
    'a b',
    'a..b',
    '-a',
    'a-',
    'a:80',
    'http://a',
    'a/b',
    '',
    `${'a'.repeat(64)}.b`,
  ])('refuses %j', (text) => {
    expect(host().read(text).ok).toBe(false);
  });
});

describe('backend URL', () => {
  it.each([
    ['http://localhost:8888', 'http://localhost:8888'],
    ['http://localhost:8888/', 'http://localhost:8888'],
    ['https://Robot.Example/api/v1//', 'https://robot.example/api/v1'],
    ['HTTP://[::1]:80/a%20b', 'http://[::1]/a%20b'],
    ['http://host/a@b', 'http://host/a@b'],
  ])('%j becomes %j', (text, value) => {
    expect(backendUrl().read(text)).toEqual({ ok: true, value });
  });

  it.each([
    ['localhost:8888', 'http://'],
    ['ftp://host', 'http://'],
    ['http:host', 'http://'],
    ['http://', 'valid URL'],
    ['http://host:99999', 'valid URL'],
    ['http://host:0', 'port 0'],
    ['http://host/?', 'query'],
    ['http://host/#', 'fragment'],
    ['http://@host', 'credentials'],
    ['http://host/%zz', '%'],
    ['http://host/a b', 'white space'],
    ['http://host/a\n', 'control character'],
    ['http:\\\\host', 'backslash'],
  ])('%j is refused because of its %s', (text, why) => {
    const read = backendUrl().read(text);
    expect(read.ok ? '' : read.why).toContain(why);
  });
});

describe('backend headers', () => {
  it('come out in lower case, host included, prototype names as data', () => {
    const read = headers().read('{"Authorization":"Bearer x","HOST":"h","x-empty":"","__proto__":"p"}');
    expect(read.ok && Object.entries(read.value)).toEqual([
      ['authorization', 'Bearer x'],
      ['host', 'h'],
      ['x-empty', ''],
      ['__proto__', 'p'],
    ]);
  });

  it.each([
    'connection',
    'Keep-Alive',
    'proxy-connection',
    'Transfer-Encoding',
    'content-length',
    'upgrade',
    'te',
    'trailer',
    'expect',
    'accept-encoding',
  ])('%s is for HTTP itself and is refused by name', (name) => {
    const read = headers().read(JSON.stringify({ 'x-good': 'v', [name]: 'v' }));
    expect(read.ok ? '' : read.why).toContain(`entry 2 sets ${name.toLowerCase()}`);
  });

  it.each([
    ['null', 'JSON object'],
    ['[]', 'JSON object'],
    ['"x"', 'JSON object'],
    ['{', 'valid JSON'],
    ['{"":"v"}', 'legal header name'],
    ['{"a b":"v"}', 'legal header name'],
    ['{"a:":"v"}', 'legal header name'],
    ['{"a":1}', 'not a string'],
    ['{"a":null}', 'not a string'],
    ['{"a":"x\\ny"}', 'HTTP cannot carry'],
    ['{"a":"€"}', 'HTTP cannot carry'],
    ['{"a":"1","A":"2"}', 'twice'],
    [JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`x-${n}`, 'v']))), '64 headers'],
    [`{"a":"${'x'.repeat(16_384)}"}`, 'longer than'],
  ])('%.40s is refused: %s', (text, why) => {
    const read = headers().read(text);
    expect(read.ok ? '' : read.why).toContain(why);
  });

  it('are printed by name only', () => {
    expect(headers().print({ authorization: 'Bearer secret' })).toEqual({ authorization: '***' });
  });
});
