import type { Check } from '../check.ts';
import { judgeDisturbed } from '../control.ts';
import { makeInputs } from '../data.ts';
import type { Text } from '../finding.ts';
import { judgeOutcome } from '../judge.ts';
import type { Lab } from '../lab.ts';
import {
  numbersOf,
  openPlay,
  type Play,
  playLottery,
  settle,
  startClients,
  waitFor,
  waitForDone,
} from '../play.ts';
import type { LinkPlan } from '../proxy-control.ts';
import type { LotterySetup } from '../runner.ts';
import { lastEvents } from '../timeline.ts';

/** Few: each byte is a segment with a gap. */
const BETS_MIN = 10;
const BETS_MAX = 22;
/** Several messages per client, so that the network can join them. */
const BATCH_AMOUNT = 4;

const EVERY_BYTE = 100_000;

/** Longer than the receive timeout of one second that many solutions use. */
const PAUSE_MS = 1_500;

interface Delivery {
  readonly plan: (seed: number) => LinkPlan;
  /** Time for which the stopped connections are held. */
  readonly pauseMs?: number;
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
  {
    plan: seed => ({ stop: { direction: 'up', afterBytes: 3 + (seed % 200), action: 'hold' } }),
    pauseMs: PAUSE_MS,
    disturbance: {
      es: 'cuando la red hace una pausa en medio de un mensaje',
      en: 'when the network pauses in the middle of a message',
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
    const { plan, pauseMs, disturbance } = DELIVERIES[lab.trial]!;
    const inputs = makeInputs(lab.random, {
      clients: lab.stage.clients,
      betsMin: BETS_MIN,
      betsMax: BETS_MAX,
    });
    const control = { inputs, batchMax: BATCH_AMOUNT };
    const setup = { ...control, plan: plan(lab.seed) };
    const play = await (pauseMs === undefined
      ? playLottery(lab, setup)
      : playPaused(lab, setup, pauseMs));
    const judgement = await judgeOutcome(lab, play);
    const unfinished = numbersOf(play).filter(number => play.clients.get(number)?.exit?.code !== 0);
    const evidence = [
      ...(judgement.evidence ?? []),
      lastEvents(play.lottery.proxy.events, unfinished.slice(0, 1), {
        es: 'lo último que se dijeron',
        en: 'the last that was said',
      }),
    ];
    const hint = pauseMs === undefined ? LENGTH_HINT : PAUSE_HINT;
    return judgeDisturbed(
      lab,
      judgement.verdict === 'fail' ? { ...judgement, hint, evidence } : judgement,
      {
        control,
        disturbance,
      },
    );
  },
};

async function playPaused(lab: Lab, setup: LotterySetup, pauseMs: number): Promise<Play> {
  const play = await openPlay(lab, setup);
  const { proxy } = play.lottery;
  await startClients(play, numbersOf(play));
  await waitFor(lab, play, () =>
    numbersOf(play).every(number =>
      proxy.events.some(({ kind, client }) => kind === 'data' && client === number),
    ),
  );
  await settle(lab, pauseMs);
  await proxy.plan({});
  for (const number of numbersOf(play)) await proxy.release(number);
  await waitForDone(lab, play, numbersOf(play));
  return play;
}

const LENGTH_HINT = {
  es: '¿qué hace tu programa cuando recv devuelve menos (o más) de lo que dura un mensaje, o corta una letra de dos bytes?',
  en: 'what does your program do when recv returns less (or more) than a message, or cuts a letter of two bytes?',
};

const PAUSE_HINT = {
  es: 'si hay un timeout, ¿qué pasa con los bytes de un mensaje que ya habían llegado cuando vence?',
  en: 'if there is a timeout, what becomes of the bytes of a message that had come before it?',
};
