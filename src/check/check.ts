import type { Exercise } from './exercise.ts';
import type { Judgement, Text } from './finding.ts';
import type { Lab } from './lab.ts';

/** A check: a file in `checks/` and an entry in `checks.ts`. */
export interface Check {
  /** The name for `--only`, in kebab case. */
  readonly id: string;
  /** It runs once for each. */
  readonly exercises: readonly Exercise[];
  readonly title: Text;
  /** Why it matters, for `--list` and for the report. */
  readonly why: Text;
  /** Time limit of a trial on an idle machine, in milliseconds. */
  readonly limitMs: number;
  /** Number of trials with different data that must pass; default: 1. */
  readonly trials?: number;
  /** The only runner that supports this check. */
  readonly needs?: 'docker' | 'native';
  /**
   * Runs one trial. Its choices depend on `lab.seed` alone: a failed trial is repeated with the
   * same seed.
   *
   * @throws NotCheckable (as a rejection) when this machine or repository lacks something
   */
  run(lab: Lab): Promise<Judgement>;
}
