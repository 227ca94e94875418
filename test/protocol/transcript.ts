// Reads a transcript: the notation of protocol/transcripts/README.md → settings, the backend's answers, and steps.
import { PROFILES, type Profile } from '../../protocol/profiles.ts';

export interface ScriptedAnswer {
  readonly method: string;
  readonly path: string;
  readonly how: 'answer' | 'reset' | 'hold';
  readonly status: number;
  readonly body: string;
}

export type Step =
  | { readonly kind: 'send'; readonly bytes: Buffer; readonly line: number }
  | { readonly kind: 'receive'; readonly text: string; readonly line: number }
  | { readonly kind: 'silence'; readonly ms: number; readonly line: number }
  | { readonly kind: 'received'; readonly request: string; readonly line: number }
  | { readonly kind: Happening; readonly line: number };

const HAPPENINGS = {
  'client ends its side': 'end',
  'client resets': 'reset',
  'server ends the connection': 'closed',
  'gateway is told to stop': 'drain',
  'backend answers what it holds': 'release',
  'backend received nothing else': 'nothing-else',
} as const;
type Happening = (typeof HAPPENINGS)[keyof typeof HAPPENINGS];

export interface Transcript {
  readonly title: string;
  readonly profiles: readonly Profile[];
  readonly settings: Readonly<Record<string, string>>;
  readonly backend: 'scripted' | 'simulator' | 'none';
  readonly answers: readonly ScriptedAnswer[];
  /** Another connection is there before the conversation begins. */
  readonly company: boolean;
  readonly steps: readonly Step[];
}

/** Throws with the number of the first line that is not in the notation. */
export function parseTranscript(text: string): Transcript {
  const settings: Record<string, string> = {};
  const answers: ScriptedAnswer[] = [];
  const steps: Step[] = [];
  const profiles: Profile[] = [];
  let backend: Transcript['backend'] | undefined;
  let title: string | undefined;
  let company = false;
  text.split('\n').forEach((raw, index) => {
    const line = index + 1;
    const fail = (what: string): never => {
      throw new Error(`line ${line}: ${what}: ${raw.slice(0, 80)}`);
    };
    if (raw.trim() === '') return;
    const rest = raw.slice(2);
    if (raw[1] !== ' ' || rest.trim() === '') fail('a mark, one space and a text are needed');
    if (title === undefined && raw[0] !== '#') fail('the first line has to be a note');
    if (raw[0] === '!' && steps.length > 0) fail('the header stands before the conversation');
    switch (raw[0]) {
      case '#':
        title ??= rest.trim();
        return;
      case '!':
        header(rest, fail);
        return;
      case '>':
        steps.push({ kind: 'send', bytes: clientBytes(rest), line });
        return;
      case '<':
        if (!/^\{.*\}$/.test(rest)) fail('a line of the server is an object');
        steps.push({ kind: 'receive', text: rest, line });
        return;
      case '~':
        steps.push(happening(rest, line) ?? fail('nothing that can happen'));
        return;
      default:
        fail('unknown mark');
    }
  });

  function header(rest: string, fail: (what: string) => never): void {
    const [word, ...words] = rest.split(' ');
    if (word === 'profiles') {
      const known = PROFILES.filter((profile) => words.includes(profile));
      if (known.length === 0 || known.length !== words.length) fail('unknown profile');
      profiles.push(...known);
    } else if (word === 'set') {
      const setting = /^set ([A-Z][A-Z0-9_]*)=(.*)$/.exec(rest) ?? fail('a setting is NAME=value');
      settings[setting[1]!] = setting[2]!;
    } else if (rest === 'simulator' || rest === 'backend none') {
      if (backend !== undefined) fail('there is a backend already');
      backend = rest === 'simulator' ? 'simulator' : 'none';
    } else if (rest === 'another client is connected') {
      company = true;
    } else {
      if (backend !== undefined && backend !== 'scripted') fail('there is a backend already');
      backend = 'scripted';
      answers.push(answer(rest) ?? fail('unknown header'));
    }
  }

  if (title === undefined) throw new Error('line 1: the first line has to be a note');
  if (profiles.length === 0) throw new Error('the header names no profile');
  if (steps.length === 0) throw new Error('there is no conversation');
  return { title, profiles, settings, backend: backend ?? 'scripted', answers, company, steps };
}

function answer(rest: string): ScriptedAnswer | undefined {
  const found = /^backend (GET|POST|PUT|DELETE) (\/\S*) => (?:(reset|hold)|(\d{3})(?: (.+))?)$/.exec(rest);
  if (found === null) return undefined;
  const [, method, path, special, status, body] = found;
  const how = (special as 'reset' | 'hold' | undefined) ?? 'answer';
  return { method: method!, path: path!, how, status: Number(status ?? 200), body: body ?? '' };
}

function happening(rest: string, line: number): Step | undefined {
  const silence = /^(\d+) ms of silence$/.exec(rest);
  if (silence) return { kind: 'silence', ms: Number(silence[1]), line };
  if (Object.hasOwn(HAPPENINGS, rest)) return { kind: HAPPENINGS[rest as keyof typeof HAPPENINGS], line };
  const request = /^backend received ((?:POST|PUT|DELETE|GET) \/\S*(?: .+)?)$/.exec(rest);
  return request ? { kind: 'received', request: request[1]!, line } : undefined;
}

const MARKS = /<bytes ((?:[0-9A-F]{2} ?)+)>|<(\d+) times ([^>]+)>|<no newline>$/g;

function clientBytes(rest: string): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  let newline = '\n';
  for (const mark of rest.matchAll(MARKS)) {
    parts.push(Buffer.from(rest.slice(at, mark.index)));
    at = mark.index + mark[0].length;
    if (mark[1] !== undefined) parts.push(Buffer.from(mark[1].replaceAll(' ', ''), 'hex'));
    else if (mark[2] !== undefined) parts.push(Buffer.from(mark[3]!.repeat(Number(mark[2]))));
    else newline = '';
  }
  return Buffer.concat([...parts, Buffer.from(rest.slice(at) + newline)]);
}
