import { readActa } from '../lottery/acta.ts';
import type { RowsDigest } from './rows-digest.ts';

/** For an agency without a line in the acta. */
const NOTHING = 'no bets';

/**
 * Compares the bets that an agency has sent with its line of an acta de cierre.
 *
 * @returns the difference; undefined when there is none
 */
export function faultOfActa(
  text: string,
  agency: number,
  { bets, sha256 }: RowsDigest,
): string | undefined {
  const acta = readActa(text);
  if (acta === undefined) return 'it is no acta de cierre';
  const said = acta.agencies.get(agency);
  if (said === undefined && bets === 0) return undefined;
  if (said?.count === bets && said.sha256 === sha256) return undefined;
  const theirs = said === undefined ? NOTHING : `${said.count} bets with SHA-256 ${said.sha256}`;
  return `it says ${theirs}, this agency has sent ${bets} with ${sha256}`;
}
