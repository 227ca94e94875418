// Not one digit of a number changes on its way, in either direction, because controllers tell 1 from 1.0.
import { expect } from 'vitest';
import { memberText } from '../faults/support/wait.ts';
import { check } from '../support/check.ts';

const NUMBERS: readonly string[] = [
  '0',
  '-0',
  '1.0',
  '-0.0',
  '2.960000',
  '1e3',
  '1E3',
  '1e+3',
  '1.50e-07',
  '9007199254740993',
  '-9223372036854775808',
  '18446744073709551616',
  '0.1000000000000000055511151231257827',
  '1e400',
  '-1e-400',
  `1${'0'.repeat(400)}`,
];

const all = `[${NUMBERS.join(',')}]`;

check(
  'numbers.body',
  '[OS-2.9] numbers in a CONTROL body reach the backend with the same characters',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.ready();
    for (const number of NUMBERS) {
      client.send(`{"cmd":"CONTROL","payload":{"url":"/n","method":"POST","ack":true,"body":{"v":${number}}}}`);
      await client.expect('control_ack');
      expect(backend.requests.at(-1)?.body).toBe(`{"v":${number}}`);
    }
    client.send(`{"cmd":"CONTROL","payload":{"url":"/n","method":"POST","ack":true,"body":${all}}}`);
    await client.expect('control_ack');
    expect(backend.requests.at(-1)?.body).toBe(all);
  },
);

check('numbers.args', '[OS-2.9] numbers in args reach the backend with the same characters', async ({ pair }) => {
  const { backend, gateway } = await pair();
  const client = await gateway.ready();
  for (const number of NUMBERS) {
    client.send(
      `{"cmd":"CONTROL","payload":{"url":"/n","method":"POST","ack":true,"args":{"v":${number},"o":{"w":${number}}}}}`,
    );
    await client.expect('control_ack');
    const query = new URLSearchParams(backend.requests.at(-1)?.path.split('?')[1] ?? '');
    expect(query.get('v')).toBe(number);
    expect(query.get('o')).toBe(`{"w":${number}}`);
  }
});

check(
  'numbers.data',
  '[OS-2.9] numbers of a REST body reach the client with the same characters: data',
  async ({ pair }) => {
    const texts = [all, ...NUMBERS, `{"a":${all}}`, `{\n  "a": ${all}\n}`];
    const { gateway } = await pair((request, reply) => reply.json(texts[Number(request.path.slice(1))]!));
    for (const [index, text] of texts.entries()) {
      const client = await gateway.ready();
      client.send(`{"cmd":"MONITOR","payload":{"url":"/${index}","method":"GET","period_ms":30000}}`);
      await client.expect('monitor_ack');
      const line = await client.expectLine('data');
      expect(memberText(line.text, 'result')?.replaceAll(' ', '')).toBe(text.replaceAll(/[ \n]/g, ''));
      client.destroy();
    }
  },
);

check(
  'numbers.answers',
  '[OS-2.9] the same in control_ack, control_err and monitor_internal_error',
  async ({ pair }) => {
    const { gateway } = await pair((request, reply) => reply.json(all, request.path === '/ok' ? 200 : 500));
    const client = await gateway.ready();
    client.send('{"cmd":"CONTROL","payload":{"url":"/ok","method":"POST","ack":true}}');
    const ack = await client.expectLine('control_ack');
    expect(memberText(ack.text, 'result')).toBe(all);
    client.send('{"cmd":"CONTROL","payload":{"url":"/bad","method":"POST"}}');
    const failed = await client.expectLine('control_err');
    expect(memberText(failed.text, 'body')).toBe(all);
    client.send('{"cmd":"MONITOR","payload":{"url":"/bad","method":"GET","period_ms":5000}}');
    await client.expect('monitor_ack');
    const poll = await client.expectLine('monitor_internal_error');
    expect(memberText(poll.text, 'body')).toBe(all);
  },
);

check(
  'numbers.integers',
  '[OS-2.2] an integer may be spelled with a point or an exponent, as long as its value is whole',
  async ({ pair }) => {
    const { gateway } = await pair();
    const client = await gateway.connect();
    for (const major of ['1', '1.0', '1e0', '10e-1', '0.1e1', '1.000']) {
      client.send(`{"cmd":"HANDSHAKE","payload":{"major":${major}}}`);
      await client.expect('handshake_ack');
    }
    for (const major of ['1.5', '1e-1', '0.9999999999999999', '1.00000000000000000001']) {
      client.send(`{"cmd":"HANDSHAKE","payload":{"major":${major}}}`);
      await client.expect({ error: 'invalid_type', message: /major/ });
    }
    for (const period of ['50', '50.0', '5e1', '500e-1']) {
      client.send(`{"cmd":"MONITOR","payload":{"url":"/x","method":"GET","period_ms":${period}}}`);
      await client.expect({ type: 'monitor_ack', period_ms: undefined });
      client.send('{"cmd":"STOP","payload":{"target":"monitor"}}');
      await client.until('stop_ack');
    }
    for (const [period, code] of [
      ['50.5', 'invalid_type'],
      ['"50"', 'invalid_type'],
      ['1.0', 'invalid_period'],
      ['3.0001e4', 'invalid_period'],
      ['1e400', 'invalid_period'],
    ] as const) {
      client.send(`{"cmd":"MONITOR","payload":{"url":"/x","method":"GET","period_ms":${period}}}`);
      await client.expect({ error: code, message: /period_ms/ });
    }
  },
);

check('numbers.id', '[OS-6.1] a numeric id comes back as it was written', async ({ pair }) => {
  const { gateway } = await pair();
  const client = await gateway.ready();
  for (const id of ['1', '1.0', '-0', '1e2', '9007199254740993', '123456789012345678901234567890']) {
    client.send(`{"cmd":"CONTROL","payload":{"url":"/x","method":"POST","ack":true,"id":${id}}}`);
    const line = await client.expectLine('control_ack');
    expect(memberText(line.text, 'id')).toBe(id);
  }
  for (const id of ['1.5', '1e-3', 'true', 'null', '{}', '[1]']) {
    client.send(`{"cmd":"CONTROL","payload":{"url":"/x","method":"POST","ack":true,"id":${id}}}`);
    await client.expect({ error: 'invalid_type', message: /id/ });
  }
});
