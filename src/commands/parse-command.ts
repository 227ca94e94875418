// One JSON object → one command, or the first reason why it is none, in the contract's order of checks [OS-2.3].
import type { CommandName, ControlMethod, StopTarget } from '../../protocol/commands.ts';
import { ID_MAX_CODE_POINTS, PERIOD_MAX_MS, PERIOD_MIN_MS } from '../../protocol/limits.ts';
import { PROFILE_CODES, type Profile } from '../../protocol/profiles.ts';
import type { DecodedLine } from '../framing/decode-line.ts';
import { rawMembers } from '../framing/raw-members.ts';
import type { Command, Envelope, Relay } from './command.ts';
import { isIntegralText, truthful } from './integers.ts';
import type { Refusal } from './refusal.ts';
import { encodeArgs, requestTarget, urlFault } from './url.ts';
import { type Complaint, checkEnvelope, checkPayload, show, valueOrder } from './validators.ts';

type Fields = Record<string, unknown>;
type RawFields = ReadonlyMap<string, string>;

/** Checks `cmd` and `payload`; the payload's fields are left to `Envelope.parse`, behind the session's gate. */
export function parseEnvelope(line: DecodedLine, profile: Profile): Envelope | Refusal {
  const complaint = checkEnvelope(line.value);
  const payload = line.value['payload'];
  const sound = typeof payload === 'object' && payload !== null && !Array.isArray(payload);
  const known = complaint === undefined || complaint.code === 'invalid_cmd';
  const raw = sound && known ? rawPayload(line.text) : NO_FIELDS;
  const id = rawId(raw);
  if (complaint) return refusal(complaint, id);
  const name = line.value['cmd'] as CommandName;
  const fields = payload as Fields;
  return {
    name,
    ...(id === undefined ? {} : { id }),
    parse: () => parsePayload(name, fields, raw, id, line.bytes, profile),
  };
}

const NO_FIELDS: RawFields = new Map();

function rawPayload(text: string): RawFields {
  const payload = rawMembers(text).get('payload');
  return payload === undefined ? NO_FIELDS : rawMembers(payload);
}

/** The command's id as it was written, when it is one [OS-6.1]. */
function rawId(raw: RawFields): string | undefined {
  const text = raw.get('id');
  if (text === undefined) return undefined;
  if (text.charCodeAt(0) === 0x22)
    return [...(JSON.parse(text) as string)].length <= ID_MAX_CODE_POINTS ? text : undefined;
  return isIntegralText(text) ? text : undefined;
}

const refusal = (complaint: Complaint, id: string | undefined): Refusal => ({
  code: complaint.code,
  message: complaint.message,
  ...(id === undefined ? {} : { id }),
});

function parsePayload(
  name: CommandName,
  fields: Fields,
  raw: RawFields,
  id: string | undefined,
  lineBytes: number,
  profile: Profile,
): Command | Refusal {
  if (name === 'MONITOR' && profile === 'vendor' && fields['stop'] === true)
    return parsePayload('STOP', { ...fields, target: 'monitor' }, raw, id, lineBytes, profile);
  for (const key of NUMBERS) {
    const value = fields[key];
    if (typeof value === 'number') fields[key] = truthful(value, raw.get(key) ?? '0');
  }
  const complaints = new Complaints(checkPayload(name, fields, profile));
  const identity = id === undefined ? {} : { id };
  let command: Command;
  switch (name) {
    case 'HANDSHAKE': {
      const will = fields['will'];
      const rawWill = raw.get('will');
      const relay =
        rawWill !== undefined && typeof will === 'object' && will !== null
          ? relayOf(name, will as Fields, rawMembers(rawWill), complaints, profile, 'will')
          : undefined;
      command = {
        name,
        ...identity,
        major: fields['major'] as number,
        token: fields['token'],
        ...(relay === undefined ? {} : { will: relay }),
      };
      break;
    }
    case 'MONITOR': {
      // What is no number has been complained about already.
      const asked = typeof fields['period_ms'] === 'number' ? fields['period_ms'] : PERIOD_MAX_MS;
      const periodMs = Math.min(PERIOD_MAX_MS, Math.max(PERIOD_MIN_MS, asked));
      const path = pathOf(name, fields, raw, complaints, profile);
      command = { name, ...identity, path, periodMs, clamped: periodMs !== asked };
      break;
    }
    case 'CONTROL':
      command = {
        name,
        ...identity,
        relay: relayOf(name, fields, raw, complaints, profile),
        ack: fields['ack'] === true,
        lineBytes,
      };
      break;
    case 'STOP':
      command = { name, ...identity, target: fields['target'] as StopTarget };
      break;
  }
  return complaints.first ? refusal(complaints.first, id) : command;
}

const NUMBERS = ['major', 'period_ms', 'id'] as const;

/** Keeps the complaint that comes first in the order of checks, whoever found it. */
class Complaints {
  first: Complaint | undefined;

  constructor(found: Complaint | undefined) {
    this.first = found;
  }

  add(complaint: Complaint): void {
    if (this.first === undefined || complaint.order < this.first.order) this.first = complaint;
  }
}

function relayOf(
  name: CommandName,
  fields: Fields,
  raw: RawFields,
  complaints: Complaints,
  profile: Profile,
  parent?: string,
): Relay {
  const path = pathOf(name, fields, raw, complaints, profile, parent);
  const body = raw.get('body');
  return { method: fields['method'] as ControlMethod, path, ...(body === undefined ? {} : { body }) };
}

/** The request target of `url` and `args`; what is wrong with either becomes a complaint. */
function pathOf(
  name: CommandName,
  fields: Fields,
  raw: RawFields,
  complaints: Complaints,
  profile: Profile,
  parent?: string,
): string {
  const where = parent === undefined ? 'payload.' : `payload.${parent}.`;
  const order = (field: string): number =>
    parent === undefined ? valueOrder(name, field) : valueOrder(name, parent, field);
  const url = fields['url'];
  if (typeof url !== 'string') return '';
  const fault = urlFault(url);
  if (fault) {
    const code = fault.tooLong ? PROFILE_CODES.urlTooLong[profile] : 'invalid_url';
    complaints.add({ code, order: order('url'), message: `${where}url ${fault.message}` });
    return '';
  }
  const args = fields['args'];
  const rawArgs = raw.get('args');
  if (rawArgs === undefined || typeof args !== 'object' || args === null || Array.isArray(args))
    return requestTarget(url, '');
  const encoded = encodeArgs(rawArgs);
  if ('tooLong' in encoded) {
    const message = `${where}args makes a query of more than ${encoded.tooLong} bytes`;
    complaints.add({ code: 'invalid_value', order: order('args'), message });
    return '';
  }
  if ('unencodable' in encoded) {
    const message = `${where}args: ${show(encoded.unencodable)} holds half of a surrogate pair, which UTF-8 cannot carry`;
    complaints.add({ code: 'invalid_value', order: order('args'), message });
    return '';
  }
  return requestTarget(url, encoded.query);
}
