import type { Verdict } from '../../../src/check/finding.ts';
import type { Patch } from './subject.ts';

/** A solution with exactly one mistake, as students make it. */
export interface Mutant {
  readonly name: string;
  /** Why students do that. */
  readonly why: string;
  readonly patches: readonly Patch[];
  /** The checks that must not say `ok`, and what they must say. */
  readonly expected: Readonly<Record<string, Exclude<Verdict, 'ok'>>>;
  /** In a container it is no mistake. */
  readonly isOkInDocker?: boolean;
  /** Checks that may find it as well: a race that depends on the moment. */
  readonly possible?: readonly string[];
}
