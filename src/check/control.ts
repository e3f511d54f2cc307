import { type Judgement, OK, type Text } from './finding.ts';
import { judgeOutcome } from './judge.ts';
import type { Lab } from './lab.ts';
import { playLottery, type Play, storedRows } from './play.ts';
import type { LotterySetup } from './runner.ts';

/**
 * Judges a disturbed lottery against an undisturbed control. A fault that the control shows too is
 * the finding of another check.
 *
 * @param disturbance prefix of the reason
 */
export async function judgeDisturbed(
  lab: Lab,
  judgement: Judgement,
  { control, disturbance }: { readonly control: LotterySetup | Play; readonly disturbance: Text },
): Promise<Judgement> {
  if (judgement.verdict !== 'fail') return judgement;
  const undisturbed = 'lottery' in control ? control : await playLottery(lab, control);
  const expected = await judgeOutcome(lab, undisturbed);
  if (faultOf(expected) === faultOf(judgement)) return okIfStored(undisturbed);
  return { ...judgement, reason: joinTexts(disturbance, judgement.reason!) };
}

/** Identifies a fault. The numbers in its reason differ between lotteries. */
const faultOf = ({ reason }: Judgement): string | undefined => reason?.en.replaceAll(/\d+/g, '#');

/** The verdict without a fault: `ok`, unless no bet was stored, so that nothing was tested. */
export async function okIfStored(play: Play): Promise<Judgement> {
  return (await storedRows(play)).length > 0 ? OK : NOTHING_STORED;
}

const NOTHING_STORED: Judgement = {
  verdict: 'not-checkable',
  reason: {
    es: 'el servidor no guarda ninguna apuesta: ver outcome',
    en: 'the server stores no bet: see outcome',
  },
};

/** `first: second` */
export const joinTexts = (first: Text, second: Text): Text => ({
  es: `${first.es}: ${second.es}`,
  en: `${first.en}: ${second.en}`,
});
