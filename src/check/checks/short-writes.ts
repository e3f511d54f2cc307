import { setTimeout as pause } from 'node:timers/promises';
import type { Check } from '../check.ts';
import { judgeDisturbed } from '../control.ts';
import { makeInputs } from '../data.ts';
import { judgeOutcome } from '../judge.ts';
import type { Lab } from '../lab.ts';
import { numbersOf, openPlay, type Play, startClients, waitForDone } from '../play.ts';

/** Exceeds the tiny buffers, in both directions. */
const BETS_MIN = 350;
const BETS_MAX = 450;
const WINNERS_MAX = 600;

const READER_PAUSE_MS = 20;
const INTERRUPT_PERIOD_MS = 40;

export const shortWrites: Check = {
  id: 'short-writes',
  exercises: ['ej6', 'ej7', 'ej8'],
  title: { es: 'escrituras cortas', en: 'short writes' },
  why: {
    es: 'send puede aceptar menos bytes de los que recibe, cuando el otro lado lee despacio: lo que falta hay que mandarlo',
    en: 'send may take fewer bytes than it was given, when the other side reads slowly: the rest has to be sent',
  },
  limitMs: 400_000,
  async run(lab) {
    const inputs = makeInputs(lab.random, {
      clients: lab.stage.clients,
      betsMin: BETS_MIN,
      betsMax: BETS_MAX,
      winnersMax: WINNERS_MAX,
    });
    const shape = { kind: 'slow-reader', pauseMs: READER_PAUSE_MS } as const;
    const play = await openPlay(lab, {
      inputs,
      hasTinyBuffers: true,
      plan: { up: shape, down: shape },
    });
    const over = new AbortController();
    const interrupting = interrupt(play, AbortSignal.any([lab.signal, over.signal]));
    try {
      await startClients(play, numbersOf(play));
      await waitForDone(lab, play, numbersOf(play));
    } finally {
      over.abort();
      await interrupting;
    }
    const judgement = await judgeOutcome(lab, play);
    const hint = {
      es: '¿qué hace tu programa con el número que devuelve send (o write)?',
      en: 'what does your program do with the number that send (or write) returns?',
    };
    return judgeDisturbed(lab, judgement.verdict === 'fail' ? { ...judgement, hint } : judgement, {
      control: { inputs },
      disturbance: {
        es: 'cuando el otro lado lee despacio y send acepta solo una parte',
        en: 'when the other side reads slowly and send takes only a part',
      },
    });
  },
};

/**
 * Stops and continues every process periodically. The signal interrupts a blocked `send`, which
 * returns a partial count; it has no other effect.
 */
async function interrupt({ server, clients }: Play, signal: Lab['signal']): Promise<void> {
  while (!signal.aborted) {
    for (const service of [server, ...clients.values()]) {
      if (service.exit !== undefined) continue;
      await service.kill('SIGSTOP');
      await service.kill('SIGCONT');
    }
    await pause(INTERRUPT_PERIOD_MS, undefined, { signal }).catch(() => {});
  }
}
