// How args become a query: order, equal names, every type, and percent-encoding by RFC 3986.
import { expect } from 'vitest';
import { tokens } from '../faults/support/wait.ts';
import { check } from '../support/check.ts';

/** args as JSON text, and the query that must reach the backend. */
const QUERIES: readonly (readonly [string, string])[] = [
  ['{}', ''],
  ['{"a":1}', '?a=1'],
  ['{"a":"x","b":true,"c":false}', '?a=x&b=true&c=false'],
  ['{"b":1,"2":2,"a":3,"1":4}', '?b=1&2=2&a=3&1=4'],
  ['{"10":"x","9":"y","-1":"z"}', '?10=x&9=y&-1=z'],
  ['{"n":null}', '?n='],
  ['{"e":""}', '?e='],
  ['{"":1}', '?=1'],
  ['{"a":[1,2,3]}', '?a=1&a=2&a=3'],
  ['{"a":["x",null,true,1.0]}', '?a=x&a=&a=true&a=1.0'],
  ['{"a":[]}', ''],
  ['{"a":[],"b":1}', '?b=1'],
  ['{"a":{"x":1.0,"y":[1,2]}}', '?a=%7B%22x%22%3A1.0%2C%22y%22%3A%5B1%2C2%5D%7D'],
  ['{"a":{}}', '?a=%7B%7D'],
  ['{"a":[[1,2],3]}', '?a=%5B1%2C2%5D&a=3'],
  ['{"a":[{"x":1e3}]}', '?a=%7B%22x%22%3A1e3%7D'],
  ['{"a":[[]]}', '?a=%5B%5D'],
  [
    '{"a":1.0,"b":-0.0,"c":1e3,"d":9007199254740993,"e":2.960000,"f":1E-7}',
    '?a=1.0&b=-0.0&c=1e3&d=9007199254740993&e=2.960000&f=1E-7',
  ],
  ['{"a":1e+3}', '?a=1e%2B3'],
  ['{"a":"b c"}', '?a=b%20c'],
  ['{"a":"+&=#?/%;:@,$"}', '?a=%2B%26%3D%23%3F%2F%25%3B%3A%40%2C%24'],
  ['{"a":"-._~09azAZ"}', '?a=-._~09azAZ'],
  ['{"a":"!\'()*"}', '?a=%21%27%28%29%2A'],
  ['{"a":"\\"\\\\<>[]{}|^`"}', '?a=%22%5C%3C%3E%5B%5D%7B%7D%7C%5E%60'],
  ['{"a":"é€😀"}', '?a=%C3%A9%E2%82%AC%F0%9F%98%80'],
  ['{"a":"\\u00e9\\ud83d\\ude00"}', '?a=%C3%A9%F0%9F%98%80'],
  ['{"a":"\\r\\nHost: evil\\u0000"}', '?a=%0D%0AHost%3A%20evil%00'],
  ['{"a b&c":1}', '?a%20b%26c=1'],
  ['{"k\\u00e9y":"v"}', '?k%C3%A9y=v'],
  ['{"__proto__":1,"constructor":2,"toString":3}', '?__proto__=1&constructor=2&toString=3'],
  ['{"a":"%41"}', '?a=%2541'],
  ['{ "a" : [ 1 , 2 ] , "o" : { "x" : "a  b" } }', '?a=1&a=2&o=%7B%22x%22%3A%22a%20%20b%22%7D'],
];

const controlLine = (url: string, args: string): string =>
  `{"cmd":"CONTROL","payload":{"url":${JSON.stringify(url)},"method":"POST","ack":true,"args":${args}}}`;

check('args.control', '[OS-2.8] args of a CONTROL become query parameters as written', async ({ pair }) => {
  const { backend, gateway } = await pair();
  const client = await gateway.ready();
  for (const [args, query] of QUERIES) {
    client.send(controlLine('/q', args));
    expect([args, await client.next()]).toMatchObject([args, { type: 'control_ack' }]);
    expect([args, backend.requests.at(-1)?.path]).toEqual([args, `/q${query}`]);
  }
});

check('args.monitor', '[OS-2.8] args of a MONITOR become query parameters in the same way', async ({ pair }) => {
  const { backend, gateway } = await pair();
  const client = await gateway.ready();
  for (const [args, query] of QUERIES) {
    client.send(`{"cmd":"MONITOR","payload":{"url":"/q","method":"GET","period_ms":30000,"args":${args}}}`);
    await client.expect('monitor_ack');
    await client.expect('data');
    client.send('{"cmd":"STOP","payload":{"target":"monitor"}}');
    await client.expect('stop_ack');
    expect([args, backend.requests.at(-1)?.path]).toEqual([args, `/q${query}`]);
  }
});

check(
  'args.own-query',
  '[OS-2.8] args come after any query the url already has; equal names there are left alone',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.ready();
    for (const [url, args, path] of [
      ['/x?a=1', '{"b":2}', '/x?a=1&b=2'],
      ['/x?a=1', '{"a":2}', '/x?a=1&a=2'],
      ['/x?a', '{"a":"b"}', '/x?a&a=b'],
      ['/x?a=1', '{}', '/x?a=1'],
      ['/x?a=1', '{"b":[]}', '/x?a=1'],
      ['/x?a=b%20c+d', '{"e":1}', '/x?a=b%20c+d&e=1'],
    ] as const) {
      client.send(controlLine(url, args));
      await client.expect('control_ack');
      expect(backend.requests.at(-1)?.path).toBe(path);
    }
    client.send(controlLine('/x?', '{"a":1}'));
    await client.expect('control_ack');
    expect(['/x?a=1', '/x?&a=1']).toContain(backend.requests.at(-1)?.path);
  },
);

check('args.equal-names', '[OS-2.8] the last of equal names wins, however the names are spelled', async ({ pair }) => {
  const { backend, gateway } = await pair();
  const client = await gateway.ready();
  for (const [args, wanted] of [
    ['{"a":1,"b":2,"a":3}', ['a=3', 'b=2']],
    ['{"a":1,"\\u0061":2}', ['a=2']],
    ['{"a":[1,2],"a":"x"}', ['a=x']],
    ['{"a":1,"a":[]}', []],
    ['{"1":1,"x":2,"1":3.0}', ['1=3.0', 'x=2']],
    ['{"__proto__":1,"__proto__":2}', ['__proto__=2']],
  ] as const) {
    client.send(controlLine('/x', args));
    await client.expect('control_ack');
    const query = backend.requests.at(-1)?.path.split('?')[1] ?? '';
    expect(query === '' ? [] : query.split('&').sort()).toEqual(wanted);
  }
});

check('args.twice', '[OS-2.8] where a payload names args twice, the last one is taken', async ({ pair }) => {
  const { backend, gateway } = await pair();
  const client = await gateway.ready();
  client.send('{"cmd":"CONTROL","payload":{"args":{"a":1.0},"url":"/x","method":"POST","ack":true,"args":{"b":2.0}}}');
  await client.expect('control_ack');
  expect(backend.requests[0]?.path).toBe('/x?b=2.0');
});

check(
  'args.types',
  '[OS-4] args that are not an object: invalid_type, in the vendor profile invalid_args',
  async ({ gateway, backend }) => {
    const rest = await backend();
    for (const [profile, code] of [
      ['strict', 'invalid_type'],
      ['vendor', 'invalid_args'],
    ] as const) {
      const server = await gateway({ BACKEND_URL: rest.url, PROTOCOL_PROFILE: profile });
      const client = await server.ready();
      for (const args of ['null', '[]', '"a=1"', '1', 'true']) {
        client.send(controlLine('/x', args));
        await client.expect({ error: code, message: /args/ });
        client.send(`{"cmd":"MONITOR","payload":{"url":"/x","method":"GET","period_ms":10,"args":${args}}}`);
        await client.expect({ error: code, message: /args/ });
      }
    }
    expect(rest.requests).toEqual([]);
  },
);

check(
  'args.lone-surrogate',
  '[OS-2.8] half of a surrogate pair in args makes one answer and never a broken session',
  async ({ pair }) => {
    const { gateway } = await pair();
    const client = await gateway.ready();
    for (const args of ['{"a":"x\\udc00"}', '{"\\ud800":1}', '{"a":{"b":"\\ud800"}}']) {
      client.send(controlLine('/x', args));
      const line = await client.next();
      expect(line['type'] === 'control_ack' || typeof line['error'] === 'string', JSON.stringify(line)).toBe(true);
      await client.fence();
    }
  },
);

check('args.with-body', '[OS-2.6] args and body go together, each as it was written', async ({ pair }) => {
  const { backend, gateway } = await pair();
  const client = await gateway.ready();
  client.send('{"cmd":"CONTROL","payload":{"url":"/x","method":"PUT","ack":true,"args":{"v":1.0},"body":{"v": 1.00}}}');
  await client.expect('control_ack');
  expect(backend.requests[0]).toMatchObject({ method: 'PUT', path: '/x?v=1.0' });
  expect(tokens(backend.requests[0]!.body)).toBe('{"v":1.00}');
});
