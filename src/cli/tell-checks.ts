import type { Check } from '../audit/check.ts';
import { EXIT } from './exit-codes.ts';
import { say } from './output.ts';

const RESULT_WIDTH = 'not checked'.length;

/** Prints a line per check and the number of differences. Returns the exit code. */
export function tellChecks(checks: readonly Check[]): number {
  const width = Math.max(...checks.map(({ what }) => what.length));
  for (const { what, result, detail } of checks)
    say(`${what.padEnd(width)}  ${result.padEnd(RESULT_WIDTH)}  ${detail}`);
  const differences = checks.filter(({ result }) => result === 'differs').length;
  say(differences === 0 ? 'no differences' : `differences: ${differences}`);
  return differences === 0 ? EXIT.done : EXIT.failed;
}
