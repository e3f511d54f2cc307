import type { BetField, FaultReason } from '../../src/lottery/bet-rules.ts';

/**
 * An independent implementation of the rules of a bet, with the platform's decoder, regular
 * expressions and dates. Each function lists every fault of a field; empty means valid.
 */

const ORACLES: readonly [BetField, (bytes: Uint8Array) => FaultReason[]][] = [
  ['first_name', reasonsOfName],
  ['last_name', reasonsOfName],
  ['document', reasonsOfDocument],
  ['birthdate', reasonsOfBirthdate],
  ['number', reasonsOfNumber],
];

/** The first invalid field with all its faults; undefined if the bet is valid. */
export function expectedFault(
  fields: readonly Uint8Array[],
): [BetField, FaultReason[]] | undefined {
  return ORACLES.map(([field, reasonsOf], index): [BetField, FaultReason[]] => [
    field,
    reasonsOf(fields[index] ?? new Uint8Array(0)),
  ]).find(([, reasons]) => reasons.length > 0);
}

function reasonsOfName(bytes: Uint8Array): FaultReason[] {
  if (bytes.length === 0) return ['empty'];
  const reasons: FaultReason[] = [];
  if (bytes.length > 255) reasons.push('too-long');
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    reasons.push('not-utf-8');
  }
  if (/\p{Cc}/u.test(new TextDecoder().decode(bytes))) reasons.push('control-character');
  return reasons;
}

function reasonsOfDocument(bytes: Uint8Array): FaultReason[] {
  const text = Buffer.from(bytes).toString('latin1');
  if (text === '') return ['empty'];
  if (!/^[0-9]+$/.test(text)) return ['not-digits'];
  return text.length > 10 ? ['too-long'] : [];
}

function reasonsOfBirthdate(bytes: Uint8Array): FaultReason[] {
  const text = Buffer.from(bytes).toString('latin1');
  if (text === '') return ['empty'];
  const [, year, month, day] = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text) ?? [];
  if (year === undefined || year === '0000') return ['not-a-date'];
  // The calendar repeats after 400 years, and `Date.UTC` maps the years 0 to 99 to 1900 to 1999.
  const date = new Date(Date.UTC(Number(year) + 400, Number(month) - 1, Number(day)));
  const same = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  return same ? [] : ['not-a-date'];
}

function reasonsOfNumber(bytes: Uint8Array): FaultReason[] {
  const text = Buffer.from(bytes).toString('latin1');
  if (text === '') return ['empty'];
  if (!/^[0-9]+$/.test(text)) return ['not-digits'];
  const reasons: FaultReason[] = [];
  if (text.length > 10) reasons.push('too-long');
  if (BigInt(text) > 9999n) reasons.push('out-of-range');
  return reasons;
}
