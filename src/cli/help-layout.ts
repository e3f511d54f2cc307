import { Help } from 'commander';
import { wrap } from './wrap.ts';

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
  return `  ${term}\n${wrap(`      ${description}`, width)}`;
}
