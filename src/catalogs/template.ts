// Texts with placeholders, matched by searching their literal pieces from left to right: no regular expression, so no body can make it backtrack.

/** An argument is relayed up to this many characters. */
export const MAX_ARG_CHARS = 256;

/**
 * What stood in the places of `template`, or undefined when the text does not fit. Every place holds at least one
 * character; the first piece has to begin the text and the last to end it. Pieces in between are taken where they
 * occur first, which finds a fit whenever there is one.
 */
export function fill(template: readonly string[], text: string): string[] | undefined {
  const last = template.length - 1;
  const first = template[0] ?? '';
  const tail = template[last] ?? '';
  if (last < 1 || !text.startsWith(first) || !text.endsWith(tail)) return undefined;
  const end = text.length - tail.length;
  const args: string[] = [];
  let from = first.length;
  for (let piece = 1; piece < last; piece++) {
    const literal = template[piece] ?? '';
    const at = text.indexOf(literal, from + 1);
    if (at < 0) return undefined;
    args.push(text.slice(from, at));
    from = at + literal.length;
  }
  if (end <= from) return undefined;
  args.push(text.slice(from, end));
  return args.map(shorten);
}

function shorten(argument: string): string {
  // toWellFormed: a cut between two halves of one character must not leave half of it on the line.
  return argument.length <= MAX_ARG_CHARS ? argument : argument.slice(0, MAX_ARG_CHARS).toWellFormed();
}
