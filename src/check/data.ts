import { GIVEN_NAMES, SURNAMES } from '../dataset/names.ts';
import type { SeededRandom } from '../dataset/random.ts';
import { type MadeBet, WINNER_NUMBER } from './profiles/tp0.ts';

/** What one client has to send: in exercise 5 its first bet, else all of them as its file. */
export interface AgencyInput {
  readonly agency: number;
  readonly bets: readonly MadeBet[];
  /** The bytes of `agency-N.csv`; may hold lines that are no bet. */
  readonly file: string;
}

interface DataShape {
  readonly clients: number;
  /** Of each agency, at least and at most; the last but one agency has fewer. */
  readonly betsMin: number;
  readonly betsMax: number;
  /** Winners of an agency at most; 4 when not given. */
  readonly winnersMax?: number;
  /**
   * A very long name, a comma within quotes, and no line end after the last row: what the course's
   * files do not have. A program that it is too much for still has to show all else.
   */
  readonly hasTrickyFile?: boolean;
}

const DOCUMENT_FIRST = 20_000_000;
/** Between two documents: every one is different, in an order that says nothing. */
const DOCUMENT_STEP_MAX = 9_000;

const DAY_MS = 86_400_000;
const FIRST_BIRTH = Date.UTC(1940, 0, 1);
const BIRTH_DAYS = 24_000;

/** A bet of more than 127 bytes, whose letters are two bytes long each. */
const LONG_NAME = 'ÁÉÍÓÚÑÜ áéíóúñü ÁÉÍÓÚÑÜ áéíó';

/**
 * Bets for every agency, other ones for every seed. Among them: letters of two bytes, `0007`,
 * winners at random places, and one agency that has none.
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
  // Without a line end after it, a shorter number could be the beginning of one.
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

/** Lines as the course's files have them. */
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
 * One line for a bet and its agency, for comparing: the number without its zeros, as the course's
 * `store_bets` has it.
 */
export function rowOf(agency: number, bet: MadeBet): string {
  return [agency, ...fieldsOf(bet).slice(0, 4), Number(bet.number)].join('|');
}

/** The rows of a `bets.csv` in the same form; what is no row of six fields stays as it is. */
export function rowsOfFile(text: string): string[] {
  return parseCsv(text).map(fields => {
    const number = fields.at(-1)!;
    return [...fields.slice(0, -1), /^\d+$/.test(number) ? Number(number) : number].join('|');
  });
}

/** Quotes and line ends as Python's csv module has them. */
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
