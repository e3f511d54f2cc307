import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** An agency of an interoperability test: its file, and its expected winners. */
export interface PeerAgency {
  readonly id: number;
  readonly lines: readonly string[];
  /** Documents of winning bets, in the order of the file. */
  readonly winners: readonly string[];
}

const SURNAMES = ['Lorca', 'Núñez', 'Pérez Güemes', 'Ávila', 'Ñandú'];
/** The original server of op-codes refuses greater numbers. */
const NUMBERS = 7000;
const WINNING_NUMBER = 7574;

/**
 * An agency with generated bets and unique documents.
 *
 * @param winnersAt places in the file, from 0, of the bets that win
 * @param numbers of other bets, by their place in the file
 */
export function makeAgency(
  id: number,
  bets: number,
  winnersAt: readonly number[] = [],
  numbers: Readonly<Record<number, number>> = {},
): PeerAgency {
  const documentAt = (index: number): number => id * 1_000_000 + index;
  const numberAt = (index: number): number =>
    winnersAt.includes(index) ? WINNING_NUMBER : (numbers[index] ?? index % NUMBERS);
  const lines = Array.from({ length: bets }, (_, index) => {
    const surname = SURNAMES[index % SURNAMES.length];
    return `María José,${surname},${documentAt(index)},199${index % 10}-02-28,${numberAt(index)}`;
  });
  return { id, lines, winners: winnersAt.map(index => String(documentAt(index))) };
}

/** Five agencies, among them a large one, one without winners, and one with a single bet. */
export const FIVE_AGENCIES: readonly PeerAgency[] = [
  makeAgency(1, 300, [4, 17, 299]),
  makeAgency(2, 200),
  makeAgency(3, 150, [0, 1]),
  makeAgency(4, 1),
  makeAgency(5, 99, [98]),
];

/** Numbers that some original servers refuse. */
export const HIGH_NUMBERS = { 5: 9998, 6: 9999, 50: 9999 };

/** Writes the agency's file, from line `from` on. */
export async function writeAgency(
  folder: string,
  { id, lines }: PeerAgency,
  from = 0,
): Promise<string> {
  const file = join(folder, `agency-${id}.csv`);
  const text = lines
    .slice(from)
    .map(line => `${line}\n`)
    .join('');
  await writeFile(file, text);
  return file;
}

/** The rows of a file of stored bets. */
export async function readRows(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).split('\r\n').slice(0, -1);
}

/** The rows of one agency, in order. */
export function rowsOf(rows: readonly string[], { id }: PeerAgency): string[] {
  return rows.filter(row => row.startsWith(`${id},`));
}

/** The expected rows of the agency's bets. */
export function rowsFor({ id, lines }: PeerAgency): string[] {
  return lines.map(line => `${id},${line}`);
}

export function betsOf(agencies: readonly PeerAgency[]): number {
  return agencies.reduce((sum, { lines }) => sum + lines.length, 0);
}
