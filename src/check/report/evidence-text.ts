import type { Evidence, Language, TimelineEntry } from '../finding.ts';
import { moment, WORDS } from './words.ts';

/** Evidence as plain text: its title, then its lines, rows or bytes. */
export function evidenceLines(evidence: Evidence, language: Language): string[] {
  const words = WORDS[language];
  const title = `${evidence.title[language]}:`;
  switch (evidence.kind) {
    case 'log':
      return [
        title,
        ...evidence.lines.map(
          line => `  ${moment(line.atMs, words)}  ${line.source}  ${line.text}`,
        ),
      ];
    case 'rows':
      return [title, ...evidence.rows.map(row => `  ${row}`)];
    case 'timeline':
      return [title, ...evidence.entries.flatMap(entry => entryLines(entry, language))];
  }
}

function entryLines(entry: TimelineEntry, language: Language): string[] {
  const words = WORDS[language];
  const size = entry.kind === 'data' ? `, ${words.bytes(entry.byteCount ?? 0)}` : '';
  const from = entry.shownFrom ? `, ${words.fromByte(entry.shownFrom)}` : '';
  const lines = [`  ${moment(entry.atMs, words)}  ${words.event(entry)}${size}${from}`];
  if (entry.text !== undefined) lines.push(`      ${entry.text}`);
  if (entry.hex !== undefined) lines.push(`      ${entry.hex}`);
  if (entry.note !== undefined) lines.push(`      ^ ${entry.note[language]}`);
  return lines;
}
