import type { Check } from '../check.ts';
import { judgeOutcome } from '../judge.ts';
import { recordUsual } from '../usual-play.ts';

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
  run: async lab => judgeOutcome(lab, await recordUsual(lab)),
};
