import type { Check } from '../check.ts';
import { type AgencyInput, csvOf, makeInputs } from '../data.ts';
import { type Judgement, OK } from '../finding.ts';
import { fail, judgeOutcome, lastLines } from '../judge.ts';
import type { Lab } from '../lab.ts';
import {
  expectedRows,
  numbersOf,
  openPlay,
  type Play,
  startClients,
  storedRows,
  waitFor,
  waitForDone,
  waitForStored,
} from '../play.ts';
import { lastEvents } from '../timeline.ts';

/** Long batches of short bets: their rows exceed the buffer of a buffered file. */
const RUSH_AMOUNT = 240;
const RUSH_BETS = 9_600;

export const concurrency: Check = {
  id: 'concurrency',
  exercises: ['ej8'],
  title: { es: 'varias agencias a la vez', en: 'many agencies at once' },
  why: {
    es: 'una agencia lenta no demora a las demás, y ninguna fila se pierde ni se parte cuando escriben todas juntas',
    en: 'a slow agency delays no other one, and no row is lost or torn when all of them write at once',
  },
  limitMs: 400_000,
  trials: 3,
  async run(lab) {
    // Trials: a silent agency, one that stalls within a message, and all agencies at once.
    if (lab.trial === 2) return rush(lab);
    return stalled(lab, lab.trial === 0 ? 0 : lab.random.between(20, 300));
  },
};

async function stalled(lab: Lab, afterBytes: number): Promise<Judgement> {
  const inputs = makeInputs(lab.random, { clients: lab.stage.clients, betsMin: 20, betsMax: 40 });
  const play = await openPlay(lab, { inputs });
  const { proxy } = play.lottery;
  const slow = lab.random.between(1, inputs.length);
  const others = numbersOf(play).filter(number => number !== slow);
  await proxy.plan({ stop: { direction: 'up', afterBytes, action: 'hold' } }, slow);
  await startClients(play, [slow]);
  lab.say({ es: 'espero a la agencia lenta', en: 'waiting for the slow agency' });
  await waitFor(lab, play, () =>
    proxy.events.some(({ kind, client }) => kind === 'data' && client === slow),
  );
  await startClients(play, others);
  const isStored = await waitForStored(lab, play, others);
  if (!isStored) {
    const before = await countStored(lab, play, others);
    await proxy.release(slow);
    // Bets stored only now were delayed. Bets that are never stored are the finding of another
    // check.
    await waitForStored(lab, play, others);
    const after = await countStored(lab, play, others);
    const without = others.filter((_, index) => after[index]! > before[index]!);
    if (without.length > 0) return delays(play, { slow, afterBytes, without });
  }
  return OK;
}

async function countStored(lab: Lab, play: Play, clients: readonly number[]): Promise<number[]> {
  const stored = new Set(await storedRows(play));
  return clients.map(
    client => expectedRows(lab, play, [client]).filter(row => stored.has(row)).length,
  );
}

function delays(
  play: Play,
  {
    slow,
    afterBytes,
    without,
  }: { readonly slow: number; readonly afterBytes: number; readonly without: readonly number[] },
): Judgement {
  const where =
    afterBytes === 0
      ? { es: 'se conectó y no dijo nada', en: 'has connected and said nothing' }
      : {
          es: `se detuvo después de ${afterBytes} bytes`,
          en: `has stopped after ${afterBytes} bytes`,
        };
  return fail(
    {
      es: `la agencia ${slow} ${where.es}, y estas no avanzaron hasta que siguió: ${without.join(', ')}`,
      en: `agency ${slow} ${where.en}, and these did not go on until it did: ${without.join(', ')}`,
    },
    {
      es: '¿dónde espera tu servidor a una agencia mientras tiene algo (un lock, el accept) que las otras necesitan?',
      en: 'where does your server wait for one agency while it holds what the others need (a lock, the accept)?',
    },
    [
      lastEvents(play.lottery.proxy.events, without.slice(0, 1), {
        es: `lo que pasó con el cliente ${without[0]}`,
        en: `what happened to client ${without[0]}`,
      }),
      lastLines(play.server),
    ],
  );
}

/** All agencies at once; the control uploads one at a time. */
async function rush(lab: Lab): Promise<Judgement> {
  const inputs = makeInputs(lab.random, {
    clients: lab.stage.clients,
    betsMin: RUSH_BETS,
    betsMax: RUSH_BETS,
  }).map(shortened);
  // Starting takes longer than uploading, so the connections are released together.
  const play = await openPlay(lab, { inputs, batchMax: RUSH_AMOUNT, plan: { holdConnect: true } });
  await startClients(play, numbersOf(play));
  await waitFor(lab, play, () =>
    numbersOf(play).every(number =>
      play.lottery.proxy.events.some(({ client }) => client === number),
    ),
  );
  await Promise.all(numbersOf(play).map(number => play.lottery.proxy.release(number)));
  await waitForDone(lab, play, numbersOf(play));
  const judgement = await judgeOutcome(lab, play);
  if (judgement.verdict !== 'fail') return judgement;
  const control = await openPlay(lab, { inputs, batchMax: RUSH_AMOUNT });
  for (const client of numbersOf(control)) {
    await startClients(control, [client]);
    await waitForStored(lab, control, [client]);
  }
  await waitForDone(lab, control, numbersOf(control));
  const alone = await judgeOutcome(lab, control);
  if (alone.verdict === 'fail') return OK;
  return {
    ...judgement,
    reason: {
      es: `con todas las agencias a la vez: ${judgement.reason!.es}`,
      en: `with all agencies at once: ${judgement.reason!.en}`,
    },
    hint: {
      es: 'store_bets no es segura entre hilos ni procesos: ¿qué la protege?',
      en: 'store_bets is not safe between threads or processes: what protects it?',
    },
  };
}

/** The same bets with short names. */
function shortened(input: AgencyInput): AgencyInput {
  const bets = input.bets.map(bet => ({ ...bet, firstName: 'Eva', lastName: 'Paz' }));
  return { ...input, bets, file: csvOf(bets) };
}
