// Black box, one backend per system: what it answers, and the explained line a client reads over TCP.
import { expect } from 'vitest';
import { acked, control, monitor } from '../faults/support/commands.ts';
import type { Handler } from '../support/backend.ts';
import { check } from '../support/check.ts';
import { ask } from './support.ts';

interface System {
  readonly catalog: string;
  readonly status: number;
  readonly body: unknown;
  readonly cause: object;
}

const recording = (uint32_result: number) => ({
  reqhead: { uint32_sub_cmd: 5, uint32_result: 0 },
  rspbody: { rsp_0x5: { uint32_result, str_errorinfo: 'x' } },
});

const SYSTEMS: readonly System[] = [
  {
    catalog: 'open-stream',
    status: 503,
    body: { error: 'control_busy', message: 'busy' },
    cause: { code: 'control_busy', name: 'Control unavailable state', group: 'CONTROL Errors', retryable: true },
  },
  {
    catalog: 'multiscreen-srt',
    status: 404,
    body: { success: false, error_code: 143, error_message: 'x', description: 'x', category: 'stream_management' },
    cause: {
      code: 143,
      name: 'Stream group not found in Docker',
      group: 'Stream Configuration Errors',
      retryable: false,
    },
  },
  {
    catalog: 'srt-reject',
    status: 502,
    body: 'bridge: connection rejected, reject reason: Peer rejected connection',
    cause: { code: 2, name: 'SRT_REJ_PEER', group: 'internal', retryable: false },
  },
  {
    catalog: 'makapix',
    status: 404,
    body: { detail: "Playset 'fireworks' not found" },
    cause: {
      code: 404,
      name: "Playset 'name' not found",
      group: 'Player Errors',
      retryable: false,
      args: ['fireworks'],
    },
  },
  {
    catalog: 'tencent-ilvb',
    status: 200,
    body: recording(30000404),
    cause: {
      code: 30000404,
      name: 'Timeout while querying room stream-control server',
      group: 'Recording Error Codes',
      retryable: true,
    },
  },
];

function answering(status: number, body: unknown): Handler {
  return (_request, reply) => (typeof body === 'string' ? reply.text(body, status) : reply.json(body, status));
}

for (const { catalog, status, body, cause } of SYSTEMS) {
  const hint = ask(catalog, status, body)?.hint;
  const expected = { status, body, hint, cause: { catalog, ...cause } };

  check(`catalogs.${catalog}-control`, `a CONTROL refused as ${catalog} does it is explained`, async ({ pair }) => {
    const { gateway, backend } = await pair(answering(status, body), { ERROR_CATALOGS: catalog });
    const client = await gateway.ready();
    client.send(control('/do', { id: 7 }));
    await client.expect({ type: 'control_err', error: 'control_err', id: 7, ...expected });
    // Explained, not repeated: a machine may have moved.
    await client.fence();
    expect(backend.of('POST')).toHaveLength(1);
  });

  check(`catalogs.${catalog}-monitor`, `a poll that fails as ${catalog} does it is explained`, async ({ pair }) => {
    const { gateway } = await pair(answering(status, body), { ERROR_CATALOGS: catalog });
    const client = await gateway.ready();
    client.send(monitor('/state', 1000));
    await client.expect('monitor_ack');
    await client.expect({ error: 'monitor_internal_error', failures: 1, ...expected });
  });

  check(`catalogs.${catalog}-off`, `without ERROR_CATALOGS nothing of ${catalog} is explained`, async ({ pair }) => {
    const { gateway } = await pair(answering(status, body));
    const client = await gateway.ready();
    client.send(acked('/do'));
    const { cause: none, type } = await client.next();
    expect([none, type]).toEqual([undefined, status === 200 ? 'control_ack' : 'control_err']);
  });

  check(`catalogs.${catalog}-vendor`, `the vendor line of a refusal by ${catalog} stays as it is`, async ({ pair }) => {
    const env = { ERROR_CATALOGS: catalog, PROTOCOL_PROFILE: 'vendor' };
    const { gateway } = await pair(answering(status, body), env);
    const client = await gateway.ready();
    client.send(control('/do'));
    expect(await client.next()).toEqual({ type: 'control_err', status, body });
  });
}

check('catalogs.success-200', 'an answer 200 that reports success stays a success', async ({ pair }) => {
  const { gateway } = await pair(answering(200, recording(0)), { ERROR_CATALOGS: 'tencent-ilvb' });
  const client = await gateway.ready();
  client.send(acked('/do'));
  await client.expect({ type: 'control_ack', status: 200, result: recording(0) });
  client.send(monitor('/state', 1000));
  await client.expect('monitor_ack');
  await client.expect({ type: 'data', result: recording(0) });
});

check('catalogs.ambiguous', 'a number with two meanings names both and is not retryable', async ({ pair }) => {
  const { gateway } = await pair(answering(200, { errCode: 1001, errMsg: 'x' }), { ERROR_CATALOGS: 'tencent-ilvb' });
  const client = await gateway.ready();
  client.send(control('/do'));
  const candidates = [
    { name: 'AV_ERR_REPEATED_OPERATION', group: 'AVSDK Client Error Codes' },
    { name: 'Permission error', group: 'Non-interactive Broadcasting Error Codes' },
  ];
  await client.expect({
    type: 'control_err',
    cause: { code: 1001, name: null, ambiguous: true, candidates, retryable: false },
  });
});

check('catalogs.unknown', 'what no catalog knows leaves the line as it was', async ({ pair }) => {
  const all = SYSTEMS.map(({ catalog }) => catalog).join(',');
  const { gateway } = await pair(answering(403, { _type: 'JObject', err_code: -12 }), { ERROR_CATALOGS: all });
  const client = await gateway.ready();
  client.send(control('/do'));
  await client.expect({ type: 'control_err', status: 403, cause: undefined });
});

check('catalogs.back-off', 'a documented wait holds a monitor up, and the first success ends it', async ({ pair }) => {
  const refused = { detail: 'Rate limit exceeded for player (300 commands/minute)' };
  const { backend, gateway } = await pair(
    (request, reply) => (request.index === 0 ? reply.json(refused, 429) : reply.json('1')),
    { ERROR_CATALOGS: 'makapix' },
  );
  const client = await gateway.ready();
  client.send(monitor('/state', 50));
  await client.expect('monitor_ack');
  await client.expect({ error: 'monitor_internal_error', cause: { code: 429, retryable: true, retry_after_ms: 2000 } });
  await client.expect({ type: 'data', result: 1 });
  await client.expect({ type: 'data', result: 1 });
  await backend.waitFor(3);
  const [first, second] = backend.requests;
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(1900);
});

check('catalogs.retry-after', 'Retry-After goes before the documented wait', async ({ pair }) => {
  const { gateway } = await pair((_request, reply) => reply.json({ detail: 'x' }, 429, { 'retry-after': '7' }), {
    ERROR_CATALOGS: 'makapix',
  });
  const client = await gateway.ready();
  client.send(control('/do'));
  await client.expect({ type: 'control_err', cause: { name: 'Too Many Requests', retry_after_ms: 7000 } });
});
