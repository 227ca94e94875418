// The people of the soak: each opens a session, does what it does for a moment, and leaves in its own way.
import type { TestClient } from '../../support/client.ts';
import { acked, control, handshake, monitor, stop } from './commands.ts';
import { pass } from './wait.ts';

/** A number from 0 to below `n`; seeded. */
export type Dice = (n: number) => number;

type Actor = (client: TestClient, dice: Dice) => Promise<void>;

async function leave(client: TestClient, dice: Dice): Promise<void> {
  switch (dice(6)) {
    case 0:
      client.send(stop('session'));
      await client.until((line) => line['target'] === 'session' || line['error'] === 'stop_failed');
      return client.expectClosed({ discard: true });
    case 1:
      return client.reset();
    case 2:
      return client.destroy();
    case 3:
      for (let i = 0; i < 32; i += 1) client.send('{"broken');
      return client.expectClosed({ discard: true });
    case 4:
      client.send(stop('monitor'));
      client.send(stop('control'));
      client.end();
      return client.expectClosed({ discard: true });
    default:
      client.sendRaw('{"cmd":"CONTROL","payl');
      return client.end();
  }
}

const watcher: Actor = async (client, dice) => {
  await client.handshake(dice(2) === 0 ? {} : { will: { method: 'POST', url: '/will', body: {} } });
  client.send(monitor(`/resource/${dice(5)}`, 5 + dice(50), { id: dice(100) }));
  await client.until('monitor_ack');
  await pass(200 + dice(600));
  await leave(client, dice);
};

const commander: Actor = async (client, dice) => {
  await client.handshake();
  for (let i = 0; i < 40; i += 1) {
    const path = `/move/${i}`;
    client.send(dice(3) === 0 ? control(path, { id: -1, body: { point: [1.5, i] } }) : acked(path, { id: i }));
    if (dice(4) === 0) await pass(dice(20));
  }
  client.send(acked('/last', { id: 'last' }));
  await client.until((line) => line['id'] === 'last');
  await leave(client, dice);
};

const operator: Actor = async (client, dice) => {
  await client.handshake();
  for (let i = 0; i < 4; i += 1) {
    client.send(monitor(`/resource/${dice(5)}`, 10));
    await client.until('monitor_ack');
    for (let n = 0; n < 5; n += 1) client.send(control('/move', { id: n }));
    await pass(dice(150));
    client.sendLines([stop('control', { id: 'c' }), stop('monitor', { id: 'm' })]);
    await client.until({ id: 'm' });
    client.sendLines([handshake({ id: 'h' }), 'nonsense', '', '{"cmd":1}']);
    await client.until({ id: 'h' });
  }
  await leave(client, dice);
};

const sleeper: Actor = async (client, dice) => {
  await client.handshake();
  client.pause();
  client.send(monitor('/big', 5));
  for (let i = 0; i < 20; i += 1) client.send(acked('/big', { id: i }));
  await pass(400 + dice(800));
  if (dice(2) === 0) client.resume();
  await pass(dice(300));
  if (dice(2) === 0) client.reset();
  else client.destroy();
};

const vandal: Actor = async (client, dice) => {
  const bytes = [
    'GET / HTTP/1.1\r\nhost: x\r\n\r\n',
    '\u0016\u0003\u0001',
    `{${'x'.repeat(200_000)}`,
    '{"a":1}\n'.repeat(40),
    '\ufeff[\n',
  ];
  client.sendRaw(bytes[dice(bytes.length)]!);
  await pass(dice(100));
  client.reset();
};

export const ACTORS: readonly Actor[] = [watcher, watcher, commander, operator, sleeper, vandal];
