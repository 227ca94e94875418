// What becomes of a REST body on its way into the `result` of a data line.
import { expect } from 'vitest';
import { monitor } from '../faults/support/commands.ts';
import { memberText, tokens } from '../faults/support/wait.ts';
import { check } from '../support/check.ts';

/** Name, body, content type. The tokens on the line must be those of the body. */
const JSON_BODIES: readonly (readonly [string, string, string])[] = [
  ['an object', '{"_type":"JObject","val":0}', 'application/json'],
  ['numbers as they are written', '[1.0,-0.0,2.960000,1e3,1E+2,9007199254740993]', 'application/json'],
  ['escapes as they are written', '"\\u00e9\\/\\n"', 'application/json'],
  ['names that occur twice', '{"a":1,"a":2}', 'application/json'],
  ['the name __proto__', '{"__proto__":{"polluted":true},"constructor":1}', 'application/json'],
  ['a bare number', '5', 'application/json'],
  ['a bare false', 'false', 'application/json'],
  ['null', 'null', 'application/json'],
  ['an empty object', '{}', 'application/json'],
  ['an empty string', '""', 'application/json'],
  ['JSON that calls itself text', '{"a":[1]}', 'text/plain'],
  ['JSON that calls itself nothing', '{"a":[1]}', ''],
  ['a pretty-printed object', '{\r\n  "a" : [ 1.0,\n\t2 ],\n  "b c" : "d\\n e"\n}\n', 'application/json'],
  ['JSON between spaces', '  {"a": 1}  ', 'application/json'],
  ['line separators of Unicode', '"a\u2028b\u2029c\u0085"', 'application/json'],
  ['a deep nest', `${'['.repeat(200)}${']'.repeat(200)}`, 'application/json'],
];

/** Name, body, content type, the string expected. */
const TEXT_BODIES: readonly (readonly [string, string, string])[] = [
  ['plain text', 'all is well', 'text/plain'],
  ['text that calls itself JSON', 'not json at all', 'application/json'],
  ['two JSON values', '{"a":1}\n{"b":2}', 'application/x-ndjson'],
  ['two numbers', '1 2', 'application/json'],
  ['broken JSON', '{"a":1,}', 'application/json'],
  ['a number that JSON does not know', '01', 'application/json'],
  ['NaN', 'NaN', 'application/json'],
  ['a page', '<html>\r\n<body>"quoted" & \\slashed\\</body>\n</html>\n', 'text/html'],
  ['control characters', 'a\u0000b\u0007c\u007f', 'text/plain'],
  ['a line end alone', '\n', 'text/plain'],
  ['raw line end inside a string', '"a\nb"', 'application/json'],
];

check(
  'monitor.result-json',
  '[OS-2.4] what parses as JSON is the result, and no content type changes that',
  async ({ pair }) => {
    const { gateway } = await pair((request, reply) => {
      const [, body, type] = JSON_BODIES[Number(request.path.slice(1))]!;
      reply.text(body, 200, type === '' ? {} : { 'content-type': type });
    });
    for (const [index, [name, body]] of JSON_BODIES.entries()) {
      const client = await gateway.ready();
      client.send(monitor(`/${index}`, 30_000));
      await client.expect('monitor_ack');
      const line = await client.expectLine('data');
      expect(tokens(memberText(line.text, 'result') ?? '<none>'), name).toBe(tokens(body));
      expect(line.json, name).not.toHaveProperty('status');
      client.destroy();
    }
  },
);

check(
  'monitor.result-text',
  '[OS-2.4] a body that is not one JSON value becomes its text as a string',
  async ({ pair }) => {
    const { gateway } = await pair((request, reply) => {
      const [, body, type] = TEXT_BODIES[Number(request.path.slice(1))]!;
      reply.text(body, 200, { 'content-type': type });
    });
    for (const [index, [name, body]] of TEXT_BODIES.entries()) {
      const client = await gateway.ready();
      client.send(monitor(`/${index}`, 30_000));
      await client.expect('monitor_ack');
      const data = await client.expect('data');
      expect(data['result'], name).toBe(body);
      client.destroy();
    }
  },
);

check('monitor.result-empty', '[OS-2.4] an empty body gives the status in place of a result', async ({ pair }) => {
  const { gateway } = await pair((request, reply) => reply.empty(Number(request.path.slice(1))));
  for (const status of [200, 204, 202]) {
    const client = await gateway.ready();
    client.send(monitor(`/${status}`, 30_000));
    await client.expect('monitor_ack');
    await client.expect({ type: 'data', status, result: undefined, ts: Number.isInteger });
    client.destroy();
  }
});

check(
  'monitor.result-invalid-utf8',
  '[OS-2.4] a body that is not UTF-8 still makes one valid line, its text a string',
  async ({ pair }) => {
    const bodies = [
      Buffer.from([0x22, 0xff, 0x22]),
      Buffer.from([0xc3]),
      Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]),
      Buffer.from([0xff, 0xfe, 0x31, 0x00]),
    ];
    const { gateway } = await pair((request, reply) =>
      reply.text(bodies[Number(request.path.slice(1))]!, 200, { 'content-type': 'application/json' }),
    );
    for (const index of bodies.keys()) {
      const client = await gateway.ready();
      client.send(monitor(`/${index}`, 30_000));
      await client.expect('monitor_ack');
      const line = await client.expectLine('data');
      expect(typeof line.json['result'], `body ${index}: ${line.text}`).toBe('string');
      expect(line.json['result'], `body ${index}`).toContain('\ufffd');
      client.destroy();
    }
  },
);

check('monitor.result-bom', '[OS-2.4] a byte order mark before the JSON never breaks the line', async ({ pair }) => {
  const { gateway } = await pair((_request, reply) => reply.text('\ufeff{"a":1.0}'));
  const client = await gateway.ready();
  client.send(monitor('/bom', 30_000));
  await client.expect('monitor_ack');
  const { json } = await client.expectLine('data');
  // One JSON value with a mark, or a text that begins with one: both readings are the backend's own body.
  expect([{ a: 1 }, '\ufeff{"a":1.0}', '{"a":1.0}']).toContainEqual(json['result']);
});

check('monitor.result-large', '[OS-2.4] a body of exactly MAX_RESULT_BYTES is relayed whole', async ({ pair }) => {
  const { gateway } = await pair((_request, reply) => reply.oversize(1_048_576));
  const client = await gateway.ready();
  client.send(monitor('/large', 30_000));
  await client.expect('monitor_ack');
  const data = await client.expect('data');
  expect((data['result'] as string).length).toBe(1_048_574);
});

check(
  'monitor.result-chunked',
  '[OS-2.4] how the backend cuts its body into pieces does not matter',
  async ({ pair }) => {
    const text = '{"name":"größe","list":[1.0,2.50]}';
    const { gateway } = await pair((_request, reply) => {
      reply.response.writeHead(200, { 'content-type': 'application/json' });
      let at = 0;
      const bytes = Buffer.from(text);
      const write = () => {
        if (at >= bytes.length) return reply.response.end();
        reply.response.write(bytes.subarray(at, at + 1), () => setImmediate(write));
        at += 1;
        return undefined;
      };
      write();
    });
    const client = await gateway.ready();
    client.send(monitor('/pieces', 30_000));
    await client.expect('monitor_ack');
    const line = await client.expectLine('data');
    expect(memberText(line.text, 'result')).toBe(text);
  },
);
