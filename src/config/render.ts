// The table of settings in the forms people and tools read: --help, .env.example, the README table, the JSON Schema.
import { SECTIONS } from './setting.ts';
import { SETTINGS } from './settings.ts';

type Row = (typeof SETTINGS)[number];

const WIDTH = 118;

function rowsBySection(): { readonly section: string; readonly rows: readonly Row[] }[] {
  return SECTIONS.map((section) => ({ section, rows: SETTINGS.filter((setting) => setting.section === section) }));
}

function plain(text: string): string {
  return text.replaceAll('`', '');
}

/** What holds when the variable is unset. */
function defaultText({ fallback, unset }: Row): string {
  return fallback === '' ? `unset = ${unset}` : fallback;
}

function kindText({ spec }: Row): string {
  return spec.unit === undefined ? spec.type : `${spec.type} (${spec.unit})`;
}

function wrapped(text: string, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH && line !== indent) {
      lines.push(line);
      line = indent;
    }
    line = line === indent ? `${indent}${word}` : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

/** The configuration part of `--help`. */
export function renderSettingsHelp(): string {
  return rowsBySection()
    .map(({ section, rows }) => [`${section}:`, ...rows.map(helpEntry)].join('\n'))
    .join('\n\n');
}

function helpEntry(row: Row): string {
  const detail = `${row.sentence} ${capitalised(kindText(row))}, ${row.spec.allowed}.`;
  return `  ${row.name}  [${plain(defaultText(row))}]\n${wrapped(plain(detail), '      ')}`;
}

function capitalised(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}

/** `.env.example`: every setting, commented out with its default, so that a copy of the file changes nothing. */
export function renderEnvExample(): string {
  const head = [
    '# Settings of the gateway. Copy this file to .env in the working directory; take the # off what you change.',
    '# The real environment wins over .env. An empty value is the same as an unset one.',
    '# Put values that contain # or quotation marks into single quotes.',
    '# Generated from src/config/settings.ts by: npx tsx src/config/generate.ts',
  ];
  const sections = rowsBySection().flatMap(({ section, rows }) => [
    '',
    `# ---- ${section} ----`,
    ...rows.map(envEntry),
  ]);
  return `${[...head, ...sections].join('\n')}\n`;
}

function envEntry(row: Row): string {
  const facts = `${capitalised(kindText(row))}: ${row.spec.allowed}. Default: ${defaultText(row)}.`;
  return `\n${wrapped(plain(row.sentence), '# ')}\n${wrapped(plain(facts), '# ')}\n#${row.name}=${row.fallback}`;
}

/** Markdown for the README: one table, in the order of the sections. */
export function renderSettingsTable(): string {
  const lines = ['| Variable | Default | Allowed | What it does, and when to change it |', '|---|---|---|---|'];
  for (const { section, rows } of rowsBySection()) {
    lines.push(`| **${section}** | | | |`, ...rows.map(tableRow));
  }
  return `${lines.join('\n')}\n`;
}

function tableRow(row: Row): string {
  const fallback = row.fallback === '' ? `unset: ${row.unset}` : `\`${row.fallback}\``;
  const cells = [`\`${row.name}\``, fallback, `${kindText(row)}: ${row.spec.allowed}`, row.sentence];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** Shape of the effective configuration as `--check-config` prints its values; draft-07, every member optional. */
export function renderConfigSchema(): string {
  const properties = Object.fromEntries(SETTINGS.map((setting) => [setting.name, propertySchema(setting)]));
  const schema = {
    $comment: 'Generated from src/config/settings.ts; held together with it and with .env.example by a test.',
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'urn:open-stream:config',
    title: 'Configuration of the gateway',
    description: 'Settings by the names of their environment variables, with the values they have after reading.',
    type: 'object',
    additionalProperties: false,
    properties,
    dependencies: { TLS_CERT: ['TLS_KEY'], TLS_KEY: ['TLS_CERT'], TLS_CLIENT_CA: ['TLS_CERT', 'TLS_KEY'] },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function propertySchema(row: Row): Record<string, unknown> {
  const description = plain(`${row.sentence} ${capitalised(kindText(row))}: ${row.spec.allowed}.`);
  const read = row.fallback === '' ? undefined : row.spec.read(row.fallback);
  return {
    description,
    ...row.spec.schema,
    ...(read?.ok === true ? { default: row.spec.print(read.value) } : {}),
  };
}
