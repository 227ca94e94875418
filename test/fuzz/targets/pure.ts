// Targets without a socket: framing, lines, bodies, PROXY headers. Each is held against something plainer than itself.
import { parseEnvelope } from '../../../src/commands/parse-command.ts';
import { bodyJson } from '../../../src/events/body.ts';
import { decodeLine } from '../../../src/framing/decode-line.ts';
import { ReceiveBuffer } from '../../../src/framing/receive-buffer.ts';
import { ProxyHeaderParser, type ProxyHeaderResult } from '../../../src/transport/proxy-header.ts';
import { binary } from '../../access/support/proxy-headers.ts';
import { referenceFrames, type Seen, seen } from '../../framing/reference.ts';
import { mutate } from '../support/mutate.ts';
import { hashOf, Random } from '../support/random.ts';
import { hold, type Target } from '../support/target.ts';
import { commandLine, conversation } from './corpus.ts';

/** Cuts that the bytes themselves settle. */
export function cutByItself(bytes: Uint8Array): Buffer[] {
  const random = new Random(hashOf(bytes));
  const all = Buffer.from(bytes);
  const chunks: Buffer[] = [];
  for (let at = 0; at < all.length; ) {
    const length = 1 + random.below(random.oneIn(3) ? 200 : 6);
    chunks.push(all.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

/** The first two bytes are the limits, the rest is the stream. */
export const framing: Target = {
  name: 'framing',
  generate: (random) => {
    const stream = random.oneIn(3) ? random.bytes(random.below(80)) : Buffer.from(conversation(random));
    return Buffer.concat([random.bytes(2), mutate(stream, random)]);
  },
  check: (input) => {
    const limits = { lineBytes: 1 + (input[0] ?? 0), discardBytes: input[1] ?? 0 };
    const stream = input.subarray(2);
    const buffer = new ReceiveBuffer(limits);
    const found: Seen[] = [];
    for (const chunk of cutByItself(stream)) {
      const own = Buffer.from(chunk);
      buffer.push(own);
      while (!buffer.drained) {
        const frame = buffer.next();
        if (frame) found.push(seen(frame));
      }
      own.fill(0x7e);
    }
    const left = buffer.end();
    if (left) found.push(seen(left));
    const expected = referenceFrames(stream, limits, true);
    hold(JSON.stringify(found) === JSON.stringify(expected), 'frames differ from those of the reference');
  },
};

/** One line's bytes. */
export const lines: Target = {
  name: 'lines',
  generate: (random) => mutate(Buffer.from(commandLine(random)), random),
  check: (input) => {
    const bytes = Buffer.from(input);
    const line = decodeLine(bytes);
    hold('fault' in line === !isObject(bytes), 'decodeLine and JSON.parse do not agree');
    if ('fault' in line) {
      hold(/^(not valid|the line is )/.test(line.fault), `no sentence: ${line.fault}`);
      return;
    }
    for (const profile of ['strict', 'vendor'] as const) {
      const again = decodeLine(bytes);
      if ('fault' in again) throw new Error('decoded once only');
      const envelope = parseEnvelope(again, profile);
      const parsed = 'code' in envelope ? envelope : envelope.parse();
      if (parsed.id !== undefined) hold(isJson(parsed.id), 'an id that is no JSON');
      if ('code' in parsed) hold(parsed.message.length > 0, 'a refusal without a message');
      else if (parsed.name === 'CONTROL') checkRelay(parsed.relay);
      else if (parsed.name === 'HANDSHAKE' && parsed.will) checkRelay(parsed.will);
      else if (parsed.name === 'MONITOR') {
        checkPath(parsed.path);
        hold(
          Number.isInteger(parsed.periodMs) && parsed.periodMs >= 2 && parsed.periodMs <= 30_000,
          'a period out of range',
        );
      }
    }
  },
};

function checkRelay({ method, path, body }: { method: string; path: string; body?: string }): void {
  hold(['POST', 'PUT', 'DELETE'].includes(method), `method ${method}`);
  checkPath(path);
  if (body === undefined) return;
  hold(/^[{[]/.test(body) && isJson(body), 'a body that is no object or array');
}

function checkPath(path: string): void {
  hold(/^\/(?!\/)[\x21-\x7e]*$/.test(path) && !/[#\\]/.test(path), `a request target that is none: ${path}`);
  hold(new URL(`http://host/base${path}`).pathname.startsWith('/base/'), `a path that climbs: ${path}`);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isObject(bytes: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** A backend's body. */
export const bodies: Target = {
  name: 'bodies',
  generate: (random) => {
    const soil = random.pick([
      '{"a":[1.0,-0.0,{"b":null}],"c":"\\u00e9\\n"}',
      '[\n 1,\r\n\t2\n]',
      'plain text',
      '"x"',
      '\xef\xbb\xbf{}',
    ]);
    return mutate(Buffer.from(soil, 'latin1'), random);
  },
  check: (input) => {
    const json = decoder.decode(bodyJson(Buffer.from(input)));
    hold(!/[\r\n]/.test(json), 'more than one line');
    const result: unknown = JSON.parse(json);
    let value: { value: unknown } | undefined;
    try {
      value = { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(input)) };
    } catch {
      // no JSON
    }
    const same = JSON.stringify(value ? value.value : Buffer.from(input).toString('utf8')) === JSON.stringify(result);
    hold(same, value ? 'another value' : 'another text');
  },
};

/** A connection's first bytes behind a balancer. */
export const proxy: Target = {
  name: 'proxy',
  generate: (random) => {
    const soil = random.pick([
      Buffer.from('PROXY TCP4 203.0.113.9 10.0.0.1 1234 49000\r\n'),
      Buffer.from('PROXY TCP6 2001:db8::1 ::1 65535 0\r\n'),
      Buffer.from('PROXY UNKNOWN x\r\n'),
      binary(0x21, 0x11, 'cb007109 0a000001 04d2 bf68'.replaceAll(' ', '')),
      binary(0x21, 0x21, `${'20010db8'.padEnd(32, '0')}${'0'.repeat(32)}00010002`),
      binary(0x20, 0x00, ''),
    ]);
    const bytes = Buffer.concat([soil, Buffer.from('{"cmd":')]);
    return random.oneIn(10) ? bytes : mutate(bytes, random);
  },
  check: (input) => {
    const [whole, cut] = [pushAll([Buffer.from(input)]), pushAll(cutByItself(input))];
    hold(JSON.stringify(whole) === JSON.stringify(cut), 'a cut changes the decision');
    if (whole.end.state !== 'done') return;
    const { source } = whole.end;
    hold(Buffer.from(input).toString('latin1').endsWith(whole.rest), 'bytes behind the header are not what was sent');
    if (source)
      hold(
        /^[0-9a-f.:]+$/.test(source.address) && source.port >= 0 && source.port <= 65_535,
        `source ${source.address}`,
      );
  },
};

function pushAll(chunks: readonly Buffer[]): { end: ProxyHeaderResult; rest: string } {
  const parser = new ProxyHeaderParser();
  let end: ProxyHeaderResult = { state: 'more' };
  let rest = '';
  for (const chunk of chunks) {
    const result = parser.push(chunk);
    if (result.state === 'done') rest += result.rest.toString('latin1');
    end = result.state === 'done' ? { ...result, rest: Buffer.alloc(0) } : result;
  }
  return { end, rest };
}
