import type { Verdict } from '../../../src/check/finding.ts';
import type { Patch } from './subject.ts';

/** A solution with one typical fault. */
export interface Mutant {
  readonly name: string;
  /** Why students make it. */
  readonly why: string;
  readonly patches: readonly Patch[];
  /** The verdicts other than `ok`, by check. */
  readonly expected: Readonly<Record<string, Exclude<Verdict, 'ok'>>>;
  /** Whether it is correct in a container. */
  readonly isOkInDocker?: boolean;
  /** Checks that may find it too, depending on a race. */
  readonly possible?: readonly string[];
}
