const RANGES_MAX = 12;

/** Ascending ids as text: `1–3, 7`. */
export function idRanges(ids: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const id of ids) {
    const range = ranges.at(-1);
    if (range?.last === id - 1) range.last = id;
    else ranges.push({ first: id, last: id });
  }
  const texts = ranges.slice(0, RANGES_MAX).map(({ first, last }) => {
    if (first === last) return String(first);
    return first + 1 === last ? `${first}, ${last}` : `${first}–${last}`;
  });
  return texts.join(', ') + (ranges.length > RANGES_MAX ? ', …' : '');
}
