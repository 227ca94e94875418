// The rules of url: what passes and how it is sent, what is refused, in both profiles, for MONITOR and CONTROL.
import { expect } from 'vitest';
import { acked, control, monitor } from '../faults/support/commands.ts';
import { check } from '../support/check.ts';

/** url as asked, path as the backend sees it. */
const GOOD: readonly (readonly [string, string])[] = [
  ['/', '/'],
  ['/a', '/a'],
  ['/a/', '/a/'],
  ['/a//b', '/a//b'],
  ['/a?b=c&d', '/a?b=c&d'],
  ['/a?', '/a?'],
  ['/project/context/tasks[0]/reset', '/project/context/tasks[0]/reset'],
  ['/a%20b', '/a%20b'],
  ['/a%2fb', '/a%2fb'],
  ['/a%2Fb%5cc', '/a%2Fb%5cc'],
  ['/%252e%252e/a', '/%252e%252e/a'],
  ['/%C3%A9', '/%C3%A9'],
  ['/é', '/%C3%A9'],
  ['/größe?q=ü', '/gr%C3%B6%C3%9Fe?q=%C3%BC'],
  ['/日本', '/%E6%97%A5%E6%9C%AC'],
  ['/😀', '/%F0%9F%98%80'],
  ['/a..b/c', '/a..b/c'],
  ['/..a/b..', '/..a/b..'],
  ['/...', '/...'],
  ['/.well-known/x', '/.well-known/x'],
  ['/a.b', '/a.b'],
  ['/a?path=../b', '/a?path=../b'],
  ['/a;b=1,c:d@e!$&()*+=~_-', '/a;b=1,c:d@e!$&()*+=~_-'],
  ["/it's", "/it's"],
  [
    '/file_manager/file_exist?pathname=project/jobs/0001.job',
    '/file_manager/file_exist?pathname=project/jobs/0001.job',
  ],
];

/** Characters that HTTP clients like to encode; either spelling is the same path. */
const EITHER: readonly string[] = ['/a"b', '/a<b>', '/a{b}', '/a|b', '/a^b', '/a`b'];

const BAD: readonly string[] = [
  '',
  'a',
  'a/b',
  '?a=b',
  '.',
  '*',
  'http://127.0.0.1/x',
  '//host',
  '//host/a',
  '///',
  '/a b',
  ' /a',
  '/a ',
  '/a\tb',
  '/a\nb',
  '/a\r\nHost: evil',
  '/a\u0000b',
  '/a\u001f',
  '/a\u007f',
  '/a\u0080',
  '/a\u0085b',
  '/a\u00a0b',
  '/a\u1680b',
  '/a\u2003b',
  '/a\u2028b',
  '/a\u2029b',
  '/a\u202fb',
  '/a\u205fb',
  '/a\u3000b',
  '/a\ufeffb',
  '/a?b c',
  '/a?b=\u0001',
  '\\a',
  '/\\host',
  '/a\\b',
  '/a?b\\c',
  '/a#b',
  '/#',
  '/a%',
  '/a%2',
  '/a%zz',
  '/a%2gb',
  '/a?b=%',
  '/%%41',
  '/.',
  '/..',
  '/../a',
  '/a/..',
  '/a/../b',
  '/a/.',
  '/a/./b',
  '/./a',
  '/..?x=1',
  '/a/..?x=1',
  '/%2e',
  '/%2e%2e',
  '/%2E%2e/a',
  '/.%2e/a',
  '/a/%2e./b',
  '/a/%2e/b',
  '/a%2f..%2fb',
  '/a%2F%2e%2E',
  '/a%5c..%5cb',
  '/..%2fa',
  '/..%5Ca',
  '/a/..%2fb',
  '/a%2f.',
];

for (const profile of ['strict', 'vendor'] as const) {
  const env = { PROTOCOL_PROFILE: profile, MAX_CONSECUTIVE_ERRORS: '1000' };

  check(
    `url.bad-${profile}`,
    `[OS-2.7] ${profile}: a url that leaves its path, its origin or its line is invalid_url and reaches nobody`,
    async ({ pair }) => {
      const { backend, gateway } = await pair(undefined, env);
      const client = await gateway.ready();
      for (const [id, url] of BAD.entries()) {
        const shown = JSON.stringify(url);
        client.send(control(url, { id }));
        expect([shown, (await client.next())['error']]).toEqual([shown, 'invalid_url']);
        client.send(monitor(url, 1000, { id }));
        expect([shown, await client.next()]).toMatchObject([
          shown,
          { error: 'invalid_url', id, message: expect.stringMatching(/url/) },
        ]);
      }
      await client.fence();
      expect(backend.requests.map((request) => request.path)).toEqual([]);
    },
  );

  check(
    `url.good-${profile}`,
    `[OS-2.7] ${profile}: every other url reaches the backend as it was written, other non-ASCII characters percent-encoded`,
    async ({ pair }) => {
      const { backend, gateway } = await pair(undefined, env);
      const client = await gateway.ready();
      for (const [url, path] of GOOD) {
        client.send(acked(url));
        expect([url, await client.next()]).toMatchObject([url, { type: 'control_ack' }]);
        expect(backend.requests.at(-1)?.path).toBe(path);
      }
      for (const url of EITHER) {
        client.send(acked(url));
        expect([url, await client.next()]).toMatchObject([url, { type: 'control_ack' }]);
        expect(decodeURIComponent(backend.requests.at(-1)?.path ?? '')).toBe(url);
      }
      expect(backend.requests.length).toBe(GOOD.length + EITHER.length);
    },
  );

  check(
    `url.length-${profile}`,
    `[OS-2.7] ${profile}: at most 2048 bytes, counted in UTF-8 and before anything else is looked at`,
    async ({ pair }) => {
      const { backend, gateway } = await pair(undefined, env);
      const client = await gateway.ready();
      const tooLong = profile === 'strict' ? 'invalid_url' : 'url_too_long';
      for (const url of [
        `/${'a'.repeat(2048)}`,
        `/${'é'.repeat(1024)}`,
        'a'.repeat(2049),
        `//${' '.repeat(3000)}`,
        `/${'\u{1f600}'.repeat(512)}`,
      ]) {
        client.send(control(url, { id: 'long' }));
        await client.expect({ error: tooLong, id: 'long', message: /url/ });
      }
      client.send(control('a'.repeat(2048)));
      await client.expect('invalid_url');
      for (const url of [`/${'a'.repeat(2047)}`, `/a${'é'.repeat(1023)}`]) {
        client.send(acked(url));
        await client.expect('control_ack');
      }
      expect(backend.requests.map((request) => request.path)).toEqual([
        `/${'a'.repeat(2047)}`,
        `/a${'%C3%A9'.repeat(1023)}`,
      ]);
    },
  );

  check(`url.not-a-string-${profile}`, `[OS-4] ${profile}: a url that is not a string`, async ({ pair }) => {
    const { gateway } = await pair(undefined, env);
    const client = await gateway.ready();
    for (const url of [null, 1, true, {}, ['/a']]) {
      client.send({ cmd: 'CONTROL', payload: { url, method: 'POST', id: 1 } });
      await client.expect({ error: profile === 'strict' ? 'invalid_type' : 'invalid_url', id: 1, message: /url/ });
    }
  });
}

check(
  'url.lone-surrogate',
  '[OS-2.7] half of a surrogate pair makes one answer and never a broken session',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.ready();
    client.send('{"cmd":"CONTROL","payload":{"url":"/a\\ud800b","method":"POST","ack":true,"id":1}}');
    const line = await client.next();
    if (line['error'] === undefined) expect(line).toMatchObject({ type: 'control_ack', id: 1 });
    else {
      expect(line).toMatchObject({ error: 'invalid_url', id: 1 });
      expect(backend.requests).toEqual([]);
    }
    await client.fence();
  },
);

check(
  'url.base-path',
  '[OS-7] the path of BACKEND_URL stands before every url and cannot be left',
  async ({ backend, gateway }) => {
    const rest = await backend();
    const server = await gateway({ BACKEND_URL: `${rest.url}/api/v1/` });
    const client = await server.ready();
    client.sendLines([acked('/a?b=1'), acked('/../secret', { id: 'up' }), acked('/')]);
    await client.expect({ error: 'invalid_url', id: 'up' });
    await client.expect('control_ack');
    await client.expect('control_ack');
    expect(rest.requests.map((request) => request.path)).toEqual(['/api/v1/a?b=1', '/api/v1/']);
  },
);
