// Valid lines of the protocol, as the soil on which mutations grow.
import type { Random } from '../support/random.ts';

const HANDSHAKES: readonly string[] = [
  '{"cmd":"HANDSHAKE","payload":{"major":1}}',
  '{"cmd":"HANDSHAKE","payload":{"major":1.0,"minor":0,"id":"h"}}',
  '{"cmd":"HANDSHAKE","payload":{"major":1,"will":{"url":"/will","method":"POST","args":{"a":1},"body":{"x":1.0}}}}',
];

const COMMANDS: readonly string[] = [
  ...HANDSHAKES,
  '{"cmd":"MONITOR","payload":{"url":"/m","method":"GET","period_ms":2}}',
  '{"cmd":"MONITOR","payload":{"url":"/m?x=1","method":"GET","period_ms":10,"args":{"a":[1,2],"b":null},"id":7}}',
  '{"cmd":"MONITOR","payload":{"stop":true}}',
  '{"cmd":"CONTROL","payload":{"url":"/c","method":"POST"}}',
  '{"cmd":"CONTROL","payload":{"url":"/c/d","method":"PUT","body":{"v":[1.0,-0.0,1e3]},"id":"a","ack":true}}',
  '{"cmd":"CONTROL","payload":{"url":"/tasks[0]/reset","method":"DELETE","args":{"q":"x y","n":{"deep":[1, 2]}},"ack":true}}',
  '{ "payload" : { "method" : "POST" , "url" : "/\\u0063" , "body" : [ ] } , "cmd" : "CONTROL" }',
  '{"cmd":"STOP","payload":{"target":"monitor"}}',
  '{"cmd":"STOP","payload":{"target":"control","id":1}}',
  '{"cmd":"STOP","payload":{"target":"session"}}',
  '{"cmd":"NOPE","payload":{"id":3}}',
  '{"cmd":"STOP"}',
  '',
];

export const commandLine = (random: Random): string => random.pick(COMMANDS);

/** A conversation that is valid from its first line to its last. */
export function conversation(random: Random): string {
  const lines = [random.pick(HANDSHAKES)];
  for (let left = random.below(10); left > 0; left--) lines.push(commandLine(random));
  return lines.map((line) => line + random.pick(['\n', '\n', '\n', '\r\n'])).join('');
}
