import type { SeededRandom } from '../dataset/random.ts';
import type { Exercise } from './exercise.ts';
import type { Text } from './finding.ts';
import type { Lottery, LotterySetup, Stage } from './runner.ts';

/** What a trial has to work with. Lotteries that it opens are closed after it, however it ends. */
export interface Lab {
  readonly exercise: Exercise;
  readonly stage: Stage;
  readonly seed: number;
  /** Made of the seed. */
  readonly random: SeededRandom;
  /** Fires when the time of the check is over or the user has stopped it. */
  readonly signal: AbortSignal;
  /** Says what is being waited for. */
  say(what: Text): void;
  open(setup: LotterySetup): Promise<Lottery>;
}
