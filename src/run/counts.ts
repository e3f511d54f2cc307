const format = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A whole number with its thousands separated. */
export const whole = (count: number): string => format.format(count);

/** A number of things, such as `1 bet` or `78,000 bets`. */
export function countOf(count: number, one: string, several = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : several}`;
}

export function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
