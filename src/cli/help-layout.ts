import { Help } from 'commander';

/** Commander does not wrap a description that has fewer columns beside its term. */
const COLUMNS_BESIDE_MIN = 40;

/** As Commander does; but in a narrow terminal, a description stands below its term. */
export function formatItem(
  term: string,
  termWidth: number,
  description: string,
  helper: Help,
): string {
  const width = helper.helpWidth!;
  if (description === '' || width - termWidth - 4 >= COLUMNS_BESIDE_MIN)
    return Help.prototype.formatItem.call(helper, term, termWidth, description, helper);
  return `  ${term}\n${wrapped(`      ${description}`, width)}`;
}

/** Wraps each line of a text at `width` columns; its parts keep its indentation. */
export function wrapped(text: string, width: number): string {
  const helper = new Help();
  helper.minWidthToWrap = 1;
  return text
    .split('\n')
    .map(line => {
      const words = line.trimStart();
      const indentation = line.slice(0, line.length - words.length);
      const parts = helper.boxWrap(words, width - indentation.length);
      return indentation + parts.replaceAll('\n', `\n${indentation}`);
    })
    .join('\n');
}
