// Servers that answer or relay wrongly, and the conformance checks that have to notice.
import type { Json } from './match.ts';
import { commands, lines, type Mutant, renumber, reprint } from './mutant-tools.ts';

export const TALKING_MUTANTS: readonly Mutant[] = [
  {
    name: 'drops the hint',
    caught: ['handshake.version-mismatch-hint', 'handshake.required'],
    fromServer: lines((line) => (line['hint'] === undefined ? undefined : reprint(line, { hint: undefined }))),
  },
  {
    name: 'answers every error twice',
    caught: ['order.single-strict', 'order.envelope-vendor', 'connect.first-byte', 'framing.rx-once'],
    fromServer: lines((line, text) => (line['error'] === undefined ? undefined : `${text}\n${text}\n`)),
  },
  {
    name: 'does not answer broken JSON',
    caught: ['framing.not-an-object', 'framing.half-close-rest', 'connect.broken-line-lives'],
    fromServer: lines((line) => (line['error'] === 'invalid_ndjson' ? '' : undefined)),
  },
  {
    name: 'forgets to say that an error is fatal',
    caught: ['connect.first-byte', 'framing.errors-in-a-row', 'handshake.full', 'token.wrong', 'framing.rx-discard'],
    fromServer: lines((line) => (line['fatal'] === undefined ? undefined : reprint(line, { fatal: undefined }))),
  },
  {
    name: 'swaps answers that come together',
    caught: ['framing.thousand-lines', 'connect.own-session'],
    fromServer: () => {
      let held: string | undefined;
      return (text) => {
        const line = JSON.parse(text) as Json;
        if (line['id'] === undefined || held !== undefined) {
          const both = `${text}\n${held ?? ''}`;
          held = undefined;
          return both;
        }
        held = `${text}\n`;
        return '';
      };
    },
  },
  {
    name: 'prints with spaces',
    caught: ['framing.compact', 'handshake.exact'],
    fromServer: () => (text) => `${text.replaceAll('":', '": ')}\n`,
  },
  {
    name: 'ends its lines with CR LF',
    caught: ['framing.compact', 'handshake.exact'],
    fromServer: () => (text) => `${text}\r\n`,
  },
  {
    name: 'greets with another version',
    caught: ['handshake.exact', 'handshake.extra-fields', 'connect.ipv4-and-ipv6'],
    fromServer: lines((line) => (line['version'] === undefined ? undefined : reprint(line, { version: '1.0' }))),
  },
  {
    name: 'speaks before it is spoken to',
    caught: ['connect.server-waits', 'handshake.exact'],
    fromServer: () => {
      let first = true;
      return (text) => {
        const greeting = first ? '{"type":"hello"}\n' : '';
        first = false;
        return `${greeting}${text}\n`;
      };
    },
  },
  {
    name: 'tells every session the errors of one',
    caught: ['connect.own-session'],
    fromServer: lines((line, text, everyone) => {
      if (line['error'] === undefined) return undefined;
      everyone.send(`${text}\n`);
      return '';
    }),
  },
  {
    name: 'prints the id again instead of repeating it',
    caught: ['extensions.id-spelling', 'extensions.id-spelling-data'],
    fromServer: lines((line) => (typeof line['id'] === 'number' ? reprint(line, {}) : undefined)),
  },
  {
    name: 'leaves the id out of errors',
    caught: ['extensions.id-everywhere', 'extensions.id-before-handshake', 'connect.own-session'],
    fromServer: lines((line) => (line['error'] === undefined ? undefined : reprint(line, { id: undefined }))),
  },
  {
    name: 'leaves the id out of data',
    caught: ['extensions.id-everywhere', 'extensions.id-spelling-data', 'monitor.id'],
    fromServer: lines((line) => (line['type'] === 'data' ? reprint(line, { id: undefined }) : undefined)),
  },
  {
    name: 'acknowledges every CONTROL',
    caught: ['extensions.no-ack', 'framing.half-close-executes', 'control.silence'],
    fromClient: commands((line) =>
      line.replace(/("payload":\{"url")(?!.*"ack":true)(?=.*"(?:POST|PUT|DELETE)")/, '"payload":{"ack":true,"url"'),
    ),
  },
  {
    name: 'acknowledges no CONTROL',
    caught: ['extensions.ack', 'framing.half-close'],
    fromServer: lines((line) => (line['type'] === 'control_ack' ? '' : undefined)),
  },
  {
    name: 'prints numbers again on their way to the backend',
    caught: ['extensions.numbers'],
    toBackend: renumber,
  },
  {
    name: 'prints numbers again on their way to the client',
    caught: ['extensions.numbers-back', 'extensions.ack', 'profiles.control-err-strict'],
    fromBackend: renumber,
  },
  {
    name: 'relays everything twice',
    caught: ['extensions.no-ack', 'framing.half-close-executes', 'url.passes'],
    times: 2,
  },
  {
    name: 'decodes urls',
    caught: ['url.passes'],
    toBackend: (part) => (part.startsWith('/') ? part.replace(/%25/g, '%') : part),
  },
  {
    name: 'lets anything before the first { pass',
    caught: ['connect.first-byte', 'connect.http-post', 'connect.bom-not-first'],
    fromClient: () => {
      let begun = false;
      return (segment) => {
        const at = begun ? 0 : segment.indexOf('{');
        begun ||= at >= 0;
        return at < 0 ? Buffer.alloc(0) : segment.subarray(at);
      };
    },
  },
  {
    name: 'takes no byte order mark',
    caught: ['connect.bom', 'connect.bom-then-white-space'],
    fromClient: () => {
      let first = true;
      return (segment) => {
        const mark = first && segment[0] === 0xef;
        first = false;
        return mark ? Buffer.concat([Buffer.from('x'), segment]) : segment;
      };
    },
  },
  {
    name: 'takes a byte order mark anywhere',
    caught: ['connect.bom-later', 'connect.bom-not-first'],
    fromClient: () => (segment) =>
      Buffer.from(segment.toString('latin1').replaceAll('\u00ef\u00bb\u00bf', ''), 'latin1'),
  },
  {
    name: 'repairs broken UTF-8',
    caught: ['framing.invalid-utf8'],
    fromClient: commands((line) => Buffer.from(Buffer.from(line, 'latin1').toString('utf8')).toString('latin1')),
  },
  {
    name: 'takes the end of a segment for the end of a line',
    caught: ['framing.byte-at-a-time', 'framing.utf8', 'framing.any-cut'],
    fromClient: () => (segment) => (segment.at(-1) === 10 ? segment : Buffer.concat([segment, Buffer.from('\n')])),
  },
  {
    name: 'reads one line of each segment',
    caught: ['framing.thousand-lines', 'framing.crlf'],
    fromClient: () => (segment) => {
      const end = segment.indexOf(10);
      return end < 0 ? segment : segment.subarray(0, end + 1);
    },
  },
  {
    name: 'takes every white space for JSON',
    caught: ['framing.other-white-space'],
    fromClient: commands((line) => line.replaceAll(/[\f\v]|\u00c2\u00a0/g, ' ')),
  },
  {
    name: 'answers blank lines',
    caught: ['framing.blank-lines'],
    fromClient: commands((line) => (line.trim() === '' ? '{' : line)),
  },
  {
    name: 'wraps what is no object into one',
    caught: ['framing.not-an-object', 'connect.only-the-first'],
    fromClient: commands((line) => (/^[[\]"\d-]/.test(line) ? '{"cmd":"HANDSHAKE","payload":{"major":1}}' : line)),
  },
  {
    name: 'reads fields of a prototype',
    caught: ['framing.proto-is-data'],
    fromClient: commands((line) => line.replace('"__proto__":{"major":1}', '"major":1')),
  },
];
