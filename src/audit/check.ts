/** The result of one check. */
export interface Check {
  readonly what: string;
  readonly result: 'ok' | 'differs' | 'not checked';
  /** What was found, and expected where it differs; or why it was not checked. */
  readonly detail: string;
}

/** Compares a stated value with the counted one. */
export function compare(
  what: string,
  expected: string | number | undefined,
  found: string | number | undefined,
): Check {
  return expected === found
    ? ok(what, String(found))
    : differs(what, String(expected ?? 'nothing'), String(found ?? 'nothing'));
}

export const ok = (what: string, detail: string): Check => ({ what, result: 'ok', detail });

export const differs = (what: string, expected: string, found: string): Check => ({
  what,
  result: 'differs',
  detail: `expected ${expected}, found ${found}`,
});

export const notChecked = (what: string, why: string): Check => ({
  what,
  result: 'not checked',
  detail: why,
});
