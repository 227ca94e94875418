// Tokens on the wire: who is let in, what the log says of it and never says, and what guessing costs.
import { expect, test } from 'vitest';
import { temporaryFolder } from '../access/support/temporary-folder.ts';
import { pass, waitUntil } from '../faults/support/wait.ts';
import type { TestClient } from '../support/client.ts';
import type { Json } from '../support/match.ts';
import { type GuardedGateway, useStage } from './support/stage.ts';

const stage = useStage();
const folder = temporaryFolder();

const TOKENS = { panel: 'panel-Zq7-token', plant: 'plánt"\\token-€', line: 'line:with:colons' } as const;

const asFile = (name = 'tokens'): string =>
  folder.write(
    name,
    `# tokens of the plant\n\n${Object.entries(TOKENS)
      .map((pair) => pair.join(':'))
      .join('\r\n')}\nbare-token-9\n`,
  );

async function attempt(gateway: GuardedGateway, token: unknown, localAddress = '127.0.0.1') {
  const client = await gateway.connect({ localAddress });
  const begun = performance.now();
  client.command('HANDSHAKE', { major: 1, token });
  const { json, at } = await client.nextLine(15_000);
  return { client, json, tookMs: at - begun };
}

async function lastEnded(gateway: GuardedGateway): Promise<Json | undefined> {
  await waitUntil(() => gateway.target.sessions?.() === 0, 'the session is over');
  return gateway.logged('session ended').at(-1);
}

test('every token of a file lets its holder in, and the log says who it was', async () => {
  for (const authTokens of [asFile(), `@${asFile('others')}`]) {
    const gateway = await stage.gateway({ AUTH_TOKENS: authTokens });
    for (const [name, token] of [...Object.entries(TOKENS), ['token-1', 'bare-token-9']] as const) {
      const { client, json } = await attempt(gateway, token);
      expect(json).toMatchObject({ type: 'handshake_ack' });
      client.command('STOP', { target: 'session' });
      await client.expect('stop_ack');
      await client.expectClosed();
      expect(await lastEnded(gateway)).toMatchObject({ credential: name, reason: 'stop_session' });
    }
  }
});

test('what is not exactly a token is refused in the same words, whatever it is', async () => {
  const gateway = await stage.gateway({ AUTH_TOKENS: `${asFile()},admin:root-token` });
  const wrong: unknown[] = [
    'panel-Zq7-toke',
    'panel-Zq7-tokenx',
    'PANEL-ZQ7-TOKEN',
    ' panel-Zq7-token',
    'panel:panel-Zq7-token',
    'panel',
    '',
    'x'.repeat(60_000),
    '\ud800',
    'pla\u0301nt"\\token-€',
    null,
    0,
    true,
    ['panel-Zq7-token'],
    { toString: 'panel-Zq7-token' },
    { length: 15 },
  ];
  const answers = new Set<string>();
  // From an address of its own each, so that none waits for the others' failures.
  for (const [index, token] of wrong.entries()) {
    const { client, json } = await attempt(gateway, token, `127.0.7.${index + 1}`);
    expect(json).toMatchObject({ error: 'handshake_rejected', fatal: true });
    answers.add(JSON.stringify(json));
    await client.expectClosed();
  }
  expect(answers.size).toBe(1);
});

test('a token is needed with every HANDSHAKE, and a session goes by the last one', async () => {
  const gateway = await stage.gateway({ AUTH_TOKENS: asFile() });
  const { client } = await attempt(gateway, TOKENS.panel);
  await client.handshake({ token: TOKENS.line });
  client.command('STOP', { target: 'session' });
  await client.expect('stop_ack');
  await client.expectClosed();
  expect(await lastEnded(gateway)).toMatchObject({ credential: 'line' });
  const { client: other } = await attempt(gateway, TOKENS.panel);
  other.command('HANDSHAKE', { major: 1 });
  await other.expect({ error: 'handshake_rejected', fatal: true });
  await other.expectClosed();
});

test('guessing gets slower with each failure of an address; other addresses do not wait', {
  timeout: 60_000,
}, async () => {
  const gateway = await stage.gateway({ AUTH_TOKENS: asFile() });
  const took: number[] = [];
  for (let guess = 0; guess < 6; guess += 1) {
    const { client, json, tookMs } = await attempt(gateway, `guess-${guess}`, '127.0.0.2');
    expect(json).toMatchObject({ error: 'handshake_rejected', fatal: true });
    await client.expectClosed();
    took.push(tookMs);
  }
  // 0, 0, 250, 500, 1000, 2000 ms at least; a timer may be a millisecond early by this clock.
  for (const [guess, atLeast] of [0, 0, 249, 499, 999, 1999].entries())
    expect(took[guess]).toBeGreaterThanOrEqual(atLeast);
  const other = await attempt(gateway, 'guess', '127.0.0.3');
  expect(other.json).toMatchObject({ error: 'handshake_rejected' });
  expect(other.tookMs).toBeLessThan(1500);
  const told = gateway.logged('HANDSHAKE with wrong or missing credentials');
  expect(told[0]).toMatchObject({ address: '127.0.0.2' });
});

test('who waits for a refusal is not heard meanwhile, and nothing it sent is executed', async () => {
  const backend = await stage.backend();
  const gateway = await stage.gateway({ AUTH_TOKENS: asFile(), BACKEND_URL: backend.url });
  for (let guess = 0; guess < 3; guess += 1) await attempt(gateway, 'guess', '127.0.0.4');
  const client = await gateway.connect({ localAddress: '127.0.0.4' });
  client.sendLines([
    { cmd: 'HANDSHAKE', payload: { major: 1, token: 'guess' } },
    { cmd: 'HANDSHAKE', payload: { major: 1, token: TOKENS.panel } },
    { cmd: 'CONTROL', payload: { url: '/never', method: 'POST' } },
  ]);
  await client.expect({ error: 'handshake_rejected', fatal: true });
  await client.expectClosed();
  expect(backend.requests).toEqual([]);
});

test('hanging up before the refusal does not make the next guess free', { timeout: 60_000 }, async () => {
  const gateway = await stage.gateway({ AUTH_TOKENS: asFile() });
  const impatient = async (): Promise<void> => {
    const client = await gateway.connect({ localAddress: '127.0.0.5' });
    await client.sendRaw('{"cmd":"HANDSHAKE","payload":{"major":1,"token":"guess"}}\n');
    await pass(30);
    client.reset();
    await waitUntil(() => gateway.target.sessions?.() === 0, 'the session is over');
  };
  // Two guesses are free.
  await impatient();
  await impatient();
  const guessed = performance.now();
  await impatient();
  // Whoever did not wait for the refusal must not learn any sooner whether the next guess is right.
  const { json } = await attempt(gateway, TOKENS.panel, '127.0.0.5');
  expect(json).toMatchObject({ type: 'handshake_ack' });
  expect(performance.now() - guessed).toBeGreaterThan(245);
});

/** Every way to write a HANDSHAKE with a secret in it that people and programs come up with. */
const SPELLINGS = (secret: string): string[] => [
  `{"cmd":"HANDSHAKE","payload":{"major":1,"token":${JSON.stringify(secret)}}}`,
  `{ "cmd" : "HANDSHAKE" , "payload" : { "token" : ${JSON.stringify(secret)} , "major" : 1 } }`,
  `{"cmd":"HANDSHAKE","payload":{"major":1,"t\\u006fken":${JSON.stringify(secret)}}}`,
  `{"cmd":"HANDSHAKE","payload":{"major":1,"token":"x","token":${JSON.stringify(secret)}}}`,
  `{"cmd":"HANDSHAKE","payload":{"major":1,"token":[${JSON.stringify(secret)}]}}`,
  `{"cmd":"HANDSHAKE","payload":{"major":"1","token":${JSON.stringify(secret)}}}`,
  `{"cmd":"HANDSHAKE","payload":{"major":9,"token":${JSON.stringify(secret)}}}`,
  `{"cmd":"HELLO","payload":{"major":1,"token":${JSON.stringify(secret)}}}`,
  `{"cmd":"HANDSHAKE","token":${JSON.stringify(secret)},"payload":{"major":1}}`,
  `{"cmd":"HANDSHAKE","payload":{"major":1,"token":${JSON.stringify(secret)}`,
  `{"cmd":"HANDSHAKE","payload":{"major":1,"token":${secret.replace(/[^A-Za-z0-9-]/g, '')}}}`,
];

test('no token, right or wrong, is in any log line or answer, at trace level', async () => {
  const secrets = Object.values(TOKENS);
  const gateway = await stage.gateway({ AUTH_TOKENS: asFile(), LOG_LEVEL: 'trace' });
  const answers: Json[] = [];
  let address = 0;
  const collect = async (client: TestClient): Promise<void> => {
    client.end();
    await client.expectClosed({ discard: true });
    answers.push(...client.lines.map(({ json }) => json));
  };
  for (const secret of [...secrets, 'wrong-guess-token']) {
    for (const line of SPELLINGS(secret)) {
      address += 1;
      const client = await gateway.connect({ localAddress: `127.0.8.${address}` });
      client.send(line);
      await client.next();
      await collect(client);
    }
  }
  const everything = gateway.logText() + JSON.stringify(answers);
  expect(gateway.logged('line').length).toBeGreaterThan(SPELLINGS('').length);
  for (const secret of [...secrets, 'wrong-guess-token']) {
    for (const form of [
      secret,
      JSON.stringify(secret).slice(1, -1),
      JSON.stringify(JSON.stringify(secret)).slice(3, -3),
    ]) {
      expect(everything.includes(form), `${form} was written somewhere`).toBe(false);
    }
  }
});

test('a token file with faults stops the start; the faults name places, never tokens', async () => {
  const file = folder.write('bad', `panel:secret-one\npanel:secret-two\n bad name:secret-three\nx:\ny:sec ret-four\n`);
  const failure = await stage.gateway({ AUTH_TOKENS: file }).catch((error: unknown) => String(error));
  expect(failure).toMatch(/line 2.*line 3.*line 4.*line 5/s);
  expect(failure).not.toMatch(/secret|sec ret/);
  await expect(stage.gateway({ AUTH_TOKENS: folder.write('empty', '# nobody\n') })).rejects.toThrow(
    'names no token at all',
  );
  await expect(stage.gateway({ AUTH_TOKENS: '@/does/not/exist' })).rejects.toThrow('AUTH_TOKENS');
});
