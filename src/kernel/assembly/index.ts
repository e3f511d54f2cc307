import { COMMA, LINE_END, SEPARATOR, ZERO } from './bytes.ts';
import { BATCH, batchFault, fieldFault, NONE, TOO_FEW_FIELDS, TOO_MANY_FIELDS } from './faults.ts';
import { appendFields, findFault, findFields } from './fields.ts';
import { copyUsualBet } from './usual-bet.ts';

/**
 * The hot loop of `kernel/plain-bet-reader.ts`, which says what it does, with vectors of 16 bytes.
 * The memory belongs to the caller, who says where payload and rows are
 * (`kernel/wasm-bet-reader.ts`).
 *
 *     payload   from …………………… end  1 byte, which gets a separator: the last field ends like every other
 *     rows      to   ……………………     twice the bytes of the payload, and 128 that may be written over
 *
 * Up to 64 bytes after the payload are read, whatever they are.
 *
 * @returns the place after the last row, or a negative number that says what is wrong (`faults.ts`)
 */
export function readBets(from: i32, end: i32, count: i32, agency: i32, to: i32): i32 {
  store<u8>(end, SEPARATOR);
  const agencyBytes = digitsOf(agency) + 1;
  const agencyField = encodeAgency(agency);
  let at = from;
  let out = to;
  for (let index = 0; index < count; index += 1) {
    store<u64>(out, agencyField);
    out += agencyBytes;
    const length = copyUsualBet(at, end, out);
    if (length > 0) {
      out += length;
      at += length + 1;
    } else {
      const separator = at > end ? -1 : findFields(at, end);
      if (separator < 0) return batchFault(index, fieldFault(BATCH, TOO_FEW_FIELDS));
      const fault = findFault();
      if (fault != NONE) return batchFault(index, fault);
      out = appendFields(out);
      at = separator + 1;
    }
    store<u16>(out, LINE_END);
    out += 2;
  }
  const last = count == 0 ? at : at - 1;
  return last == end ? out : batchFault(count, fieldFault(BATCH, TOO_MANY_FIELDS));
}

function digitsOf(agency: i32): i32 {
  return 1 + i32(agency > 9) + i32(agency > 99) + i32(agency > 999) + i32(agency > 9999);
}

/**
 * The agency's id and a comma, as they begin each of its rows: at most six bytes, the first one
 * lowest.
 */
function encodeAgency(agency: i32): u64 {
  let field = <u64>COMMA;
  for (let left = agency; left > 0; left /= 10) field = (field << 8) | (ZERO + (left % 10));
  return field;
}
