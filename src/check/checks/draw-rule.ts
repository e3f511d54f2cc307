import type { Check } from '../check.ts';
import { makeInputs } from '../data.ts';
import { judgeEarlyDraw } from '../early-draw.ts';
import { type Judgement, OK } from '../finding.ts';
import { fail, isOver, judgeServer, lastLines } from '../judge.ts';
import type { Lab } from '../lab.ts';
import { isTold, openPlay, type Play, startClients, waitFor, waitForStored } from '../play.ts';

const BETS_MIN = 5;
const BETS_MAX = 12;

export const drawRule: Check = {
  id: 'draw-rule',
  exercises: ['ej7', 'ej8'],
  title: { es: 'el sorteo espera a todas las agencias', en: 'the draw waits for every agency' },
  why: {
    es: 'nadie conoce ganadores antes de que todas las agencias avisaron; la misma agencia dos veces no son dos, y una de más no cuelga a nadie',
    en: 'no winners are sent before every agency has finished; the same agency twice counts once, and an extra agency blocks no other',
  },
  limitMs: 400_000,
  async run(lab) {
    const count = lab.stage.clients;
    const inputs = makeInputs(lab.random, {
      clients: count + 1,
      betsMin: BETS_MIN,
      betsMax: BETS_MAX,
    });
    const twin = { ...inputs[0]! };
    const play = await openPlay(lab, {
      inputs: [...inputs.slice(0, count), twin, inputs[count]!],
    });
    const waiting = Array.from({ length: count - 1 }, (_, index) => index + 1);
    const roles = { waiting, last: count, twin: count + 1, extra: count + 2 };
    return (
      (await heldBack(lab, play, roles)) ??
      (await sameTwice(lab, play, roles)) ??
      (await lastComes(lab, play, roles)) ??
      (await oneMore(lab, play, roles)) ??
      OK
    );
  },
};

/** Client numbers. */
interface Roles {
  readonly waiting: readonly number[];
  readonly last: number;
  /** A second client of the agency of client 1. */
  readonly twin: number;
  /** Client of an agency that the server does not expect. */
  readonly extra: number;
}

async function heldBack(
  lab: Lab,
  play: Play,
  { waiting, last }: Roles,
): Promise<Judgement | undefined> {
  await startClients(play, waiting);
  await waitForStored(lab, play, waiting);
  const early = await judgeEarlyDraw(lab, play, {
    es: `la agencia ${last} todavía no mandó nada`,
    en: `agency ${last} has not sent anything yet`,
  });
  return early ?? judgeServer(play);
}

async function sameTwice(
  lab: Lab,
  play: Play,
  { twin, last }: Roles,
): Promise<Judgement | undefined> {
  await startClients(play, [twin]);
  await waitFor(lab, play, () =>
    play.lottery.proxy.events.some(
      ({ client, direction }) => client === twin && direction === 'up',
    ),
  );
  const early = await judgeEarlyDraw(lab, play, {
    es: `la agencia 1 se conectó dos veces y la agencia ${last} ninguna`,
    en: `agency 1 has connected twice, and agency ${last} never`,
  });
  return early ?? judgeServer(play);
}

async function lastComes(lab: Lab, play: Play, roles: Roles): Promise<Judgement | undefined> {
  await startClients(play, [roles.last]);
  lab.say({ es: 'espero los ganadores', en: 'waiting for the winners' });
  const toldOf = (clients: readonly number[]): boolean[] =>
    clients.map(client => isTold(play.clients.get(client)!));
  // A server with one connection per agency answers only one of the two.
  const others = [...roles.waiting.slice(1), roles.last];
  const areTold = (): boolean =>
    toldOf(others).every(Boolean) && toldOf([1, roles.twin]).some(Boolean);
  if (await waitFor(lab, play, areTold)) return undefined;
  const missing = [...others, 1].filter(client => !isTold(play.clients.get(client)!));
  return fail(
    {
      es: `todas las agencias terminaron, y a estas nadie les informó sus ganadores: ${missing.join(', ')}`,
      en: `every agency has finished, and these were not told their winners: ${missing.join(', ')}`,
    },
    {
      es: '¿quién despierta a las agencias que esperaban, cuando llega la última?',
      en: 'what wakes the agencies that were waiting, when the last one comes?',
    },
    [lastLines(play.server), lastLines(play.clients.get(missing[0]!))],
  );
}

async function oneMore(lab: Lab, play: Play, { extra }: Roles): Promise<Judgement | undefined> {
  await startClients(play, [extra]);
  lab.say({ es: 'espero a una agencia de más', en: 'waiting for one agency more' });
  const service = play.clients.get(extra)!;
  const hasEnded = await waitFor(lab, play, () => service.exit !== undefined || isTold(service));
  if (hasEnded) return isOver(play.server) ? undefined : judgeServer(play);
  return fail(
    {
      es: `una agencia de más (la ${extra - 1}) quedó colgada después del sorteo`,
      en: `one agency more (${extra - 1}) hangs after the draw`,
    },
    {
      es: 'una barrera de n espera otra vez a n: ¿qué pasa con la agencia n + 1?',
      en: 'a barrier of n waits for n once more: what becomes of agency n + 1?',
    },
    [lastLines(service), lastLines(play.server)],
  );
}
