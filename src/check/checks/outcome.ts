import type { Check } from '../check.ts';
import { joinTexts } from '../control.ts';
import type { Judgement } from '../finding.ts';
import { judgeOutcome } from '../judge.ts';
import type { Lab } from '../lab.ts';
import type { Play } from '../play.ts';
import { playTricky, recordUsual } from '../usual-play.ts';

export const outcome: Check = {
  id: 'outcome',
  exercises: ['ej5', 'ej6', 'ej7', 'ej8'],
  title: { es: 'el resultado de la lotería', en: 'the outcome of the lottery' },
  why: {
    es: 'lo que está en bets.csv es exactamente lo que se mandó, hay un sorteo, y cada agencia conoce su número de ganadores',
    en: 'what is in bets.csv is exactly what was sent, there is one draw, and each agency knows its number of winners',
  },
  limitMs: 400_000,
  trials: 2,
  run: async lab =>
    lab.trial === 0
      ? judgeOutcome(lab, await recordUsual(lab))
      : tricky(lab, await playTricky(lab)),
};

async function tricky(lab: Lab, play: Play): Promise<Judgement> {
  const judgement = await judgeOutcome(lab, play);
  if (judgement.reason === undefined) return judgement;
  return { ...judgement, reason: joinTexts(TRICKY, judgement.reason) };
}

const TRICKY = {
  es: 'con un archivo que tiene nombres largos, una coma entre comillas y ningún fin de línea al final',
  en: 'with a file that has long names, a quoted comma, and no line end after its last row',
};
