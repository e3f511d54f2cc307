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

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/**
 * A duration as Go's `time.ParseDuration` reads it (`5s`, `150ms`, `1h30m`, `0`), in milliseconds; undefined when it is
 * none. Signs are not accepted: no wait here is negative.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  let milliseconds = 0;
  let parsed = 0;
  for (const [part, amount, unit] of text.matchAll(PART)) {
    milliseconds += Number(amount) * MILLISECONDS[unit!]!;
    parsed += part.length;
  }
  return parsed > 0 && parsed === text.length ? milliseconds : undefined;
}
