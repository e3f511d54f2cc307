import {
  type ActaContent,
  type BetsDigest,
  type Counted,
  type DrawActaContent,
  readActa,
  readDrawActa,
  sha256Of,
  SHA256_OF_NOTHING,
} from '../lottery/acta.ts';
import { ACTA_FILE, DRAW_ACTA_FILE } from './acta-folder.ts';
import { type Check, compare, differs, notChecked, ok } from './check.ts';
import type { Recount } from './recount.ts';
import { type ActaKey, faultOfSignature } from './signature.ts';

/** Everything but the acta and the rows may be missing. */
export interface AuditParts {
  readonly rows: Recount;
  readonly acta: string;
  readonly drawActa: string | undefined;
  readonly signature: Uint8Array | undefined;
  readonly key: ActaKey | undefined;
  readonly winningNumber: number;
  /** Both documents in the journal, or its damage; undefined without a journal. */
  readonly journal: JournalActas | { readonly damage: string } | undefined;
}

interface JournalActas {
  readonly acta: string | undefined;
  readonly drawActa: string | undefined;
}

const NOTHING: Counted = { count: 0, sha256: SHA256_OF_NOTHING };

/** Compares the documents of a lottery with its rows and with each other. */
export function audit(parts: AuditParts): Check[] {
  const { rows } = parts;
  const acta = readActa(parts.acta);
  const what = 'acta.txt';
  if (acta === undefined) return [differs(what, 'an acta de cierre', 'something else')];
  return [
    ok(what, `acta ${acta.number} of lottery ${acta.lottery}, closed ${acta.closed}`),
    checkRows(rows),
    ...checkActa(acta, rows, rows.fault === undefined ? rows.bets : undefined),
    ...checkDraw(acta, parts),
    checkSignature(parts),
    ...checkJournal(parts),
  ];
}

function checkRows({ fault, bets }: Recount): Check {
  const what = 'rows of bets.csv';
  return fault === undefined
    ? ok(what, `${sumOf(bets.values())}, each a valid bet`)
    : differs(what, 'valid bets only', fault);
}

/**
 * Compares an acta de cierre with the rows.
 *
 * @param bets of each agency; undefined when they could not be counted
 */
export function checkActa(
  acta: ActaContent,
  { bytes, sha256, agencies }: BetsDigest,
  bets: ReadonlyMap<number, number> | undefined,
): Check[] {
  const whole = [
    compare('length of bets.csv', acta.bytes, bytes),
    compare('SHA-256 of bets.csv', acta.sha256, sha256),
    compare('sum of the agencies in acta.txt', acta.bets, sumOf(countsOf(acta.agencies))),
  ];
  if (bets === undefined)
    return [...whole, notChecked('bets of each agency', 'there are rows that are no bets')];
  const found = new Map<number, Counted>();
  for (const [agency, count] of bets)
    found.set(agency, { count, sha256: agencies.get(agency) ?? SHA256_OF_NOTHING });
  return [
    ...whole,
    compare('bets', acta.bets, sumOf(bets.values())),
    ...compareAgencies('bets', acta.agencies, found),
  ];
}

function checkDraw(
  acta: ActaContent,
  { acta: text, drawActa, rows, winningNumber, journal }: AuditParts,
): Check[] {
  if (drawActa === undefined) {
    const isHeld = journal !== undefined && 'drawActa' in journal && journal.drawActa !== undefined;
    return isHeld ? [] : [notChecked(DRAW_ACTA_FILE, 'there is none, the draw has not been held')];
  }
  const draw = readDrawActa(drawActa);
  if (draw === undefined) return [differs(DRAW_ACTA_FILE, 'an acta de sorteo', 'something else')];
  return [
    ok(DRAW_ACTA_FILE, `drawn ${draw.drawn}`),
    compare('lottery of the draw', acta.lottery, draw.lottery),
    compare('acta of the draw', acta.number, draw.acta),
    compare('SHA-256 of acta.txt', draw.actaSha256, sha256Of(text)),
    compare('winning number', winningNumber, draw.number),
    compare('sum of the agencies in acta-sorteo.txt', draw.winners, sumOf(countsOf(draw.agencies))),
    ...checkWinners(acta, draw, rows),
  ];
}

function checkWinners(
  acta: ActaContent,
  draw: DrawActaContent,
  { fault, winners }: Recount,
): Check[] {
  if (fault !== undefined) return [notChecked('winners', 'there are rows that are no bets')];
  // The draw lists every agency of the acta, also those without winners.
  const found = new Map([...acta.agencies.keys()].map(agency => [agency, NOTHING]));
  for (const [agency, counted] of winners) found.set(agency, counted);
  return [
    compare('winners', draw.winners, sumOf(countsOf(winners))),
    ...compareAgencies('winners', draw.agencies, found),
  ];
}

/** Compares each agency; a listed one may have no rows. */
function compareAgencies(
  unit: 'bets' | 'winners',
  listed: ReadonlyMap<number, Counted>,
  found: ReadonlyMap<number, Counted>,
): Check[] {
  const say = (counted: Counted | undefined): string | undefined =>
    counted && `${counted.count} ${unit} sha256 ${counted.sha256}`;
  return [...new Set([...listed.keys(), ...found.keys()])]
    .toSorted((a, b) => a - b)
    .map(agency =>
      compare(
        `${unit} of agency ${agency}`,
        say(listed.get(agency)),
        say(found.get(agency) ?? NOTHING),
      ),
    );
}

function checkSignature({ acta, signature, key }: AuditParts): Check {
  const what = 'signature';
  if (signature === undefined) {
    return key === undefined
      ? notChecked(what, 'there is none')
      : differs(what, `one by ${key.fingerprint}`, 'none');
  }
  if (key === undefined)
    return notChecked(what, 'there is one, --key FILE names the key that verifies it');
  const fault = faultOfSignature(acta, signature, key);
  return fault === undefined
    ? ok(what, `by the key ${key.fingerprint}`)
    : differs(what, `one by ${key.fingerprint}`, fault);
}

function checkJournal({ acta, drawActa, journal }: AuditParts): Check[] {
  const what = 'bets.journal';
  if (journal === undefined) return [notChecked(what, 'there is none')];
  if ('damage' in journal) return [differs(what, 'a journal of these bets', journal.damage)];
  const document = (text: string | undefined): string | undefined =>
    text && `a text with SHA-256 ${sha256Of(text)}`;
  const checks = [compare(`${ACTA_FILE} in the journal`, document(journal.acta), document(acta))];
  if (journal.drawActa !== undefined || drawActa !== undefined)
    checks.push(
      compare(`${DRAW_ACTA_FILE} in the journal`, document(journal.drawActa), document(drawActa)),
    );
  return checks;
}

const countsOf = (agencies: ReadonlyMap<number, Counted>): number[] =>
  [...agencies.values()].map(({ count }) => count);

function sumOf(counts: Iterable<number>): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}
