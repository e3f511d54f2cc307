import { pair } from './bytes.ts';

/** Every month has these days. */
const DAYS_OF_ANY_MONTH = 28;
/** `0000`, as a little-endian word: there is no such year. */
const YEAR_ZERO: u32 = 0x30303030;

/** Whether `YYYY-MM-DD`, in digits, is a day of the calendar. */
export function isDay(at: i32): bool {
  const month = pair(at + 5);
  const day = pair(at + 8);
  if (month < 1 || month > 12 || day < 1 || load<u32>(at) == YEAR_ZERO) return false;
  return day <= DAYS_OF_ANY_MONTH || day <= daysOfMonth(pair(at) * 100 + pair(at + 2), month);
}

function daysOfMonth(year: i32, month: i32): i32 {
  if (month == 2) return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}
