// HANDSHAKE with credentials: needed every time when the gateway is configured with tokens, unknown to it otherwise.
import { expect } from 'vitest';
import { check } from '../support/check.ts';

const env = { AUTH_TOKENS: 'alice:first-secret-token,second-secret-token' };

check('token.right', '[OS-6.3] a HANDSHAKE with one of the configured tokens is acknowledged', async (t) => {
  const { gateway } = await t.pair(undefined, env);
  for (const token of ['first-secret-token', 'second-secret-token']) {
    const client = await gateway.connect();
    client.command('HANDSHAKE', { major: 1, token });
    expect((await client.nextLine()).text).toBe('{"type":"handshake_ack","ok":true,"version":"1.0.0"}');
  }
});

check(
  'token.wrong',
  '[OS-6.3] a wrong or missing token is handshake_rejected, fatal, and never repeated in the answer',
  async (t) => {
    const wrong = [
      undefined,
      '',
      'guess-of-mine',
      'first-secret-toke',
      'FIRST-SECRET-TOKEN',
      null,
      5,
      true,
      ['first-secret-token'],
      {},
    ];
    for (const token of wrong) {
      const { gateway } = await t.pair(undefined, env);
      const client = await gateway.connect();
      client.command('HANDSHAKE', { major: 1, token, id: 'who' });
      const { text } = await client.expectLine({ error: 'handshake_rejected', fatal: true, id: 'who' });
      expect(text).not.toContain('guess-of-mine');
      expect(text).not.toContain('secret');
      await client.expectClosed();
      await gateway.stop();
    }
  },
);

check('token.nothing-executed', '[OS-6.3] nothing that follows a rejected HANDSHAKE is executed', async (t) => {
  const { backend, gateway } = await t.pair(undefined, env);
  const client = await gateway.connect();
  client.sendLines([
    { cmd: 'HANDSHAKE', payload: { major: 1, token: 'no' } },
    { cmd: 'CONTROL', payload: { url: '/never', method: 'POST' } },
    { cmd: 'HANDSHAKE', payload: { major: 1, token: 'first-secret-token' } },
    { cmd: 'CONTROL', payload: { url: '/never', method: 'POST' } },
  ]);
  await client.expect({ error: 'handshake_rejected', fatal: true });
  await client.expectClosed();
  expect(backend.requests).toEqual([]);
});

check('token.every-time', '[OS-6.3] the token is needed with every HANDSHAKE', async (t) => {
  const { gateway } = await t.pair(undefined, env);
  const client = await gateway.connect();
  client.command('HANDSHAKE', { major: 1, token: 'first-secret-token' });
  await client.expect('handshake_ack');
  client.command('HANDSHAKE', { major: 1, token: 'second-secret-token' });
  await client.expect('handshake_ack');
  client.command('HANDSHAKE', { major: 1 });
  await client.expect({ error: 'handshake_rejected', fatal: true });
  await client.expectClosed();
});

check('token.order', '[OS-2.3] credentials are checked after the fields and before the version', async (t) => {
  const { gateway } = await t.pair(undefined, env);
  const client = await gateway.connect();
  client.command('HANDSHAKE', { major: -1, token: 'no' });
  await client.expect({ error: 'invalid_value', fatal: undefined });
  client.command('HANDSHAKE', { major: 1, id: null, token: 'no' });
  await client.expect({ error: 'invalid_type', fatal: undefined });
  client.command('HANDSHAKE', { major: 2, token: 'first-secret-token' });
  await client.expect({ error: 'version_mismatch', fatal: undefined });
  client.command('STOP', { target: 'monitor' });
  await client.expect('handshake_required');
  client.command('HANDSHAKE', { major: 2, token: 'no' });
  await client.expect({ error: 'handshake_rejected', fatal: true });
  await client.expectClosed();
});

check('token.ignored', '[OS-6.3] without configured tokens the field is ignored', async (t) => {
  const { gateway } = await t.pair();
  for (const token of ['anything', null, 5, {}]) {
    const client = await gateway.connect();
    client.command('HANDSHAKE', { major: 1, token });
    await client.expect('handshake_ack');
  }
});
