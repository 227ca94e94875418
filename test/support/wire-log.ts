// What every server said to every test client, checked against schemas/ and summed up for the self-audit of the run.
import { appendFileSync, createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import ndjson from 'ndjson';
import type { Json } from './match.ts';

/** Set by the global setup: the folder where each worker keeps its file. Absent: nothing is written. */
export const WIRE_DIR_VARIABLE = 'OPEN_STREAM_WIRE_DIR';

/** One thing reached for the first time by a worker, or one line that broke its schema. */
export type WireRecord =
  | { readonly kind: 'event' | 'code' | 'cell'; readonly profile: string; readonly name: string }
  | { readonly kind: 'violation'; readonly profile: string; readonly name: string; readonly line: string };

export interface LineObserver {
  sent(bytes: Uint8Array): void;
  received(text: string): void;
}

const EVENT_SCHEMAS = new URL('../../schemas/events/', import.meta.url);
const COMMANDS = new Set(['HANDSHAKE', 'MONITOR', 'CONTROL', 'STOP']);
const SHOWN = 2000;

let validators: Map<string, ValidateFunction> | undefined;
const seen = new Set<string>();
const violations: string[] = [];

/** Violations of schemas/ seen by this worker since the last call, each as one readable sentence. */
export function takeViolations(): string[] {
  return violations.splice(0);
}

/** Watches one connection. Never throws and never disturbs a test: what it finds goes to the records. */
export function observeConnection(profile: string): LineObserver {
  const talk = new Talk();
  return {
    sent(bytes) {
      for (const cell of talk.sent(bytes)) record({ kind: 'cell', profile, name: cell });
    },
    received(text) {
      const wrong = checkLine(text);
      if (wrong !== undefined) {
        violations.push(`${wrong}: ${text.slice(0, SHOWN)}`);
        record({ kind: 'violation', profile, name: wrong, line: text.slice(0, SHOWN) });
      }
      const line = parsed(text);
      if (line === undefined) return;
      talk.received(line);
      if (typeof line['type'] === 'string') record({ kind: 'event', profile, name: line['type'] });
      if (typeof line['error'] === 'string') {
        if (line['type'] === undefined) record({ kind: 'event', profile, name: 'error' });
        record({ kind: 'code', profile, name: line['error'] });
        const weight = line['fatal'] === true ? 'fatal' : 'recoverable';
        record({ kind: 'code', profile, name: `${line['error']} ${weight}` });
      }
    },
  };
}

/** undefined when the line is valid, otherwise what is wrong with it. */
export function checkLine(text: string): string | undefined {
  const line = parsed(text);
  if (line === undefined) return 'not one JSON object';
  const name = typeof line['type'] === 'string' ? line['type'] : 'error';
  const validate = eventValidators().get(name);
  if (validate === undefined) return `no schema for an event of type ${name}`;
  if (validate(line)) return undefined;
  const first = validate.errors?.[0];
  return `${name}${first?.instancePath ?? ''} ${first?.message ?? 'is invalid'} ${JSON.stringify(first?.params ?? {})}`;
}

/** Reads what all workers wrote. */
export async function readRecords(folder: string): Promise<WireRecord[]> {
  const records: WireRecord[] = [];
  for (const file of readdirSync(folder))
    for await (const record of createReadStream(join(folder, file)).pipe(ndjson.parse())) records.push(record);
  return records;
}

function eventValidators(): Map<string, ValidateFunction> {
  if (validators) return validators;
  const ajv = new Ajv({ strict: true, strictRequired: false, strictTypes: false });
  validators = new Map();
  for (const file of readdirSync(EVENT_SCHEMAS)) {
    const name = /^(.+)\.schema\.json$/.exec(file)?.[1];
    if (name === undefined) continue;
    const schema = JSON.parse(readFileSync(new URL(file, EVENT_SCHEMAS), 'utf8')) as object;
    validators.set(name, ajv.compile(schema));
  }
  return validators;
}

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

function record(entry: WireRecord): void {
  const folder = process.env[WIRE_DIR_VARIABLE];
  const key = `${entry.kind} ${entry.profile} ${entry.name}`;
  if (folder === undefined || seen.has(key)) return;
  seen.add(key);
  appendFileSync(join(folder, `${process.pid}.ndjson`), `${JSON.stringify(entry)}\n`);
}

/**
 * Which cells of state × command a conversation reaches, told from the outside and so on the careful side:
 * CONNECTED while no HANDSHAKE was sent yet, READY after an acknowledgement, CLOSING after STOP session.
 */
class Talk {
  #rest = '';
  #handshakeSent = false;
  #acknowledged = false;
  #stopSent = false;

  sent(bytes: Uint8Array): string[] {
    const text = this.#rest + Buffer.from(bytes).toString('latin1');
    const lines = text.split('\n');
    const rest = lines.pop() ?? '';
    this.#rest = rest.length > 4096 ? '' : rest;
    return lines.flatMap((line) => this.#command(line));
  }

  received(line: Json): void {
    if (line['type'] === 'handshake_ack') this.#acknowledged = true;
  }

  #command(text: string): string[] {
    const line = text.length < 4096 ? parsed(text) : undefined;
    const cmd = line?.['cmd'];
    const payload = line?.['payload'];
    if (typeof cmd !== 'string' || !COMMANDS.has(cmd) || typeof payload !== 'object' || payload === null) return [];
    const state = this.#state();
    if (cmd === 'HANDSHAKE') this.#handshakeSent = true;
    if (cmd === 'STOP' && this.#acknowledged && (payload as Json)['target'] === 'session') this.#stopSent = true;
    return state === undefined ? [] : [`${state} ${cmd}`];
  }

  #state(): string | undefined {
    if (this.#stopSent) return 'CLOSING';
    if (this.#acknowledged) return 'READY';
    return this.#handshakeSent ? undefined : 'CONNECTED';
  }
}
