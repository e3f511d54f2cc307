import type { Check } from '../check.ts';
import { makeInputs } from '../data.ts';
import { type Judgement, OK, type Text } from '../finding.ts';
import { advise, exitText, fail, lastLines } from '../judge.ts';
import type { Lab } from '../lab.ts';
import { patience } from '../patience.ts';
import {
  hasDraw,
  isTold,
  numbersOf,
  openPlay,
  type Play,
  settle,
  startClients,
  waitFor,
  waitForStored,
} from '../play.ts';
import type { Service } from '../runner.ts';

/** Grace period of `docker stop`. */
const STOP_LIMIT_MS = 10_000;

/** A program may install its handler only after it has connected or begun to listen. */
const HANDLER_MS = 300;

/** 128 + signal number, as a shell reports it. */
const SIGTERM_CODE = 143;

export const sigterm: Check = {
  id: 'sigterm',
  exercises: ['ej4', 'ej5', 'ej6', 'ej7', 'ej8'],
  title: { es: 'SIGTERM en cualquier momento', en: 'SIGTERM at any moment' },
  why: {
    es: 'al conectar, en reposo, en medio de un mensaje y esperando el sorteo: código de salida 0, en tiempo, con las líneas de cierre',
    en: 'while connecting, idle, in the middle of a message and waiting for the draw: exit code 0, in time, with closing lines',
  },
  limitMs: 300_000,
  async run(lab) {
    const judgements = [await atTheBeginning(lab)];
    if (judgements[0]!.verdict !== 'fail') judgements.push(await inAMessage(lab));
    if (hasDraw(lab) && judgements.every(({ verdict }) => verdict !== 'fail')) {
      judgements.push(await beforeTheDraw(lab));
    }
    return worst(judgements);
  },
};

const inputsOf = (lab: Lab) =>
  makeInputs(lab.random, { clients: lab.stage.clients, betsMin: 30, betsMax: 60 });

async function atTheBeginning(lab: Lab): Promise<Judgement> {
  const play = await openPlay(lab, { inputs: inputsOf(lab), plan: { holdConnect: true } });
  await startClients(play, [1]);
  await waitFor(lab, play, () => play.lottery.proxy.events.some(({ kind }) => kind === 'open'));
  await settle(lab, HANDLER_MS);
  return worst([
    await stopped(play.clients.get(1)!, { es: 'recién conectado', en: 'just connected' }),
    await stopped(play.server, { es: 'en reposo', en: 'idle' }),
  ]);
}

/** SIGTERM while two clients have sent the beginning of a message. */
async function inAMessage(lab: Lab): Promise<Judgement> {
  const afterBytes = lab.random.between(3, 12);
  const play = await openPlay(lab, {
    inputs: inputsOf(lab),
    plan: { stop: { direction: 'up', afterBytes, action: 'hold' } },
  });
  const clients = [1, 2].filter(number => number <= play.inputs.length);
  await startClients(play, clients);
  await waitFor(lab, play, () => clients.every(client => hasSpoken(play, client)));
  await settle(lab, HANDLER_MS);
  return worst([
    await stopped(play.clients.get(1)!, {
      es: 'esperando la respuesta a un mensaje',
      en: 'waiting for the answer to a message',
    }),
    await stopped(play.server, {
      es: 'con un mensaje a medio recibir',
      en: 'with half of a message received',
    }),
  ]);
}

async function beforeTheDraw(lab: Lab): Promise<Judgement> {
  const play = await openPlay(lab, { inputs: inputsOf(lab) });
  const waiting = numbersOf(play).slice(0, -1);
  await startClients(play, waiting);
  await waitForStored(lab, play, waiting);
  await settle(lab, HANDLER_MS);
  const when = { es: 'esperando el sorteo', en: 'waiting for the draw' };
  const client = play.clients.get(1)!;
  return worst([
    // A client that has its winners already is the finding of another check.
    isTold(client) ? OK : await stopped(client, when),
    await stopped(play.server, {
      es: 'con agencias que esperan el sorteo',
      en: 'with agencies that wait for the draw',
    }),
  ]);
}

const hasSpoken = ({ lottery }: Play, of: number): boolean =>
  lottery.proxy.events.some(
    ({ kind, client, direction }) => kind === 'data' && client === of && direction === 'up',
  );

function worst(judgements: readonly Judgement[]): Judgement {
  return (
    judgements.find(({ verdict }) => verdict === 'fail') ??
    judgements.find(({ verdict }) => verdict === 'advice') ??
    OK
  );
}

/** Sends SIGTERM and judges how the program ends. */
async function stopped(service: Service, when: Text): Promise<Judgement> {
  const where = {
    es: `${service.name}, ${when.es}`,
    en: `${service.name}, ${when.en}`,
  };
  if (service.exit !== undefined) return endedBefore(service, where);
  const linesBefore = service.lines.length;
  await service.kill('SIGTERM');
  const limitMs = STOP_LIMIT_MS * patience();
  const exit = await Promise.race([service.exited, limit(limitMs)]);
  if (exit === undefined) {
    return fail(
      {
        es: `${where.es}: recibió SIGTERM y sigue corriendo ${Math.round(limitMs / 1000)} segundos después`,
        en: `${where.en}: it was sent SIGTERM and still runs ${Math.round(limitMs / 1000)} seconds later`,
      },
      {
        es: 'docker stop lo mataría: ¿en qué llamada está bloqueado, y quién la despierta?',
        en: 'docker stop would kill it: in which call is it blocked, and what wakes it?',
      },
      [lastLines(service)],
    );
  }
  if (exit.code !== 0) {
    const isUnhandled = exit.signal === 'SIGTERM' || exit.code === SIGTERM_CODE;
    const how = exitText(exit);
    return fail(
      {
        es: `${where.es}: SIGTERM no lo termina bien (${how.es})`,
        en: `${where.en}: SIGTERM does not end it well (${how.en})`,
      },
      isUnhandled
        ? { es: 'nadie atendió la señal', en: 'nothing has handled the signal' }
        : {
            es: '¿qué error aparece cuando la señal llega en este momento?',
            en: 'which error appears when the signal comes at this moment?',
          },
      [lastLines(service)],
    );
  }
  if (service.lines.length > linesBefore) return OK;
  return advise(
    {
      es: `${where.es}: termina con código 0 sin decir qué cerró`,
      en: `${where.en}: it ends with exit code 0 and does not say what it closed`,
    },
    {
      es: 'el enunciado pide un mensaje en el cierre de cada recurso',
      en: 'the assignment asks for a message when each resource is closed',
    },
    [lastLines(service)],
  );
}

function endedBefore(service: Service, where: Text): Judgement {
  const how = exitText(service.exit);
  return fail(
    {
      es: `${where.es}: terminó antes de la señal (${how.es})`,
      en: `${where.en}: it ended before the signal (${how.en})`,
    },
    { es: 'mirá sus últimas líneas', en: 'look at its last lines' },
    [lastLines(service)],
  );
}

const limit = (forMs: number): Promise<undefined> =>
  new Promise(resolve => setTimeout(() => resolve(undefined), forMs).unref());
