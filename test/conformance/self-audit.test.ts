// The audit that fails an incomplete run is itself tested: it must notice each thing that is taken away.
import { expect, test } from 'vitest';
import { COMMANDS } from '../../protocol/commands.ts';
import { ERRORS } from '../../protocol/errors.ts';
import { EVENTS } from '../../protocol/events.ts';
import { STATES } from '../../protocol/states.ts';
import { unreached, violations } from '../support/audit.ts';
import { checkLine, type WireRecord } from '../support/wire-log.ts';

test('a run that reached everything passes the audit', () => {
  expect(unreached(everything())).toEqual([]);
  expect(violations(everything())).toEqual([]);
});

test('each single thing that was not reached fails the audit by its name', () => {
  const all = everything();
  for (const left of all) {
    const found = unreached(all.filter((entry) => entry !== left));
    expect(found, `without ${JSON.stringify(left)}`).toHaveLength(1);
    for (const word of left.name.split(' ')) {
      if (word !== 'recoverable') expect(found[0]).toContain(word);
    }
  }
});

test('a code reached in the other profile only does not count', () => {
  const swapped = everything().map((entry) =>
    entry.kind === 'code' ? { ...entry, profile: entry.profile === 'strict' ? 'vendor' : 'strict' } : entry,
  );
  expect(unreached(swapped).length).toBeGreaterThanOrEqual(Object.keys(ERRORS).length);
});

test('a line that breaks its schema fails the audit', () => {
  const broken: WireRecord = { kind: 'violation', profile: 'strict', name: 'data /ts must be integer', line: '{}' };
  expect(violations([broken])).toEqual(['a strict server broke a schema: data /ts must be integer: {}']);
});

test.each([
  ['{"type":"stop_ack","target":"monitor"}', undefined],
  ['{"type":"stop_ack","target":"everything"}', /stop_ack\/target/],
  ['{"type":"stop_ack","target":"monitor","error":"stop_failed"}', /stop_ack/],
  ['{"type":"nothing_we_know"}', /no schema/],
  ['{"error":"no_such_code","message":"x"}', /error\/error/],
  ['{"error":"invalid_cmd"}', /message/],
  ['[1]', /not one JSON object/],
  ['', /not one JSON object/],
])('the schemas judge %s', (line, wrong) => {
  const found = checkLine(line);
  if (wrong === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(wrong);
});

function everything(): WireRecord[] {
  const events = Object.keys(EVENTS).map((name): WireRecord => ({ kind: 'event', profile: 'strict', name }));
  const codes = Object.entries(ERRORS).flatMap(([code, row]): WireRecord[] => {
    const profile = row.profile === 'vendor' ? 'vendor' : 'strict';
    const names = [code];
    if (row.fatal !== 'never') names.push(`${code} fatal`);
    if (row.fatal !== 'always') names.push(`${code} recoverable`);
    return names.map((name) => ({ kind: 'code', profile, name }));
  });
  const cells = STATES.flatMap((state) =>
    COMMANDS.map((command): WireRecord => ({ kind: 'cell', profile: 'strict', name: `${state} ${command}` })),
  );
  return [...events, ...codes, ...cells];
}
