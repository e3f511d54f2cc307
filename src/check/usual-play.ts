import { makeInputs } from './data.ts';
import type { Lab } from './lab.ts';
import { playLottery, type Play } from './play.ts';
import { SeededRandom } from '../dataset/random.ts';

/**
 * Enough for several batches of an agency, as far as its `batch.maxAmount` is about the course's.
 */
const BETS_MIN = 150;
const BETS_MAX = 400;

/**
 * A whole lottery in which nothing is disturbed, with the subject's own configuration. Checks that
 * only look on share it; a trial that is repeated has one of its own.
 */
export function recordUsual(lab: Lab): Promise<Play> {
  return lab.share('usual', own => {
    const inputs = makeInputs(new SeededRandom(own.seed), {
      clients: own.stage.clients,
      betsMin: BETS_MIN,
      betsMax: BETS_MAX,
    });
    return playLottery(own, { inputs });
  });
}

/** The same with files that the course does not have, and that a CSV reader reads. */
export function playTricky(lab: Lab): Promise<Play> {
  const inputs = makeInputs(lab.random, {
    clients: lab.stage.clients,
    betsMin: BETS_MIN,
    betsMax: BETS_MAX,
    hasTrickyFile: true,
  });
  return playLottery(lab, { inputs });
}
