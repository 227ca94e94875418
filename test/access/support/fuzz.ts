// How long properties search: a second or two by default, FUZZ_FACTOR times as long on demand.

const factor = Number(process.env['FUZZ_FACTOR'] ?? '1');

/** `usual` runs, or more when asked for. */
export function runs(usual: number): number {
  return Math.max(1, Math.round(usual * (factor > 0 ? factor : 1)));
}
