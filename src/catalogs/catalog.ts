// The shape of a catalog as TypeScript sees it, so that engine, checks and pages read the same data; schemas/catalog.schema.json says the same to ajv.

/** A code as the backend writes it: an integer, or a string that is not just digits. */
export type Code = number | string;
export type Scalar = string | number | boolean | null;

/** Statuses a rule looks at, both ends included; without one a rule looks at 400-599. */
interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** What the documents say about waiting: before try n wait min(factor^n · base_ms, max_ms). */
export interface Schedule {
  readonly base_ms: number;
  readonly factor: number;
  readonly max_ms: number;
  readonly max_attempts?: number;
}

/** What to say about a number that lies in a group's range and is not listed. */
interface Unlisted {
  readonly meaning: string;
  readonly hint: string;
}

export interface Group {
  readonly name: string;
  readonly family?: string;
  /** The block of numbers that belongs to the group, both ends included. */
  readonly range?: readonly [number, number];
  readonly unlisted?: Unlisted;
  /** `text`: one code may have several entries, told apart by their texts. */
  readonly keyed_by?: 'text';
}

export interface Entry {
  readonly code: Code;
  /** The documented name or message, exactly as the document has it. */
  readonly name: string;
  readonly group?: string;
  readonly meaning?: string;
  readonly hint: string;
  readonly retryable: boolean;
  /** Milliseconds the document tells to wait before the next try. */
  readonly retry_after_ms?: number;
  /** Name of one of the catalog's schedules. */
  readonly schedule?: string;
  /** The document says that what was asked for is the case already. */
  readonly already_done?: boolean;
  /** Texts that mean this entry, where `name` itself is not what the backend writes. */
  readonly texts?: readonly string[];
  /** The literal pieces around the placeholders of `name`: n pieces hold n - 1 arguments. */
  readonly template?: readonly string[];
}

export interface Condition {
  /** JSON pointer; a `*` segment stands for every item. The condition asks whether some value there fits. */
  readonly at: string;
  readonly is?: Scalar | readonly Scalar[];
  /** Also holds where there is no value. */
  readonly not?: Scalar | readonly Scalar[];
  readonly type?: 'string' | 'integer' | 'object' | 'array' | 'boolean' | 'null';
  readonly exists?: boolean;
  /** Compare the letters a-z of `is` and `not` without regard to case. */
  readonly ignore_case?: boolean;
}

/** The code itself stands at one of the pointers. */
export interface CodeFind {
  readonly by: 'code';
  readonly at: readonly string[];
  /** Taken off the number that stands there. */
  readonly subtract?: number;
  /** What a number with `subtract` is called. */
  readonly called?: string;
  readonly upper_case?: boolean;
  readonly groups?: readonly string[];
  /** Numbers in a range that has an `unlisted` text count as recognised, without a name. */
  readonly unlisted?: boolean;
}

/** The HTTP status is the code. */
export interface StatusFind {
  readonly by: 'status';
  readonly groups?: readonly string[];
}

/** A text is, fills in, or begins with what an entry documents. */
export interface TextFind {
  readonly by: 'text';
  /** Pointers, or every text of the answer. */
  readonly at: readonly string[] | 'anywhere';
  /** Only what follows the last occurrence of this counts, up to the end of the text. */
  readonly after?: string;
  /** Prefixes to take off. */
  readonly strip?: readonly string[];
  readonly groups?: readonly string[];
  /** `same`: only entries whose code is the HTTP status. A number: only entries of that code. */
  readonly status?: 'same' | number;
  /** `status`: report the HTTP status as the code, not the entry's. */
  readonly report?: 'status';
  /** A documented text may be continued by this and anything else. */
  readonly continued_by?: string;
}

/** A name stands as a word of its own in a text. */
export interface WordFind {
  readonly by: 'word';
  readonly at: readonly string[] | 'anywhere';
}

export type Find = CodeFind | StatusFind | TextFind | WordFind;

export interface Rule {
  readonly about: string;
  readonly status?: StatusRange;
  /** All of these have to hold. */
  readonly when?: readonly Condition[];
  readonly find: Find;
}

/** A limit the document names for an operation; `null` where it says that the limit varies. */
export interface Limit {
  readonly operation: string;
  readonly limit: number | null;
  readonly window: string;
}

export interface Catalog {
  readonly $schema?: string;
  readonly id: string;
  readonly title: string;
  readonly source: string;
  readonly notes?: readonly string[];
  readonly schedules?: Readonly<Record<string, Schedule>>;
  readonly limits?: readonly Limit[];
  readonly groups?: readonly Group[];
  readonly entries: readonly Entry[];
  readonly rules: readonly Rule[];
}
