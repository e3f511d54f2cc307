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

/** What a trial has to work with. */
export interface Lab {
  readonly exercise: Exercise;
  readonly stage: Stage;
  /** Of this trial: every check of an exercise has the same in its first, second, … one. */
  readonly seed: number;
  /** From 0. */
  readonly trial: number;
  /** Made of the seed. */
  readonly random: SeededRandom;
  readonly seen: Seen;
  /** Fires when the time of the check is over or the user has stopped it. */
  readonly signal: AbortSignal;
  /** Says what is being waited for. */
  say(what: Text): void;
  /** Opens a lottery, which is closed after the trial, however it ends. */
  open(setup: LotterySetup): Promise<Lottery>;
  /**
   * The same thing for every check of an exercise that asks for it by this name in the trial of
   * this number, made once with a lab whose lotteries stay open. What has gone wrong, and what a
   * repeated trial asks for, is made anew.
   */
  share<Thing>(name: string, make: (lab: Lab) => Promise<Thing>): Promise<Thing>;
}
