import { AGENCY_MAX } from './bet-rules.ts';

/** The text for no agency. */
const NONE = 'none';

/** Agencies as text: `1-5,7` for 1, 2, 3, 4, 5 and 7. */
export function formatAgencies(ids: Iterable<number>): string {
  const parts: { from: number; to: number }[] = [];
  for (const id of [...new Set(ids)].toSorted((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last?.to === id - 1) last.to = id;
    else parts.push({ from: id, to: id });
  }
  return (
    parts.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(',') || NONE
  );
}

/** The agencies of a text, or why there are none; undefined when it is not of that form. */
export function parseAgencies(text: string): number[] | string | undefined {
  if (text === NONE) return [];
  const agencies = new Set<number>();
  for (const part of text.split(',')) {
    const [, first, last] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part) ?? [];
    if (first === undefined) return undefined;
    const from = Number(first);
    const to = last === undefined ? from : Number(last);
    if (to < from) return `the range ${part.trim()} ends before it begins`;
    if (from < 1 || to > AGENCY_MAX)
      return `${part.trim()} is not within 1 to ${AGENCY_MAX}, the ids that there are`;
    for (let agency = from; agency <= to; agency += 1) agencies.add(agency);
  }
  return [...agencies];
}
