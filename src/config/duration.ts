import type { ValueType } from './keys.ts';

const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** The range of Go's `time.Duration`, 64 bits of nanoseconds. */
const DURATION_MS_MAX = 2 ** 63 / 1e6;

/** Node's timers take at most 24 days, and waits grow by up to a quarter. */
const WAIT_MS_MAX = 168 * 3_600_000;

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/** A duration in the syntax of Go's `time.ParseDuration`, without signs, in milliseconds. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  let milliseconds = 0;
  let parsed = 0;
  for (const [part, amount, unit] of text.matchAll(PART)) {
    milliseconds += Number(amount) * MILLISECONDS[unit!]!;
    parsed += part.length;
  }
  return parsed > 0 && parsed === text.length && milliseconds < DURATION_MS_MAX
    ? milliseconds
    : undefined;
}

/** A duration that a timer can wait for, in milliseconds. */
export function parseWait(text: string): number | undefined {
  const milliseconds = parseDuration(text);
  return milliseconds !== undefined && milliseconds >= 1 && milliseconds <= WAIT_MS_MAX
    ? milliseconds
    : undefined;
}

export const WAIT: ValueType<number> = {
  allowed: 'a duration such as 5s, 150ms or 1h30m, at least 1ms and at most 168h',
  parse: parseWait,
};
