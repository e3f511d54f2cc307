import type { SeededRandom } from '../dataset/random.ts';
import type { Exercise } from './exercise.ts';
import type { Text } from './finding.ts';
import type { Lottery, LotterySetup, Stage } from './runner.ts';

/** Observations of the earlier trials of an exercise, which shorten the waits of later ones. */
export interface Seen {
  /** Whether a wait for stored rows has timed out. */
  losesRows: boolean;
  /** Longest time without activity (a byte, a line, an exit) that was followed by some. */
  longestPauseMs: number;
}

/** The environment of a trial. */
export interface Lab {
  readonly exercise: Exercise;
  readonly stage: Stage;
  /** Of this trial; trials with the same number have the same in every check of an exercise. */
  readonly seed: number;
  /** From 0. */
  readonly trial: number;
  /** Seeded with `seed`. */
  readonly random: SeededRandom;
  readonly seen: Seen;
  /** Aborted at the time limit of the check, and by the user. */
  readonly signal: AbortSignal;
  /** Reports what the trial waits for. */
  say(what: Text): void;
  /** Opens a lottery. It is closed after the trial in any case. */
  open(setup: LotterySetup): Promise<Lottery>;
  /**
   * Memoizes `make` by name and trial number for all checks of an exercise. The lotteries that it
   * opens stay open until the last check. Errors are not memoized, and repeated trials do not
   * share.
   */
  share<Thing>(name: string, make: (lab: Lab) => Promise<Thing>): Promise<Thing>;
}
