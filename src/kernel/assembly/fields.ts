import { COMMA, QUOTE, SEPARATOR } from './bytes.ts';
import { BIRTHDATE, DOCUMENT, fieldFault, FIRST_NAME, LAST_NAME, NONE, NUMBER } from './faults.ts';
import { birthdateFault, documentFault, nameFault, numberFault, skipZeros } from './rules.ts';

/** Any bet, field by field, as `kernel/plain-bet-reader.ts` reads it. */

// The fields of the bet that `findFields` has found: each ends at its separator, after which the
// next one starts.
let firstName = 0;
let firstNameEnd = 0;
let lastNameEnd = 0;
let documentEnd = 0;
let birthdateEnd = 0;
let numberEnd = 0;

/**
 * Finds the five fields at `at` and returns the place of the separator after them, -1 when the
 * payload has fewer. A separator stands at `end`.
 */
export function findFields(at: i32, end: i32): i32 {
  firstName = at;
  firstNameEnd = findSeparator(firstName);
  if (firstNameEnd >= end) return -1;
  lastNameEnd = findSeparator(firstNameEnd + 1);
  if (lastNameEnd >= end) return -1;
  documentEnd = findSeparator(lastNameEnd + 1);
  if (documentEnd >= end) return -1;
  birthdateEnd = findSeparator(documentEnd + 1);
  if (birthdateEnd >= end) return -1;
  numberEnd = findSeparator(birthdateEnd + 1);
  return numberEnd;
}

function findSeparator(from: i32): i32 {
  let at = from;
  while (load<u8>(at) != SEPARATOR) at += 1;
  return at;
}

/** The first fault of the fields, or `NONE`. */
export function findFault(): i32 {
  let reason = nameFault(firstName, firstNameEnd);
  if (reason != NONE) return fieldFault(FIRST_NAME, reason);
  reason = nameFault(firstNameEnd + 1, lastNameEnd);
  if (reason != NONE) return fieldFault(LAST_NAME, reason);
  reason = documentFault(lastNameEnd + 1, documentEnd);
  if (reason != NONE) return fieldFault(DOCUMENT, reason);
  reason = birthdateFault(documentEnd + 1, birthdateEnd);
  if (reason != NONE) return fieldFault(BIRTHDATE, reason);
  return fieldFault(NUMBER, numberFault(birthdateEnd + 1, numberEnd));
}

/**
 * Writes the fields, which are valid, with commas between them, and returns the place after them.
 */
export function appendFields(to: i32): i32 {
  let out = appendName(to, firstName, firstNameEnd);
  out = appendName(out, firstNameEnd + 1, lastNameEnd);
  out = appendPlain(out, lastNameEnd + 1, documentEnd);
  out = appendPlain(out, documentEnd + 1, birthdateEnd);
  const number = skipZeros(birthdateEnd + 1, numberEnd);
  memory.copy(out, number, numberEnd - number);
  return out + numberEnd - number;
}

/** Copies a field and its comma; when it turns out to need quotes, starts over with them. */
function appendName(to: i32, start: i32, end: i32): i32 {
  let out = to;
  for (let at = start; at < end; at += 1) {
    const byte = load<u8>(at);
    if (byte == COMMA || byte == QUOTE) return appendQuoted(to, start, end);
    store<u8>(out++, byte);
  }
  store<u8>(out++, COMMA);
  return out;
}

function appendQuoted(to: i32, start: i32, end: i32): i32 {
  let out = to;
  store<u8>(out++, QUOTE);
  for (let at = start; at < end; at += 1) {
    const byte = load<u8>(at);
    if (byte == QUOTE) store<u8>(out++, QUOTE);
    store<u8>(out++, byte);
  }
  store<u8>(out++, QUOTE);
  store<u8>(out++, COMMA);
  return out;
}

function appendPlain(to: i32, start: i32, end: i32): i32 {
  let out = to;
  for (let at = start; at < end; at += 1) store<u8>(out++, load<u8>(at));
  store<u8>(out++, COMMA);
  return out;
}
