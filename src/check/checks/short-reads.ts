import type { Check } from '../check.ts';
import { judgeDisturbed } from '../control.ts';
import { makeInputs } from '../data.ts';
import type { Text } from '../finding.ts';
import { judgeOutcome } from '../judge.ts';
import { numbersOf, playLottery } from '../play.ts';
import type { LinkPlan } from '../proxy-control.ts';
import { lastEvents } from '../timeline.ts';

/** Few, since each byte takes its time. */
const BETS_MIN = 10;
const BETS_MAX = 22;

const EVERY_BYTE = 100_000;

interface Delivery {
  readonly plan: (seed: number) => LinkPlan;
  readonly disturbance: Text;
}

const DELIVERIES: readonly Delivery[] = [
  {
    plan: () => ({
      up: { kind: 'bytes', byteCount: EVERY_BYTE },
      down: { kind: 'bytes', byteCount: EVERY_BYTE },
    }),
    disturbance: {
      es: 'cuando la red entrega los bytes de a uno',
      en: 'when the network delivers the bytes one by one',
    },
  },
  {
    plan: seed => ({
      up: { kind: 'random', seed, lengthMax: 90 },
      down: { kind: 'random', seed: seed + 1, lengthMax: 5 },
    }),
    disturbance: {
      es: 'cuando la red corta los mensajes en lugares al azar',
      en: 'when the network cuts the messages at random places',
    },
  },
  {
    plan: () => ({ up: { kind: 'coalesce', quietMs: 40 }, down: { kind: 'delay', delayMs: 15 } }),
    disturbance: {
      es: 'cuando la red junta y demora lo que se manda',
      en: 'when the network joins and delays what is sent',
    },
  },
];

export const shortReads: Check = {
  id: 'short-reads',
  exercises: ['ej5', 'ej6', 'ej7', 'ej8'],
  title: { es: 'lecturas cortas', en: 'short reads' },
  why: {
    es: 'TCP no conserva los límites de los mensajes: recv puede devolver un byte, medio encabezado o dos mensajes juntos',
    en: 'TCP keeps no borders of messages: recv may return one byte, half a header or two messages at once',
  },
  limitMs: 400_000,
  trials: DELIVERIES.length,
  async run(lab) {
    const { plan, disturbance } = DELIVERIES[lab.trial]!;
    const inputs = makeInputs(lab.random, {
      clients: lab.stage.clients,
      betsMin: BETS_MIN,
      betsMax: BETS_MAX,
    });
    const play = await playLottery(lab, { inputs, plan: plan(lab.seed) });
    const judgement = await judgeOutcome(lab, play);
    const unfinished = numbersOf(play).filter(number => play.clients.get(number)?.exit?.code !== 0);
    const evidence = [
      ...(judgement.evidence ?? []),
      lastEvents(play.lottery.proxy.events, unfinished.slice(0, 1), {
        es: 'lo último que se dijeron',
        en: 'the last that was said',
      }),
    ];
    const hint = {
      es: '¿qué hace tu programa cuando recv devuelve menos (o más) de lo que dura un mensaje, o corta una letra de dos bytes?',
      en: 'what does your program do when recv returns less (or more) than a message, or cuts a letter of two bytes?',
    };
    return judgeDisturbed(
      lab,
      judgement.verdict === 'fail' ? { ...judgement, hint, evidence } : judgement,
      {
        control: { inputs },
        disturbance,
      },
    );
  },
};
