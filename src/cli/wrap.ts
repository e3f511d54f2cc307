/** Fewest columns of a continuation line: a document fits. */
const CONTINUATION_COLUMNS_MIN = 12;

/**
 * Wraps each line of a text between words; a longer word stays whole.
 *
 * @param columns width of the terminal; undefined leaves the text as it is
 * @param indent of continuation lines; default: that of their line
 */
export function wrap(text: string, columns: number | undefined, indent?: number): string {
  if (columns === undefined) return text;
  return text
    .split('\n')
    .map(line => wrapLine(line, columns, indent ?? line.search(/\S|$/)))
    .join('\n');
}

function wrapLine(line: string, columns: number, indent: number): string {
  const margin = ' '.repeat(Math.max(0, Math.min(indent, columns - CONTINUATION_COLUMNS_MIN)));
  const lines = [line.slice(0, indent)];
  for (const [index, word] of line.slice(indent).split(' ').entries()) {
    const longer = `${lines.at(-1)!}${index === 0 ? '' : ' '}${word}`;
    if (longer.length <= columns || lines.at(-1)!.trim() === '') lines[lines.length - 1] = longer;
    else lines.push(margin + word);
  }
  return lines.map(each => each.trimEnd()).join('\n');
}
