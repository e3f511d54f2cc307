/** Documents that are listed for an agency; the rest is counted. */
const DOCUMENTS_LISTED = 12;

export interface ResultRow {
  readonly agency: number;
  readonly bets: number;
  readonly refusedLines: number;
  readonly winners: readonly string[];
  /** Whether the agency was told exactly the winners of its file. */
  readonly right: boolean;
}

/** The outcome of a lottery as a table with columns of even width. */
export function formatTable(rows: readonly ResultRow[]): string {
  const anyRefused = rows.some(row => row.refusedLines > 0);
  const header = ['agency', 'bets', ...(anyRefused ? ['refused'] : []), 'winners', 'documents'];
  const cells = rows.map(row => [
    String(row.agency),
    String(row.bets),
    ...(anyRefused ? [String(row.refusedLines)] : []),
    String(row.winners.length),
    listDocuments(row),
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map(row => row[column]!.length)),
  );
  const format = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === header.length - 1 ? cell : cell.padStart(widths[column]!)))
      .join('  ');
  const rule = widths.map(width => '─'.repeat(width)).join('  ');
  return [format(header), rule, ...cells.map(format)].join('\n');
}

function listDocuments({ winners, right }: ResultRow): string {
  const listed = winners.slice(0, DOCUMENTS_LISTED).join(' ');
  const more = winners.length > DOCUMENTS_LISTED ? ` … and ${winners.length - DOCUMENTS_LISTED} more` : '';
  const text = winners.length === 0 ? '–' : listed + more;
  return right ? text : `${text}  ✗ not the winners of its file`;
}
