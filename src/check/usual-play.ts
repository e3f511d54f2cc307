import { makeInputs } from './data.ts';
import type { Lab } from './lab.ts';
import { playLottery, type Play } from './play.ts';
import { SeededRandom } from '../dataset/random.ts';

/** Enough for several batches of an agency with a `batch.maxAmount` close to the course's. */
const BETS_MIN = 150;
const BETS_MAX = 400;

/**
 * Records an undisturbed lottery with the subject's own configuration. Checks that only observe
 * share it; a repeated trial records a new one.
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

/** The same with files that need a CSV parser, unlike the course's. */
export function playTricky(lab: Lab): Promise<Play> {
  const inputs = makeInputs(lab.random, {
    clients: lab.stage.clients,
    betsMin: BETS_MIN,
    betsMax: BETS_MAX,
    hasTrickyFile: true,
  });
  return playLottery(lab, { inputs });
}
