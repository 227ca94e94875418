// Bytes to lines: line ends, white space, cuts, what is no JSON object, and rows of malformed lines.
import { expect } from 'vitest';
import { check } from '../support/check.ts';

const HANDSHAKE = '{"cmd":"HANDSHAKE","payload":{"major":1}}';

check('framing.crlf', '[OS-1.2] a line may end with CR LF', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  client.sendRaw(`${HANDSHAKE}\r\n${HANDSHAKE}\n${HANDSHAKE}\r\n`);
  for (let n = 0; n < 3; n += 1) await client.expect('handshake_ack');
  await client.fence();
});

check('framing.blank-lines', '[OS-1.2] lines of nothing but white space are ignored', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  client.sendRaw('\n\r\n \n\t\r\n  \t \r \n\n\r\r\n');
  await client.fence();
});

check('framing.white-space', "[OS-1.2] JSON's white space may stand around and inside a line", async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  client.sendRaw(' \t\r{ \t"cmd"\r:\t"HANDSHAKE" ,\r"payload" : {"major"\t:\r1 }\t} \r\t \r\n');
  await client.expect('handshake_ack');
  await client.fence();
});

check('framing.other-white-space', '[OS-1.2] other white space is not JSON', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  for (const space of ['\f', '\v', '\u00a0', '\u2028', '\u0085', '\0', '\u3000']) {
    client.send(space);
    await client.expect({ error: 'invalid_ndjson' });
    client.send(`${space}${HANDSHAKE}`);
    await client.expect({ error: 'invalid_ndjson' });
    await client.handshake();
  }
});

check('framing.compact', '[OS-1.2] the server writes compact JSON and a newline', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  client.sendRaw(
    `${HANDSHAKE}\n{}\n{"cmd":"X","payload":{}}\n{broken\n{"cmd":"STOP","payload":{"target":"monitor"}}\n`,
  );
  for (let n = 0; n < 5; n += 1) {
    const { text, json } = await client.nextLine();
    expect(text).toBe(JSON.stringify(json));
  }
});

check('framing.byte-at-a-time', '[OS-1.3] one byte per segment makes a line all the same', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  const text = `{"cmd":"HANDSHAKE","payload":{"major":1,"id":"grüße 🤖"}}\r\n{"cmd":"STOP","payload":{"target":"x"}}\n`;
  await client.sendChunks([...Buffer.from(text)].map((byte) => Uint8Array.of(byte)));
  await client.expect({ type: 'handshake_ack', id: 'grüße 🤖' });
  await client.expect('invalid_target');
  await client.fence();
});

check('framing.thousand-lines', '[OS-1.3] a thousand lines in one segment are answered in their order', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  const lines = Array.from({ length: 1000 }, (_, id) =>
    id % 10 === 9 ? { cmd: 'STEP', payload: { id } } : { cmd: 'HANDSHAKE', payload: { major: 1, id } },
  );
  client.sendLines(lines);
  for (const [id, { cmd }] of lines.entries()) {
    await client.expect(cmd === 'STEP' ? { error: 'invalid_cmd', id } : { type: 'handshake_ack', id });
  }
  await client.fence();
});

check(
  'framing.not-an-object',
  '[OS-1.5] whatever is no JSON object is invalid_ndjson, and the session goes on',
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.ready();
    const lines = [
      ...['[1]', '[]', '1', '-0.5e1', '"x"', 'null', 'true', '{', '}', '{}}', '{}{}', '{} x', '{},', '{"cmd":', 'cmd'],
      ...["{'cmd':1}", '{"a":1,}', '{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":1.}', '{"a":NaN}', '{"a":Infinity}'],
      ...[
        '{"a":0x10}',
        '{a:1}',
        '{"a":"\t"}',
        '{"a":"\\x41"}',
        '{"a":"\\u12"}',
        '{"a":tru}',
        '{"a" 1}',
        '{/**/}',
        '{"a',
      ],
      ...[
        '{"a":"\u0000"}',
        '{"a":[1,]}',
        '{"a":"\u001f"}',
        '{"a":1 "b":2}',
        '{,}',
        '{"a":undefined}',
        '--',
        '{"a":1e}',
      ],
    ];
    for (const line of lines) {
      client.send(line);
      await client.expect({ error: 'invalid_ndjson', fatal: undefined, message: (text: unknown) => text !== '' });
      await client.handshake();
    }
  },
);

check('framing.invalid-utf8', '[OS-1.5] a line that is not UTF-8 is invalid_ndjson, never repaired', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  const bad = [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3]];
  for (const bytes of bad) {
    const line = [
      Buffer.from('{"cmd":"HANDSHAKE","payload":{"major":1},"x":"'),
      Buffer.from(bytes),
      Buffer.from('"}\n'),
    ];
    client.sendRaw(Buffer.concat(line));
    await client.expect({ error: 'invalid_ndjson', fatal: undefined });
    await client.handshake();
  }
});

check('framing.utf8', '[OS-1.2] every character of UTF-8 passes, cut at any byte', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  const id = 'é€🤖\u{10ffff}\ud7ff\ue000\ufffd\u007f\u0080';
  const bytes = Buffer.from(`${JSON.stringify({ cmd: 'HANDSHAKE', payload: { major: 1, id } })}\n`);
  for (let cut = bytes.indexOf('é'); cut < bytes.length; cut += 1) {
    await client.sendChunks([bytes.subarray(0, cut), bytes.subarray(cut)]);
    await client.expect({ type: 'handshake_ack', id });
  }
});

check('framing.deep', '[OS-1.5] depth alone does not make a line invalid, nor does it harm the gateway', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  const depth = 30_000;
  client.send(`{"cmd":"HANDSHAKE","payload":{"major":1},"x":${'['.repeat(depth)}${']'.repeat(depth)}}`);
  await client.expect('handshake_ack');
  client.send('{"x":'.repeat(8000));
  await client.expect('invalid_ndjson');
  await client.fence();
});

check('framing.proto-is-data', '[OS-1.5] __proto__ is data, never a prototype', async (t) => {
  const { backend, gateway } = await t.pair();
  const client = await gateway.connect();
  client.send('{"cmd":"HANDSHAKE","payload":{"__proto__":{"major":1}}}');
  await client.expect({ error: 'missing_field', message: /major/ });
  client.send('{"__proto__":{"cmd":"HANDSHAKE"},"payload":{"major":1}}');
  await client.expect({ error: 'missing_field', message: /cmd/ });
  client.send('{"cmd":"HANDSHAKE","payload":{"major":1,"__proto__":{"id":"inherited"}}}');
  await client.expect({ type: 'handshake_ack', id: undefined });
  client.send('{"cmd":"__proto__","payload":{}}');
  await client.expect('invalid_cmd');
  client.send('{"cmd":"toString","payload":{}}');
  await client.expect('invalid_cmd');
  const body = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
  client.send(
    `{"cmd":"CONTROL","payload":{"url":"/a","method":"POST","args":{"__proto__":"p"},"body":${body},"ack":true}}`,
  );
  await client.expect('control_ack');
  expect(backend.requests[0]).toMatchObject({ path: '/a?__proto__=p', body });
});

check(
  'framing.errors-in-a-row',
  '[OS-1.8] MAX_CONSECUTIVE_ERRORS malformed lines in a row end the session',
  async (t) => {
    const { backend, gateway } = await t.pair();
    const client = await gateway.ready();
    for (let n = 1; n < 32; n += 1) {
      client.send('{bad');
      await client.expect({ error: 'invalid_ndjson', fatal: undefined });
    }
    client.sendLines(['{bad', { cmd: 'CONTROL', payload: { url: '/never', method: 'POST' } }, '{bad']);
    await client.expect({ error: 'invalid_ndjson', fatal: true });
    await client.expectClosed();
    await (await gateway.ready()).fence();
    expect(backend.requests).toEqual([]);
  },
);

check(
  'framing.every-malformed-kind',
  '[OS-1.8] framing, cmd, payload and field errors count, each with its own code',
  async (t) => {
    const malformed: [string, string][] = [
      ['{bad', 'invalid_ndjson'],
      [`{"x":"${'x'.repeat(600)}"}`, 'rx_buf_overflow'],
      ['{"payload":{}}', 'missing_field'],
      ['{"cmd":5,"payload":{}}', 'invalid_type'],
      ['{"cmd":"GO","payload":{}}', 'invalid_cmd'],
      ['{"cmd":"STOP"}', 'missing_field'],
      ['{"cmd":"STOP","payload":[]}', 'invalid_payload'],
      ['{"cmd":"STOP","payload":{}}', 'missing_field'],
      ['{"cmd":"STOP","payload":{"target":1}}', 'invalid_type'],
      ['{"cmd":"STOP","payload":{"target":"x"}}', 'invalid_target'],
      ['{"cmd":"HANDSHAKE","payload":{"major":-1}}', 'invalid_value'],
      ['{"cmd":"MONITOR","payload":{"url":"x"}}', 'invalid_url'],
      ['{"cmd":"MONITOR","payload":{"url":"/x","method":"PUT"}}', 'invalid_method'],
      ['{"cmd":"MONITOR","payload":{"url":"/x","method":"GET","period_ms":1}}', 'invalid_period'],
      ['{"cmd":"CONTROL","payload":{"url":"/x","method":"GET"}}', 'method_not_allowed'],
      ['{"cmd":"CONTROL","payload":{"url":"/x","method":"PUT","body":1}}', 'invalid_body'],
    ];
    const { gateway } = await t.pair(undefined, { MAX_CONSECUTIVE_ERRORS: '2', RX_BUFFER_BYTES: '512' });
    for (const [line, error] of malformed) {
      const client = await gateway.ready();
      client.send('{bad');
      await client.expect({ error: 'invalid_ndjson', fatal: undefined });
      client.send(line);
      await client.expect({ error, fatal: true });
      await client.expectClosed();
    }
  },
);

check('framing.row-ended', '[OS-1.8] any other line ends the row, state errors included', async (t) => {
  const { gateway } = await t.pair(undefined, { MAX_CONSECUTIVE_ERRORS: '2' });
  const bad = async (client: Awaited<ReturnType<typeof gateway.connect>>) => {
    client.send('{bad');
    await client.expect({ error: 'invalid_ndjson', fatal: undefined });
  };
  const client = await gateway.connect();
  const between: [string, object, string][] = [
    ['STOP', { target: 'monitor' }, 'handshake_required'],
    ['HANDSHAKE', { major: 2 }, 'version_mismatch'],
    ['HANDSHAKE', { major: 1 }, 'handshake_ack'],
    ['STOP', { target: 'monitor' }, 'nothing_to_stop'],
    ['MONITOR', { url: '/a', method: 'GET', period_ms: 30_000 }, 'monitor_ack'],
    ['MONITOR', { url: '/a', method: 'GET', period_ms: 30_000 }, 'monitor_already_active'],
    ['HANDSHAKE', { major: 1 }, 'busy_session_active'],
  ];
  for (const [cmd, payload, answer] of between) {
    client.send('{bad');
    await client.until({ error: 'invalid_ndjson', fatal: undefined });
    client.command(cmd, payload);
    await client.until(answer);
  }
  const silent = await gateway.ready();
  for (let n = 0; n < 4; n += 1) {
    await bad(silent);
    silent.command('CONTROL', { url: '/quiet', method: 'POST' });
  }
});
