import { createHash } from 'node:crypto';
import type { Acta, ByHand } from './fact.ts';

/** Length and digests of all rows of a lottery. */
export interface BetsDigest {
  readonly bytes: number;
  /** SHA-256 of all rows, in hex. */
  readonly sha256: string;
  /** SHA-256 of the rows of each agency that has any. */
  readonly agencies: ReadonlyMap<number, string>;
}

export interface ActaParts {
  /** Unique id of the lottery. */
  readonly lottery: string;
  readonly number: number;
  readonly time: string;
  readonly digest: BetsDigest;
  /** Bets of each agency that takes part, in ascending order. */
  readonly bets: readonly (readonly [agency: number, bets: number])[];
  /** Interventions of operators, in order. */
  readonly byHand: readonly ByHand[];
}

const FIRST_LINE = 'loteria-acta 1';

export const SHA256_OF_NOTHING = createHash('sha256').digest('hex');

/**
 * The acta de cierre. Nothing in it is personal data of a customer.
 *
 *     acta  = `loteria-acta 1` LF *( key `: ` value LF )
 *     keys  = lottery, acta, closed, bets, bytes, sha256, then `agency N` for each agency, then `void` for each upload
 *             that does not count
 */
export function closeActa({ lottery, number, time, digest, bets, byHand }: ActaParts): Acta {
  const betsInAll = bets.reduce((sum, [, count]) => sum + count, 0);
  const { bytes, sha256 } = digest;
  const lines = [
    FIRST_LINE,
    `lottery: ${lottery}`,
    `acta: ${number}`,
    `closed: ${time}`,
    `bets: ${betsInAll}`,
    `bytes: ${bytes}`,
    `sha256: ${sha256}`,
    ...bets.map(([agency, count]) => agencyLine(agency, count, digest.agencies.get(agency))),
    ...byHand.flatMap(voidLines),
  ];
  return { number, time, bets: betsInAll, bytes, sha256, text: linesOf(lines) };
}

function agencyLine(agency: number, bets: number, sha256 = SHA256_OF_NOTHING): string {
  return `agency ${agency}: bets ${bets} sha256 ${sha256}`;
}

function voidLines(fact: ByHand): string[] {
  if (fact.kind !== 'voided') return [];
  const { reason, by, time } = fact.intervention;
  const upload = fact.upload === undefined ? '' : ` upload ${fact.upload}`;
  return [
    `void: agency ${fact.agency}${upload} bets ${fact.bets} reason ${JSON.stringify(reason)} by ${by} at ${time}`,
  ];
}

export interface DrawActaParts {
  readonly lottery: string;
  readonly acta: Acta;
  /** When the draw was held, ISO 8601. */
  readonly time: string;
  readonly winningNumber: number;
  /**
   * Documents of the winners of each agency, in ascending order of the agencies and stored order.
   */
  readonly winners: readonly (readonly [agency: number, documents: readonly string[]])[];
}

/**
 * The acta de sorteo: the winners among the bets of an acta de cierre. The digest of an agency's
 * list is that of its documents, a line each.
 *
 *     acta  = `loteria-sorteo 1` LF *( key `: ` value LF )
 *     keys  = lottery, acta, acta-sha256, drawn, number, winners, then `agency N` for each agency
 */
export function drawActa({ lottery, acta, time, winningNumber, winners }: DrawActaParts): string {
  const inAll = winners.reduce((sum, [, { length }]) => sum + length, 0);
  return linesOf([
    'loteria-sorteo 1',
    `lottery: ${lottery}`,
    `acta: ${acta.number}`,
    `acta-sha256: ${sha256OfActa(acta)}`,
    `drawn: ${time}`,
    `number: ${winningNumber}`,
    `winners: ${inAll}`,
    ...winners.map(
      ([agency, documents]) =>
        `agency ${agency}: winners ${documents.length} sha256 ${sha256Of(linesOf(documents))}`,
    ),
  ]);
}

/** The content of an acta de cierre. */
export interface ActaContent {
  readonly lottery: string;
  readonly number: number;
  readonly closed: string;
  readonly bets: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly agencies: ReadonlyMap<number, Counted>;
}

/** The content of an acta de sorteo. */
export interface DrawActaContent {
  readonly lottery: string;
  /** Number and SHA-256 of the acta de cierre. */
  readonly acta: number;
  readonly actaSha256: string;
  readonly drawn: string;
  readonly number: number;
  readonly winners: number;
  readonly agencies: ReadonlyMap<number, Counted>;
}

/** Bets or winners of an agency: how many, and the SHA-256 of their lines. */
export interface Counted {
  readonly count: number;
  readonly sha256: string;
}

const HEAD =
  /^loteria-acta 1\nlottery: ([^\n]+)\nacta: (\d{1,15})\nclosed: ([^\n]+)\nbets: (\d{1,15})\nbytes: (\d{1,15})\nsha256: ([0-9a-f]{64})\n/;
const AGENCY = /^agency (\d{1,5}): bets (\d{1,15}) sha256 ([0-9a-f]{64})\n/;
const VOIDS = /^(?:void: [^\n]+\n)*$/;

/** Whether a text may be an acta de cierre, or what a crash has left of one: perhaps nothing. */
export function beginsAsActa(text: string): boolean {
  return `${FIRST_LINE}\n`.startsWith(text.slice(0, FIRST_LINE.length + 1));
}

/** Undefined when the text is no acta de cierre. */
export function readActa(text: string): ActaContent | undefined {
  const head = HEAD.exec(text);
  if (head === null) return undefined;
  const [{ length }, lottery, number, closed, bets, bytes, sha256] = head as unknown as string[] &
    [string];
  const { agencies, rest } = readAgencies(text.slice(length), AGENCY);
  if (!VOIDS.test(rest)) return undefined;
  return {
    lottery: lottery!,
    number: Number(number),
    closed: closed!,
    bets: Number(bets),
    bytes: Number(bytes),
    sha256: sha256!,
    agencies,
  };
}

const DRAW_HEAD =
  /^loteria-sorteo 1\nlottery: ([^\n]+)\nacta: (\d{1,15})\nacta-sha256: ([0-9a-f]{64})\ndrawn: ([^\n]+)\nnumber: (\d{1,4})\nwinners: (\d{1,15})\n/;
const DRAW_AGENCY = /^agency (\d{1,5}): winners (\d{1,15}) sha256 ([0-9a-f]{64})\n/;

/** Undefined when the text is no acta de sorteo. */
export function readDrawActa(text: string): DrawActaContent | undefined {
  const head = DRAW_HEAD.exec(text);
  if (head === null) return undefined;
  const [{ length }, lottery, acta, actaSha256, drawn, number, winners] =
    head as unknown as string[] & [string];
  const { agencies, rest } = readAgencies(text.slice(length), DRAW_AGENCY);
  if (rest !== '') return undefined;
  return {
    lottery: lottery!,
    acta: Number(acta),
    actaSha256: actaSha256!,
    drawn: drawn!,
    number: Number(number),
    winners: Number(winners),
    agencies,
  };
}

/** Reads lines of agencies for as long as they ascend: an agency has one line. */
function readAgencies(
  text: string,
  line: RegExp,
): { readonly agencies: ReadonlyMap<number, Counted>; readonly rest: string } {
  const agencies = new Map<number, Counted>();
  let rest = text;
  let last = 0;
  for (let found = line.exec(rest); found !== null; found = line.exec(rest)) {
    const agency = Number(found[1]);
    if (agency <= last) break;
    agencies.set(agency, { count: Number(found[2]), sha256: found[3]! });
    last = agency;
    rest = rest.slice(found[0].length);
  }
  return { agencies, rest };
}

const digests = new WeakMap<Acta, string>();

/** SHA-256 of the document, in hex. Cached: the live page needs it every second. */
export function sha256OfActa(acta: Acta): string {
  let sha256 = digests.get(acta);
  if (sha256 === undefined) digests.set(acta, (sha256 = sha256Of(acta.text)));
  return sha256;
}

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function linesOf(lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('');
}
