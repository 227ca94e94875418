// PLC relays: four kinds of 32-bit memory. Nothing in the API writes them, so they hold fixed data that tells places apart.
import { RELAY_WORDS } from './limits.ts';

/** Kinds of relays, as they stand in the path: system, internal, retained, kept. */
export const RELAY_KINDS = ['s', 'm', 'r', 'k'] as const;
export type RelayKind = (typeof RELAY_KINDS)[number];

/** Relay memory of all kinds. */
export class Relays {
  readonly #words: ReadonlyMap<RelayKind, Int32Array>;

  constructor() {
    this.#words = new Map(
      RELAY_KINDS.map((kind, index) => [
        kind,
        Int32Array.from({ length: RELAY_WORDS }, (_, at) => (at % 2 === 0 ? 1 : -1) * at * (index + 1) * 1009),
      ]),
    );
  }

  /** `count` words from word `start` on, as a bare JSON array; the range must lie inside {@link RELAY_WORDS}. */
  read(kind: RelayKind, start: number, count: number): string {
    const words = this.#words.get(kind)!.subarray(start, start + count);
    return `[${words.join(',')}]`;
  }
}
