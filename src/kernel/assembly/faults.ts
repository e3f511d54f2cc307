/**
 * Why a batch is refused, as one number that the caller can tell from a place in the memory: the
 * complement of
 *
 *     index << 8 | field << 4 | reason
 *
 * Fields and reasons are numbered in the order of `BET_FIELDS` and then `batch`, and of
 * `FAULT_REASONS` and then `BATCH_FAULT_REASONS`.
 */

export const FIRST_NAME = 0;
export const LAST_NAME = 1;
export const DOCUMENT = 2;
export const BIRTHDATE = 3;
export const NUMBER = 4;
export const BATCH = 5;

/** Nothing is wrong. */
export const NONE = -1;
export const EMPTY = 0;
export const TOO_LONG = 1;
export const CONTROL_CHARACTER = 2;
export const NOT_UTF_8 = 3;
export const NOT_DIGITS = 4;
export const NOT_A_DATE = 5;
export const OUT_OF_RANGE = 6;
export const TOO_FEW_FIELDS = 8;
export const TOO_MANY_FIELDS = 9;

export function fieldFault(field: i32, reason: i32): i32 {
  return reason == NONE ? NONE : (field << 4) | reason;
}

export function batchFault(index: i32, fault: i32): i32 {
  return ~((index << 8) | fault);
}
