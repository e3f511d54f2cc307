import { GIVEN_NAMES, SURNAMES } from '../dataset/names.ts';
import type { SeededRandom } from '../dataset/random.ts';
import { type MadeBet, WINNER_NUMBER } from './profiles/tp0.ts';

/** The input of a client: in exercise 5 its first bet, else all of them as its file. */
export interface AgencyInput {
  readonly agency: number;
  readonly bets: readonly MadeBet[];
  /** Content of `agency-N.csv`; may contain invalid lines. */
  readonly file: string;
}

interface DataShape {
  readonly clients: number;
  /** Bounds for each agency, except that the last but one has fewer. */
  readonly betsMin: number;
  readonly betsMax: number;
  /** Per agency; default: 4. */
  readonly winnersMax?: number;
  /**
   * A very long name, a quoted comma, and no line end after the last row, which the course's files
   * do not have. A program that fails on them must still pass all other checks.
   */
  readonly hasTrickyFile?: boolean;
}

const DOCUMENT_FIRST = 20_000_000;
/** Largest difference of two consecutive documents; each document is unique. */
const DOCUMENT_STEP_MAX = 9_000;

const DAY_MS = 86_400_000;
const FIRST_BIRTH = Date.UTC(1940, 0, 1);
const BIRTH_DAYS = 24_000;

/** Makes a bet longer than 127 bytes; its letters have two bytes each. */
const LONG_NAME = 'ÁÉÍÓÚÑÜ áéíóúñü ÁÉÍÓÚÑÜ áéíó';

/**
 * Makes the bets of all agencies from a seed: with letters of two bytes, the number `0007`, winners
 * at random positions, and one agency without winners.
 */
export function makeInputs(random: SeededRandom, shape: DataShape): AgencyInput[] {
  const { clients, betsMin, betsMax, winnersMax = 4, hasTrickyFile = false } = shape;
  const withoutWinners = random.between(1, clients);
  let document = DOCUMENT_FIRST + random.between(0, 10_000_000);
  return Array.from({ length: clients }, (_, index) => {
    const agency = index + 1;
    const bets = Array.from({ length: random.between(betsMin, betsMax) }, () => {
      document += random.between(1, DOCUMENT_STEP_MAX);
      return makeBet(random, String(document));
    });
    addRarities(random, bets, hasTrickyFile);
    if (agency !== withoutWinners) addWinners(random, bets, random.between(1, winnersMax));
    const file = csvOf(bets);
    return { agency, bets, file: hasTrickyFile ? file.trimEnd() : file };
  });
}

function makeBet(random: SeededRandom, document: string): MadeBet {
  const born = FIRST_BIRTH + random.between(0, BIRTH_DAYS) * DAY_MS;
  return {
    firstName: random.pick(GIVEN_NAMES),
    lastName: random.pick(SURNAMES),
    document,
    birthdate: new Date(born).toISOString().slice(0, 10),
    number: String(loser(random)),
  };
}

function loser(random: SeededRandom): number {
  const number = random.between(0, 9998);
  return number === WINNER_NUMBER ? 9999 : number;
}

const RARE_NUMBER = '0007';

/**
 * In rows that follow each other; a file with one bet, as that of exercise 5, keeps it as it is.
 */
function addRarities(random: SeededRandom, bets: MadeBet[], hasTrickyFile: boolean): void {
  const rarities: readonly Partial<MadeBet>[] = [
    { number: RARE_NUMBER },
    { firstName: 'María Ñandú' },
    ...(hasTrickyFile
      ? [{ firstName: LONG_NAME, lastName: LONG_NAME }, { lastName: 'Pérez, hijo' }]
      : []),
  ];
  if (bets.length <= rarities.length) return;
  const first = random.between(0, bets.length - 1);
  for (const [offset, rarity] of rarities.entries()) {
    const index = (first + offset) % bets.length;
    bets[index] = { ...bets[index]!, ...rarity };
  }
  // Without a line end, a parser could take a shorter number for a truncated one.
  const last = bets.at(-1)!;
  if (hasTrickyFile && last.number.length < 4) bets[bets.length - 1] = { ...last, number: '9999' };
}

function addWinners(random: SeededRandom, bets: MadeBet[], count: number): void {
  for (let made = 0; made < Math.min(count, bets.length); made += 1) {
    const index = random.between(0, bets.length - 1);
    const bet = bets[index]!;
    if (bet.number !== RARE_NUMBER) bets[index] = { ...bet, number: String(WINNER_NUMBER) };
  }
}

/** In the format of the course's files. */
export function csvOf(bets: readonly MadeBet[]): string {
  return bets.map(bet => `${fieldsOf(bet).map(quoted).join(',')}\r\n`).join('');
}

const fieldsOf = (bet: MadeBet): string[] => [
  bet.firstName,
  bet.lastName,
  bet.document,
  bet.birthdate,
  bet.number,
];

const quoted = (field: string): string =>
  /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;

export function winnersOf({ bets }: AgencyInput): string[] {
  return bets
    .filter(({ number }) => Number(number) === WINNER_NUMBER)
    .map(({ document }) => document);
}

/**
 * A canonical line for comparisons: agency and fields, the number without leading zeros as the
 * course's `store_bets` writes it.
 */
export function rowOf(agency: number, bet: MadeBet): string {
  return [agency, ...fieldsOf(bet).slice(0, 4), Number(bet.number)].join('|');
}

/** The rows of a `bets.csv` as canonical lines; keeps the fields of malformed rows. */
export function rowsOfFile(text: string): string[] {
  return parseCsv(text).map(fields => {
    const number = fields.at(-1)!;
    return [...fields.slice(0, -1), /^\d+$/.test(number) ? Number(number) : number].join('|');
  });
}

/** With the quotes and line ends of Python's csv module. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let fields: string[] = [];
  for (const [, quotedField, plain, end] of text.matchAll(
    /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g,
  )) {
    const field = quotedField?.replaceAll('""', '"') ?? plain ?? '';
    if (end === '' && field === '' && fields.length === 0) break;
    fields.push(field);
    if (end === ',') continue;
    rows.push(fields);
    fields = [];
    if (end === '') break;
  }
  return rows;
}
