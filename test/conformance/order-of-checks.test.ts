// Each bad line has exactly one answer: a table of single faults, and every pair of faults of one command.
import { PROFILES } from '../../protocol/profiles.ts';
import { check } from '../support/check.ts';
import type { TestClient } from '../support/client.ts';
import { type Case, ENVELOPES, pairs, singles } from '../support/faults.ts';

/** Each line gets exactly one answer: its own comes next, and the answer to the HANDSHAKE behind it right after. */
async function answerEach(client: TestClient, cases: readonly Case[]): Promise<void> {
  for (const [index, { line: text, error, field }] of cases.entries()) {
    client.sendRaw(`${text}\n{"cmd":"HANDSHAKE","payload":{"major":1,"id":"case-${index}"}}\n`);
    await client.expect({
      error,
      fatal: undefined,
      message: (message: unknown) => typeof message === 'string' && (field === undefined || message.includes(field)),
    });
    await client.expect({ type: 'handshake_ack', id: `case-${index}` });
  }
}

for (const profile of PROFILES) {
  const env = { PROTOCOL_PROFILE: profile };

  check(
    `order.envelope-${profile}`,
    `[OS-2.3] cmd is checked before payload, each missing → type → value (${profile})`,
    async (t) => {
      const { gateway } = await t.pair(undefined, env);
      await answerEach(await gateway.ready(), ENVELOPES);
    },
  );

  check(
    `order.single-${profile}`,
    `[OS-2.3] each faulty field has its one code, and the message names it (${profile})`,
    async (t) => {
      const { gateway } = await t.pair(undefined, env);
      await answerEach(await gateway.ready(), singles(profile));
    },
  );

  check(
    `order.pairs-${profile}`,
    `[OS-2.3] of two faulty fields the first of the table is answered (${profile})`,
    async (t) => {
      const { gateway } = await t.pair(undefined, env);
      await answerEach(await gateway.ready(), pairs(profile));
    },
  );

  check(
    `order.handshake-first-${profile}`,
    `[OS-2.3] handshake_required comes after the payload's type and before its fields (${profile})`,
    async (t) => {
      const { gateway } = await t.pair(undefined, env);
      const client = await gateway.connect();
      for (const { line: text, error } of ENVELOPES.filter((entry) => entry.field === 'payload')) {
        client.send(text);
        await client.expect(error);
        client.command('STOP', { target: 'session' });
        await client.expect('handshake_required');
      }
      for (const cmd of ['MONITOR', 'CONTROL', 'STOP']) {
        for (const payload of [{}, { url: 5 }, { target: 'x' }, { id: 'known' }]) {
          client.command(cmd, payload);
          await client.expect({ error: 'handshake_required', ...('id' in payload ? { id: 'known' } : {}) });
        }
      }
    },
  );
}

check('order.framing-first', '[OS-2.3] framing is checked before everything else', async (t) => {
  const { gateway } = await t.pair(undefined, { RX_BUFFER_BYTES: '256' });
  const client = await gateway.connect();
  client.send('{"cmd":5,"payload":5');
  await client.expect('invalid_ndjson');
  client.send(`{"cmd":"NO","payload":${' '.repeat(300)}`);
  await client.expect('rx_buf_overflow');
  await client.fence();
});

check('order.fields-before-state', '[OS-2.3] fields are checked before the state of the activities', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  client.command('STOP', { target: 'monitor', id: null });
  await client.expect('invalid_type');
  client.command('STOP', { target: 'monitor' });
  await client.expect('nothing_to_stop');
  client.command('MONITOR', { url: '/a', method: 'GET', period_ms: 30_000 });
  await client.expect('monitor_ack');
  await client.expect('data');
  client.command('MONITOR', { url: '/a', method: 'GET', period_ms: 1 });
  await client.expect('invalid_period');
  client.command('MONITOR', { url: '/a', method: 'GET', period_ms: 30_000, id: false });
  await client.expect('invalid_type');
  client.command('MONITOR', { url: '/a', method: 'GET', period_ms: 30_000 });
  await client.expect('monitor_already_active');
  client.command('HANDSHAKE', { major: -1 });
  await client.expect('invalid_value');
  client.command('HANDSHAKE', { major: 1, id: [] });
  await client.expect('invalid_type');
});
