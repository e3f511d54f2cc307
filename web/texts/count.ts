/**
 * Makes a function that puts a noun after a formatted number, on one line: `1 bet`, `2,000 bets`.
 */
export function counted(one: string, many: string): (count: string | undefined) => string {
  return (count = '?') => `${count}\u00a0${count === '1' ? one : many}`;
}
