import { copyUsualLine, fieldsLength, lineLength } from './usual-line.ts';

/**
 * The agency's hot loop: usual lines of its file become fields of a payload. It is a module of its
 * own, since a client that starts should not have to compile what only a central does. The memory
 * belongs to the caller, who says where the chunk of the file and the fields are
 * (`kernel/wasm-line-copier.ts`):
 *
 *     lines   from ……………………… end       64 bytes that are read, whatever they are
 *     fields  to   ……………………… toEnd     64 bytes that may be written over
 *
 *     fields = *( "|" bet )
 *     bet    = field 4( "|" field )      as they stand in the line
 */

/** The place after the last field, and in the file after the last line. */
let fieldsEnd = 0;
let linesEnd = 0;

/**
 * Copies lines up to the first one that is not usual (`usual-line.ts`), whose fields have no room
 * before `toEnd`, or that is not all there; at most `countMax`.
 *
 * @returns the number of lines
 */
export function copyLines(
  from: i32,
  end: i32,
  delimiter: u8,
  to: i32,
  toEnd: i32,
  countMax: i32,
): i32 {
  let at = from;
  let out = to;
  let count = 0;
  while (count < countMax) {
    if (!copyUsualLine(at, end, delimiter, out, toEnd)) break;
    out += fieldsLength + 1;
    at += lineLength;
    count += 1;
  }
  fieldsEnd = out;
  linesEnd = at;
  return count;
}

export function getFieldsEnd(): i32 {
  return fieldsEnd;
}

export function getLinesEnd(): i32 {
  return linesEnd;
}
