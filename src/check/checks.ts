import type { Check } from './check.ts';
import { outcome } from './checks/outcome.ts';

/** Every check, in the order of the report. A new one is a file in `checks/` and a line here. */
export const CHECKS: readonly Check[] = [outcome];
