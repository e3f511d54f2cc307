import type { Exercise } from './exercise.ts';
import type { Judgement, Text } from './finding.ts';
import type { Lab } from './lab.ts';

/** One check: a file in `checks/`, a line in `checks.ts`. */
export interface Check {
  /** The name for `--only`, in kebab case. */
  readonly id: string;
  /** The exercises that it is made for, once each. */
  readonly exercises: readonly Exercise[];
  readonly title: Text;
  /** Why it matters, for `--list` and for the report. */
  readonly why: Text;
  /** The longest that one trial may take. */
  readonly limitMs: number;
  /** How many trials with different data have to hold; 1 when not given. */
  readonly trials?: number;
  /** A runner that alone can make this check. */
  readonly needs?: 'docker' | 'native';
  /**
   * One trial. It must be decided by `lab.seed` alone: a trial that fails is repeated with the same
   * seed.
   *
   * @throws NotCheckable (as a rejection) when it cannot be made here
   */
  run(lab: Lab): Promise<Judgement>;
}
