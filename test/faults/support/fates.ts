// What the failing backend does with each command: decided by seed and name, so that both sides of the journal agree.

/** Share of each fate, per thousand. */
const SHARES = {
  // The answer is complete and good.
  ok: 520,
  empty: 120,
  oversize: 8,
  ok_then_end: 30,
  ok_then_reset: 25,
  ok_then_stray_answer: 10,
  // The answer is complete and bad.
  e500: 40,
  e404: 25,
  e409_text: 20,
  e307: 10,
  e503_retry: 10,
  e500_oversize: 10,
  // The request was taken, and no complete answer comes.
  reset: 30,
  end: 25,
  headers_then_reset: 20,
  half: 20,
  half_error: 12,
  garbage: 20,
  hang: 4,
  late: 3,
  // Not even the whole request was taken.
  cut: 38,
} as const;

export type Fate = keyof typeof SHARES;

/** What the client must hear of a command that was executed with this fate, unless the connection failed it before. */
export const VERDICTS: Readonly<Record<Fate, 'success' | 'unknown' | 'never' | number>> = {
  ok: 'success',
  empty: 'success',
  oversize: 'success',
  ok_then_end: 'success',
  ok_then_reset: 'success',
  ok_then_stray_answer: 'success',
  e500: 500,
  e404: 404,
  e409_text: 409,
  e307: 307,
  e503_retry: 503,
  e500_oversize: 500,
  reset: 'unknown',
  end: 'unknown',
  headers_then_reset: 'unknown',
  half: 'unknown',
  half_error: 'unknown',
  garbage: 'unknown',
  hang: 'unknown',
  late: 'unknown',
  cut: 'never',
};

const FATES = Object.entries(SHARES) as [Fate, number][];
const TOTAL = FATES.reduce((sum, [, share]) => sum + share, 0);

/** A well-mixed 32-bit number of a few integers. */
export function mixed(...parts: readonly number[]): number {
  let h = 0x9e3779b9;
  for (const part of parts) {
    h = Math.imul(h ^ part, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}

export function fateOf(seed: number, session: number, n: number): Fate {
  let at = mixed(seed, session, n) % TOTAL;
  for (const [fate, share] of FATES) {
    if (at < share) return fate;
    at -= share;
  }
  return 'ok';
}
