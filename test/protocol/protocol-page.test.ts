// PROTOCOL.md against the typed tables, in both directions: nothing undocumented, nothing documented that does not exist.
import { describe, expect, test } from 'vitest';
import { CLOSE_REASONS } from '../../protocol/close-reasons.ts';
import { COMMANDS, CONTROL_METHODS, FIELD_ORDER, MONITOR_METHODS, STOP_TARGETS } from '../../protocol/commands.ts';
import { ERRORS } from '../../protocol/errors.ts';
import { EVENTS } from '../../protocol/events.ts';
import { ID_MAX_CODE_POINTS, PERIOD_MAX_MS, PERIOD_MIN_MS, URL_MAX_BYTES } from '../../protocol/limits.ts';
import { PROFILE_CODES, PROFILES } from '../../protocol/profiles.ts';
import { GATES, STATES } from '../../protocol/states.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import { clause, quoted, read, table } from './pages.ts';

const page = read('protocol/PROTOCOL.md');
const commandTable = table(clause(page, 'OS-2.1'), 'Command', 'Field');

describe('[OS-2.1] the table of commands', () => {
  test('has every command and every field in the order of the checks', () => {
    const found: Record<string, string[]> = {};
    let command = '';
    for (const [name, field] of commandTable) {
      if (name) command = name;
      found[command] = [...(found[command] ?? []), ...quoted(field!)];
    }
    expect(found).toEqual(FIELD_ORDER);
    expect(Object.keys(found)).toEqual([...COMMANDS]);
  });

  test('names the allowed values', () => {
    const value = (command: string, field: string): string => {
      const at = commandTable.findIndex(([name]) => name === command);
      return commandTable.slice(at).find(([, name]) => name === `\`${field}\``)![4]!;
    };
    expect(quoted(value('MONITOR', 'method'))).toEqual([...MONITOR_METHODS]);
    expect(quoted(value('CONTROL', 'method'))).toEqual([...CONTROL_METHODS]);
    expect(quoted(value('STOP', 'target'))).toEqual([...STOP_TARGETS]);
    expect(value('MONITOR', 'period_ms')).toContain(`${PERIOD_MIN_MS} to ${PERIOD_MAX_MS}`);
    expect(clause(page, 'OS-2.7')).toContain(`at most ${URL_MAX_BYTES} bytes`);
    expect(clause(page, 'OS-6.1')).toContain(`at most ${ID_MAX_CODE_POINTS} Unicode code points`);
  });

  test('announces the version of this server', () => {
    expect(clause(page, 'OS-2.1')).toContain(`{"type":"handshake_ack","ok":true,"version":"${PROTOCOL_VERSION}"}`);
  });
});

test('[OS-2.2] the table of events has each event with its clause', () => {
  const rows = table(clause(page, 'OS-2.2'), 'Event', 'When', 'Clause');
  const found = Object.fromEntries(rows.map(([name, , where]) => [quoted(name!)[0], where!.slice(1, -1)]));
  expect(found).toEqual(Object.fromEntries(Object.entries(EVENTS).map(([name, row]) => [name, row.clause])));
});

describe('[OS-3.1] the state diagram', () => {
  const diagram = /```mermaid\nstateDiagram-v2\n([\s\S]*?)```/.exec(clause(page, 'OS-3.1'))?.[1] ?? '';
  const edges = diagram
    .split('\n')
    .map((line) => /^ {4}(\S+) --> (\S+?)(?:: (.+))?$/.exec(line))
    .filter((edge) => edge !== null)
    .map(([, from, to, label]) => ({ from: from!, to: to!, label: label ?? '' }));

  test('has one edge for each cell of state × command, labelled as the table says, and no other such edge', () => {
    const labelled = edges
      .filter(({ label }) => label.includes(' / '))
      .map(({ from, label }) => `${from}: ${label}`)
      .sort();
    const expected = STATES.flatMap((state) =>
      COMMANDS.map((command) => `${state}: ${command} / ${GATES[state][command]}`),
    ).sort();
    expect(labelled).toEqual(expected);
  });

  test('changes the state by a HANDSHAKE only, and keeps it wherever a command is refused or ignored', () => {
    for (const { from, to, label } of edges) {
      if (!label.includes(' / ')) continue;
      const moves = from === 'CONNECTED' && label === 'HANDSHAKE / admit';
      expect({ from, label, to }).toEqual({ from, label, to: moves ? 'READY' : from });
    }
  });

  test('leads from its beginning through every state to its end', () => {
    const reached = new Set(['[*]']);
    for (let size = 0; size !== reached.size; ) {
      size = reached.size;
      for (const { from, to } of edges) if (reached.has(from)) reached.add(to);
    }
    expect([...reached].sort()).toEqual(['[*]', ...STATES].sort());
    expect(edges).toContainEqual({ from: 'CLOSING', to: '[*]', label: '' });
  });
});

describe('[OS-4] the table of profiles', () => {
  const rows = table(clause(page, 'OS-4'), 'Case', 'Row', '`strict`', '`vendor`');

  test('has a row for each case', () => {
    expect(rows.map(([, row]) => quoted(row!)[0])).toEqual(Object.keys(PROFILE_CODES));
  });

  test.each(Object.entries(PROFILE_CODES))('%s', (name, codes) => {
    const row = rows.find(([, cell]) => cell === `\`${name}\``)!;
    PROFILES.forEach((profile, index) => {
      const answer = codes[profile];
      const cell = row[2 + index]!;
      if (answer !== null) expect(cell).toBe(`\`${answer}\``);
      else expect(quoted(cell).filter((word) => word in ERRORS)).toEqual([]);
    });
  });
});

describe('[OS-5] the table of codes', () => {
  const rows = table(clause(page, 'OS-5'), 'Group', 'Codes', 'Fatal');
  const found = rows.flatMap(([group, codes, fatal]) => quoted(codes!).map((code) => ({ code, group, fatal })));

  test('has each code once, with its group and whether it is fatal', () => {
    const expected = Object.entries(ERRORS).map(([code, row]) => ({ code, group: row.group, fatal: row.fatal }));
    const byCode = (a: { code: string }, b: { code: string }) => a.code.localeCompare(b.code);
    expect(found.sort(byCode)).toEqual(expected.sort(byCode));
  });

  test('keeps the codes of the vendor profile in its last row', () => {
    const last = quoted(rows.at(-1)![1]!).sort();
    const vendor = Object.entries(ERRORS).filter(([, row]) => row.profile === 'vendor');
    expect(last).toEqual(vendor.map(([code]) => code).sort());
  });

  test('lists every reason for which a session ends', () => {
    const reasons = table(clause(page, 'OS-5'), 'Close reason', 'When').map(([reason]) => quoted(reason!)[0]);
    expect(reasons).toEqual(Object.keys(CLOSE_REASONS));
  });
});

test('no word in backticks that looks like a code or event of this protocol is unknown', () => {
  const known = new Set<string>([
    ...Object.keys(ERRORS),
    ...Object.keys(EVENTS),
    ...Object.keys(CLOSE_REASONS),
    ...Object.values(FIELD_ORDER).flat(),
    ...['svc_dur_ms', 'not_sent', 'retry_after_ms', 'max_attempts'],
  ]);
  const words = quoted(page).filter((word) => /^[a-z]+(_[a-z]+)+$/.test(word));
  expect(words.filter((word) => !known.has(word))).toEqual([]);
  expect(words.length).toBeGreaterThan(100);
});

describe('[OS-7] the settings', () => {
  const rows = table(clause(page, 'OS-7'), 'Setting', 'Default', 'Meaning');
  const documented = new Map(rows.map(([name, value]) => [quoted(name!)[0]!, value!.replace(/`/g, '')]));
  const example = read('.env.example');

  test.each([...documented])('%s is %s in .env.example too', (name, value) => {
    const line = new RegExp(`^#?${name}=(.*)$`, 'm').exec(example);
    expect(line?.[1]).toBe(value === 'none' ? '' : value);
  });

  test('every setting that the text names is in the table, and every one of the table is named in the text', () => {
    const text = page.slice(0, page.indexOf('## [OS-7]'));
    const named = new Set(quoted(text).filter((word) => /^[A-Z]+(_[A-Z]+)*$/.test(word)));
    const words = new Set<string>([...COMMANDS, ...CONTROL_METHODS, ...MONITOR_METHODS]);
    expect([...named].filter((word) => !words.has(word) && !documented.has(word))).toEqual([]);
    // These three are about the server rather than the conversation, so no clause needs to name them.
    const aside = ['HOST', 'BACKEND_URL', 'LOG_LEVEL'];
    expect([...documented.keys()].filter((name) => !named.has(name)).sort()).toEqual(aside.sort());
  });
});
