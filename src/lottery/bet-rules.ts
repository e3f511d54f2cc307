/**
 * What makes a bet valid (exercise 5; the assignment's `Bet` class). Both sides use these rules:
 * the agency on each line of its file, the central on each bet of a payload. They work on the bytes
 * where they lie, so that checking a bet creates nothing.
 */

export const AGENCY_MAX = 65_535;
const NAME_BYTES_MAX = 255;
const DOCUMENT_DIGITS_MAX = 10;
/** Digits that a number may be written with; its value is 0..9999. */
const NUMBER_DIGITS_MAX = 10;

/** The five fields of a bet in the order of the agency's file and of the wire. */
export const BET_FIELDS = ['first_name', 'last_name', 'document', 'birthdate', 'number'] as const;

export type BetField = (typeof BET_FIELDS)[number];

/** Why a field is refused. The words are part of log lines and of the wire (`docs/ERRORS.md`). */
export const FAULT_REASONS = [
  'empty',
  'too-long',
  'control-character',
  'not-utf-8',
  'not-digits',
  'not-a-date',
  'out-of-range',
] as const;

export type FaultReason = (typeof FAULT_REASONS)[number];

export interface BetFault {
  readonly field: BetField;
  readonly reason: FaultReason;
}

/**
 * Five or more fields of one record: field `i` is `bytes[starts[i]]` up to, not including,
 * `bytes[ends[i]]`.
 */
export interface FieldRanges {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** The ranges of fields that are given as texts. */
export function fieldsOf(texts: readonly string[]): FieldRanges {
  const parts = texts.map(text => Buffer.from(text));
  const bytes = Buffer.concat(parts);
  let end = 0;
  const ends = Int32Array.from(parts, part => (end += part.length));
  const starts = ends.map((fieldEnd, index) => fieldEnd - parts[index]!.length);
  return { bytes, starts, ends };
}

/** One field of a bet as text. */
export function fieldText({ bytes, starts, ends }: FieldRanges, field: BetField): string {
  const index = BET_FIELDS.indexOf(field);
  return Buffer.from(bytes.subarray(starts[index], ends[index])).toString('utf8');
}

/** The first fault of a bet in the order of `BET_FIELDS`, or undefined when the bet is valid. */
export function findFault({ bytes, starts, ends }: FieldRanges): BetFault | undefined {
  let reason = nameFault(bytes, starts[0]!, ends[0]!);
  if (reason !== undefined) return { field: 'first_name', reason };
  reason = nameFault(bytes, starts[1]!, ends[1]!);
  if (reason !== undefined) return { field: 'last_name', reason };
  reason = documentFault(bytes, starts[2]!, ends[2]!);
  if (reason !== undefined) return { field: 'document', reason };
  reason = birthdateFault(bytes, starts[3]!, ends[3]!);
  if (reason !== undefined) return { field: 'birthdate', reason };
  reason = numberFault(bytes, starts[4]!, ends[4]!);
  if (reason !== undefined) return { field: 'number', reason };
  return undefined;
}

/** Every fault of a bet, at most one of each field. */
export function findFaults({ bytes, starts, ends }: FieldRanges): BetFault[] {
  const rules = [nameFault, nameFault, documentFault, birthdateFault, numberFault];
  return BET_FIELDS.flatMap((field, index) => {
    const reason = rules[index]!(bytes, starts[index]!, ends[index]!);
    return reason === undefined ? [] : [{ field, reason }];
  });
}

/** Non-empty, at most 255 bytes of well-formed UTF-8, no control characters (C0, DEL, C1). */
function nameFault(bytes: Uint8Array, start: number, end: number): FaultReason | undefined {
  if (start === end) return 'empty';
  if (end - start > NAME_BYTES_MAX) return 'too-long';
  let at = start;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte >= 0x20 && byte < 0x7f) {
      at += 1;
    } else if (byte < 0x80) {
      return 'control-character';
    } else {
      const length = sequenceLength(bytes, at, end);
      if (length === 0) return 'not-utf-8';
      if (byte === 0xc2 && bytes[at + 1]! < 0xa0) return 'control-character';
      at += length;
    }
  }
  return undefined;
}

/**
 * Length of the UTF-8 sequence of two to four bytes at `at`, 0 when it is not well-formed: no
 * overlong forms, no surrogates, nothing above U+10FFFF (the table of the Unicode standard, chapter
 * 3, "well-formed byte sequences").
 */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  const second = at + 1 < end ? bytes[at + 1]! : 0;
  if (first >= 0xc2 && first <= 0xdf) return isContinuation(second) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const low = first === 0xe0 ? 0xa0 : 0x80;
    const high = first === 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && at + 2 < end && isContinuation(bytes[at + 2]!)
      ? 3
      : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const low = first === 0xf0 ? 0x90 : 0x80;
    const high = first === 0xf4 ? 0x8f : 0xbf;
    const inRange = second >= low && second <= high && at + 3 < end;
    return inRange && isContinuation(bytes[at + 2]!) && isContinuation(bytes[at + 3]!) ? 4 : 0;
  }
  return 0;
}

function isContinuation(byte: number): boolean {
  return byte >= 0x80 && byte <= 0xbf;
}

/** 1 to 10 digits; leading zeros belong to the document and stay. */
function documentFault(bytes: Uint8Array, start: number, end: number): FaultReason | undefined {
  if (start === end) return 'empty';
  if (!areDigits(bytes, start, end)) return 'not-digits';
  return end - start > DOCUMENT_DIGITS_MAX ? 'too-long' : undefined;
}

/**
 * A real day of the Gregorian calendar, `YYYY-MM-DD`, years 0001 to 9999 as in Python's
 * `datetime.date`.
 */
function birthdateFault(bytes: Uint8Array, start: number, end: number): FaultReason | undefined {
  if (start === end) return 'empty';
  if (end - start !== 10 || bytes[start + 4] !== 0x2d || bytes[start + 7] !== 0x2d)
    return 'not-a-date';
  const century = pair(bytes, start);
  const yearOfCentury = pair(bytes, start + 2);
  const month = pair(bytes, start + 5);
  const day = pair(bytes, start + 8);
  if (century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1) return 'not-a-date';
  const year = century * 100 + yearOfCentury;
  return year < 1 || day > daysOfMonth(year, month) ? 'not-a-date' : undefined;
}

/** Two digits as a number, or -1. */
function pair(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 0x30;
  const units = bytes[at + 1]! - 0x30;
  return tens >= 0 && tens <= 9 && units >= 0 && units <= 9 ? tens * 10 + units : -1;
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/**
 * A value of 0..9999 in at most 10 digits. Leading zeros are accepted and not stored: `007` is `7`.
 */
function numberFault(bytes: Uint8Array, start: number, end: number): FaultReason | undefined {
  if (start === end) return 'empty';
  if (!areDigits(bytes, start, end)) return 'not-digits';
  if (end - start > NUMBER_DIGITS_MAX) return 'too-long';
  return end - skipZeros(bytes, start, end) > 4 ? 'out-of-range' : undefined;
}

/** Where the number without its leading zeros begins; `000` keeps its last digit. */
export function skipZeros(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end - 1 && bytes[at] === 0x30) at += 1;
  return at;
}

function areDigits(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at]!;
    if (byte < 0x30 || byte > 0x39) return false;
  }
  return true;
}

/** An agency's id as text (`1`..`65535`, digits only), or undefined when it is not one. */
export function parseAgency(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const agency = Number(text);
  return agency >= 1 && agency <= AGENCY_MAX ? agency : undefined;
}
