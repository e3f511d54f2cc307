import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { makePrivateFolder, makeWay, PRIVATE_FILE } from '../files/private.ts';
import { withPath } from '../files/system-error.ts';
import type { Bet } from '../lottery/bet.ts';
import { hasWon, LOTTERY_WINNER_NUMBER } from '../lottery/catedra.ts';
import { GIVEN_NAMES, SURNAMES } from './names.ts';
import { SeededRandom } from './random.ts';

export const EXPECTED_FILE = 'expected.json';

/** Made-up bets look like personal data. */
const CREATED = { flag: 'wx', flags: 'wx', mode: PRIVATE_FILE } as const;

/** Length of a write. */
const WRITE_BYTES = 256 * 1024;

/** Bets of each of the course's five agencies; further agencies repeat them. */
const SHARES = [26_936, 25_518, 16_014, 9_238, 991] as const;

/** Numbers that a bet can have, from 0. */
const NUMBERS = 10_000;

const DAY_MS = 86_400_000;
const FIRST_BIRTH = Date.UTC(1945, 0, 1);
const LAST_BIRTH = Date.UTC(2006, 11, 31);

export interface DatasetShape {
  readonly agencies: number;
  /** Total number of bets. */
  readonly bets: number;
  readonly seed: number;
  /**
   * Winners of each agency that has as many bets; one in 10,000 bets, at least one, when not given.
   */
  readonly winners?: number | undefined;
}

/** The content of `expected.json`. */
export interface ExpectedResult extends DatasetShape {
  readonly perAgency: readonly ExpectedAgency[];
}

interface ExpectedAgency {
  readonly agency: number;
  readonly file: string;
  readonly bets: number;
  /** Documents of the winners in the order of the file. */
  readonly winners: readonly string[];
}

/**
 * Writes `agency-1.csv`, … in the format of the course's files (lines
 * `nombre,apellido,documento,nacimiento,numero` with `\r\n`), and `expected.json`. The same shape
 * makes the same bytes.
 *
 * @param shape `force`: whether existing files are overwritten
 * @param written is called with the number of bets written so far
 */
export async function generateDataset(
  folder: string,
  { force = false, ...shape }: DatasetShape & { readonly force?: boolean },
  written: (bets: number) => void = () => {},
): Promise<ExpectedResult> {
  await makePrivateFolder(folder);
  const shares = [...shareOut(shape).entries()].map(([index, bets]) => {
    const agency = index + 1;
    const winnerCount = shape.winners ?? Math.max(1, Math.round(bets / NUMBERS));
    return { agency, bets, winnerCount, file: `agency-${agency}.csv` };
  });
  await makeWay(
    [...shares.map(({ file }) => file), EXPECTED_FILE].map(name => join(folder, name)),
    force,
  );
  const random = new SeededRandom(shape.seed);
  const perAgency: ExpectedAgency[] = [];
  let before = 0;
  for (const share of shares) {
    const { agency, bets, file } = share;
    const earlier = before;
    const winners = await writeAgency(join(folder, file), share, random, count =>
      written(earlier + count),
    );
    perAgency.push({ agency, file, bets, winners });
    before += bets;
  }
  const expected = { ...shape, perAgency };
  const path = join(folder, EXPECTED_FILE);
  await writeFile(path, `${JSON.stringify(expected, null, 2)}\n`, CREATED).catch((error: unknown) =>
    Promise.reject(withPath(error, path)),
  );
  return expected;
}

function shareOut({ agencies, bets }: DatasetShape): number[] {
  const shares = Array.from({ length: agencies }, (_, index) => SHARES[index % SHARES.length]!);
  const whole = shares.reduce((sum, share) => sum + share, 0);
  // Every agency has a bet that can win.
  const least = bets >= agencies ? 1 : 0;
  const rest = bets - least * agencies;
  const counts = shares.map(share => least + Math.floor((rest * share) / whole));
  const given = counts.reduce((sum, count) => sum + count, 0);
  counts[0]! += bets - given;
  return counts;
}

interface AgencyShape {
  readonly agency: number;
  readonly bets: number;
  readonly winnerCount: number;
}

async function writeAgency(
  path: string,
  { agency, bets, winnerCount }: AgencyShape,
  random: SeededRandom,
  written: (bets: number) => void,
): Promise<string[]> {
  const output = createWriteStream(path, CREATED);
  const failed = once(output, 'error').then(([error]) => Promise.reject(withPath(error, path)));
  failed.catch(() => {});
  const winners: string[] = [];
  let lines = '';
  for (let count = 1; count <= bets; count += 1) {
    const bet = makeBet(agency, random);
    // Selection sampling (Knuth's algorithm S): every bet is as likely to be a winner.
    const wins = random.between(count, bets) > bets - (winnerCount - winners.length);
    if (wins) winners.push(bet.document);
    const number = numberOf(bet, wins);
    lines += `${bet.firstName},${bet.lastName},${bet.document},${bet.birthdate},${number}\r\n`;
    if (lines.length < WRITE_BYTES) continue;
    if (!output.write(lines)) await Promise.race([once(output, 'drain'), failed]);
    lines = '';
    written(count);
  }
  output.end(lines);
  await Promise.race([once(output, 'close'), failed]);
  written(bets);
  return winners;
}

/** The number of a made-up bet that must win, or must not. */
function numberOf(bet: Bet, wins: boolean): number {
  if (wins) return LOTTERY_WINNER_NUMBER;
  return hasWon(bet) ? LOTTERY_WINNER_NUMBER + 1 : bet.number;
}

/** A made-up bet, on average as long as the course's: 46 bytes in a batch. */
export function makeBet(agency: number, random: SeededRandom): Bet {
  const first = random.pick(GIVEN_NAMES);
  const firstName = random.between(0, 3) === 0 ? first : `${first} ${random.pick(GIVEN_NAMES)}`;
  const surname = random.pick(SURNAMES);
  const lastName = random.between(0, 19) === 0 ? `${surname} ${random.pick(SURNAMES)}` : surname;
  const born = FIRST_BIRTH + random.between(0, (LAST_BIRTH - FIRST_BIRTH) / DAY_MS) * DAY_MS;
  return {
    agency,
    firstName,
    lastName,
    document: String(random.between(5_000_000, 48_999_999)),
    birthdate: new Date(born).toISOString().slice(0, 10),
    number: random.between(0, NUMBERS - 1),
  };
}
