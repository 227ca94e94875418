// Which urls pass, and how they reach the backend.
import { expect } from 'vitest';
import { check } from '../support/check.ts';

/** What the client writes, and the request line the backend sees. */
const PASS: readonly (readonly [string, string])[] = [
  ['/', '/'],
  ['/a', '/a'],
  ['/project/context/tasks[0]/reset', '/project/context/tasks[0]/reset'],
  ['/a//b', '/a//b'],
  ['/a/...', '/a/...'],
  ['/a/..b/b..', '/a/..b/b..'],
  ['/a?x=1&y=2', '/a?x=1&y=2'],
  ['/a?', '/a?'],
  ['/a?x=/../y', '/a?x=/../y'],
  ['/a%20b', '/a%20b'],
  ['/a%2fb', '/a%2fb'],
  ['/%252e%252e/a', '/%252e%252e/a'],
  ["/a:b@c;d=e,f+g!h$i&j'(k)*~_-.", "/a:b@c;d=e,f+g!h$i&j'(k)*~_-."],
  ['/straße/日本', '/stra%C3%9Fe/%E6%97%A5%E6%9C%AC'],
  ['/🤖?q=é', '/%F0%9F%A4%96?q=%C3%A9'],
  [`/${'x'.repeat(2047)}`, `/${'x'.repeat(2047)}`],
];

check('url.passes', '[OS-2.7] a url that follows the rules reaches the backend as it is written', async (t) => {
  const { backend, gateway } = await t.pair();
  const client = await gateway.ready();
  for (const [url] of PASS) {
    client.command('CONTROL', { url, method: 'POST', ack: true });
    await client.expect('control_ack');
  }
  expect(backend.requests.map((request) => request.path)).toEqual(PASS.map(([, path]) => path));
});
