// Who may open a session: named tokens, compared without telling by time or by text how close a guess was [OS-6.3].
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readBoundedFile } from './bounded-file.ts';

const MAX_FILE_BYTES = 262_144;
/** Each HANDSHAKE is compared with every token. */
const MAX_TOKENS = 1000;
const MAX_TOKEN_LENGTH = 256;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;
/** A token is typed or pasted by people, who cannot see these. */
const INVISIBLE = /[\p{C}\p{Z}]/u;

interface NamedToken {
  readonly name: string;
  readonly token: string;
}

/**
 * The configured tokens. Only keyed digests are kept, with a key of this process, so neither printing nor serialising
 * the object nor a look into its fields gives a token away.
 */
export class Credentials {
  /** No tokens configured: every HANDSHAKE is welcome, its `token` is ignored. */
  static readonly NONE = new Credentials([]);

  readonly #key = randomBytes(32);
  readonly #digests: readonly { readonly name: string; readonly digest: Buffer }[];

  private constructor(tokens: readonly NamedToken[]) {
    this.#digests = tokens.map(({ name, token }) => ({ name, digest: this.#digest(token) }));
  }

  /**
   * Reads the value of `AUTH_TOKENS`: entries separated by commas, each `name:token`, a bare token (named `token-1`,
   * `token-2`, … in order), or `@path`, `/path`, `./path` of a UTF-8 file with one such entry per line, where empty
   * lines and lines that begin with `#` are ignored. Undefined or empty: no tokens. A value that names files only but
   * yields no token is a fault, because it must not open the gateway to everybody.
   * Names: 1 to 64 of `A-Z a-z 0-9 . _ -`; tokens: 1 to 256 visible characters; names and tokens unique, 1000 at most.
   */
  static parse(
    value: string | undefined,
  ): { credentials: Credentials; faults: [] } | { credentials?: never; faults: string[] } {
    if (value === undefined || value.trim() === '') return { credentials: Credentials.NONE, faults: [] };
    const reader = new TokenReader();
    for (const [index, entry] of value.split(',').entries()) {
      reader.readEntry(entry.trim(), `entry ${index + 1}`);
      if (reader.isFull) break;
    }
    const { tokens, faults } = reader;
    if (faults.length === 0 && tokens.length === 0) faults.push('names no token at all');
    if (faults.length > 0) return { faults };
    return { credentials: new Credentials(tokens), faults: [] };
  }

  /** Whether a HANDSHAKE needs a token. */
  get required(): boolean {
    return this.#digests.length > 0;
  }

  /** The names of the credentials, in the order they were written; not secret. */
  get names(): string[] {
    return this.#digests.map(({ name }) => name);
  }

  /** The name of the credential whose token this is; undefined when it is none, whatever it is. Takes the same time for all. */
  verify(token: unknown): string | undefined {
    const usable = typeof token === 'string' && token.length <= MAX_TOKEN_LENGTH && token.isWellFormed();
    // No token is empty, so what cannot be one is compared like any other wrong guess.
    const digest = this.#digest(usable ? token : '');
    let name: string | undefined;
    for (const known of this.#digests) {
      if (timingSafeEqual(known.digest, digest)) name = known.name;
    }
    return name;
  }

  toJSON(): object {
    return { required: this.required, names: this.names };
  }

  #digest(token: string): Buffer {
    return createHmac('sha256', this.#key).update(token, 'utf8').digest();
  }
}

class TokenReader {
  readonly tokens: NamedToken[] = [];
  readonly faults: string[] = [];
  /** Where a name or a token was written ("entry 2", "entry 1, line 7"): faults tell places, never what stands there. */
  readonly #names = new Map<string, string>();
  readonly #values = new Map<string, string>();
  #bare = 0;

  /** More faults than anybody reads; what follows is left out. */
  get isFull(): boolean {
    return this.faults.length >= 100;
  }

  readEntry(entry: string, place: string): void {
    if (entry.startsWith('@')) this.#readFile(entry.slice(1), place, 'begins with @');
    else if (entry.startsWith('/')) this.#readFile(entry, place, 'begins with /');
    else if (entry.startsWith('./')) this.#readFile(entry, place, 'begins with ./');
    else this.#readToken(entry, place);
  }

  /** The path is not repeated in a fault: a token may begin with `/` or `@` too and be taken for one by mistake. */
  #readFile(path: string, place: string, because: string): void {
    const file = readBoundedFile(path, MAX_FILE_BYTES);
    if ('fault' in file) {
      this.faults.push(
        `${place} is taken for a file because it ${because}, and that ${file.fault}; write name:token for a token that ${because}`,
      );
      return;
    }
    for (const [index, text] of file.text.split(/\r\n|\n|\r/).entries()) {
      const line = text.trim();
      if (line === '' || line.startsWith('#')) continue;
      this.#readToken(line, `${place}, line ${index + 1}`);
      if (this.isFull) return;
    }
  }

  #readToken(text: string, place: string): void {
    const colon = text.indexOf(':');
    if (colon === -1) this.#bare += 1;
    const name = colon === -1 ? `token-${this.#bare}` : text.slice(0, colon).trim();
    const token = colon === -1 ? text : text.slice(colon + 1).trim();
    const fault = this.#check(name, token);
    if (fault !== undefined) {
      this.faults.push(`${place}: ${fault}`);
      return;
    }
    this.#names.set(name, place);
    this.#values.set(token, place);
    this.tokens.push({ name, token });
  }

  #check(name: string, token: string): string | undefined {
    if (token === '') return 'the token is empty';
    if (!NAME.test(name)) return 'the name before the colon must be 1 to 64 of the characters A-Z a-z 0-9 . _ -';
    if (token.length > MAX_TOKEN_LENGTH) return `the token is longer than ${MAX_TOKEN_LENGTH} characters`;
    if (INVISIBLE.test(token)) return 'the token contains white space or an invisible character';
    const sameName = this.#names.get(name);
    if (sameName !== undefined) return `its name is that of ${sameName} already`;
    const sameToken = this.#values.get(token);
    if (sameToken !== undefined) return `its token is that of ${sameToken} already`;
    if (this.tokens.length >= MAX_TOKENS) return `more than ${MAX_TOKENS} tokens`;
    return undefined;
  }
}
