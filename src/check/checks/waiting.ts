import type { Check } from '../check.ts';
import { makeInputs } from '../data.ts';
import { type Judgement, OK } from '../finding.ts';
import { advise, fail, lastLines } from '../judge.ts';
import type { Lab } from '../lab.ts';
import {
  isTold,
  numbersOf,
  openPlay,
  type Play,
  settle,
  startClients,
  waitFor,
  waitForStored,
} from '../play.ts';
import { busyServices, percent } from '../processor.ts';
import type { LinkEvent } from '../proxy-control.ts';
import { lastEvents } from '../timeline.ts';

/** Observation time: a client that polls every second is seen several times. */
const LOOK_MS = 5_000;
/** Time after the last stored bet in which messages still belong to the upload. */
const UPLOAD_END_MS = 500;

/** Questions of one client in the observation time that mean polling without a pause. */
const BUSY_QUESTIONS = 100;
/** Least number of questions that counts as polling. */
const QUESTIONS_MIN = 3;
/** A growth of pauses from which polling counts as exponential back-off. */
const GROWTH = 1.5;

export const waiting: Check = {
  id: 'waiting',
  exercises: ['ej7', 'ej8'],
  title: { es: 'cómo se espera el sorteo', en: 'how the draw is awaited' },
  why: {
    es: 'quien espera no usa el procesador ni pregunta sin parar: se bloquea hasta que hay algo',
    en: 'who waits neither uses the processor nor asks all the time: it blocks until there is something',
  },
  limitMs: 120_000,
  async run(lab) {
    const inputs = makeInputs(lab.random, { clients: lab.stage.clients, betsMin: 10, betsMax: 20 });
    const play = await openPlay(lab, { inputs, keepsPeriod: true });
    const clients = numbersOf(play).slice(0, -1);
    await startClients(play, clients);
    await waitForStored(lab, play, clients);
    await settle(lab, UPLOAD_END_MS);
    const fromMs = play.lottery.now();
    const busy = await busyServices(lab, [play.server, ...play.clients.values()]);
    await settle(lab, Math.max(0, LOOK_MS - (play.lottery.now() - fromMs)));
    const asked = (): number =>
      Math.max(...clients.map(client => polls(play.lottery.proxy.events, client, fromMs).length));
    // The skeleton's pause is 5 seconds.
    if (asked() > 0) await waitFor(lab, play, () => asked() >= QUESTIONS_MIN);
    return (
      judgeQuestions(play, { clients, fromMs, isBusy: true }) ??
      judgeBusy(play, busy[0]) ??
      judgeQuestions(play, { clients, fromMs, isBusy: false }) ??
      (asked() > 0 ? undefined : await judgeLate(lab, play, { clients, fromMs })) ??
      OK
    );
  },
};

/** Detects polling with a pause longer than the observation time. */
async function judgeLate(
  lab: Lab,
  play: Play,
  { clients, fromMs }: Omit<Look, 'isBusy'>,
): Promise<Judgement | undefined> {
  await startClients(play, numbersOf(play).slice(-1));
  await waitFor(lab, play, () => clients.every(client => isTold(play.clients.get(client)!)));
  const { events } = play.lottery.proxy;
  const late = clients.find(
    client => isTold(play.clients.get(client)!) && polls(events, client, fromMs).length > 0,
  );
  if (late === undefined) return undefined;
  const reason = {
    es: `el cliente ${late} no supo del sorteo hasta que volvió a preguntar`,
    en: `client ${late} did not learn of the draw until it asked again`,
  };
  const evidence = lastEvents(events, [late], {
    es: 'lo último que se dijeron',
    en: 'the last that was said',
  });
  return advise(reason, ASK_HINT, [evidence]);
}

const ASK_HINT = {
  es: '¿puede el servidor contestar cuando haya sorteo, en lugar de que el cliente duerma y pregunte?',
  en: 'can the server answer when there is a draw, in place of a client that sleeps and asks?',
};

function judgeBusy(play: Play, busy: Awaited<ReturnType<typeof busyServices>>[number] | undefined) {
  if (busy === undefined) return undefined;
  const { name } = busy.service;
  return fail(
    {
      es: `${name} usa el ${percent(busy.share)} de un procesador mientras se espera el sorteo`,
      en: `${name} uses ${percent(busy.share)} of a processor while the draw is awaited`,
    },
    {
      es: 'un bucle que mira una y otra vez es una espera activa: ¿qué llamada duerme hasta que algo cambia?',
      en: 'a loop that looks again and again is a busy wait: which call sleeps until something changes?',
    },
    [lastLines(busy.service), lastLines(play.server)],
  );
}

interface Look {
  readonly clients: readonly number[];
  readonly fromMs: number;
  readonly isBusy: boolean;
}

function judgeQuestions(play: Play, { clients, fromMs, isBusy }: Look): Judgement | undefined {
  const { events } = play.lottery.proxy;
  for (const client of clients) {
    // Without a pause, each question follows its answer at once.
    const asked = isBusy
      ? questionsOf(events, client, fromMs).map(({ atMs }) => atMs)
      : polls(events, client, fromMs);
    if (asked.length < (isBusy ? BUSY_QUESTIONS : QUESTIONS_MIN)) continue;
    if (!isBusy && areRarer(asked)) continue;
    const evidence = lastEvents(events, [client], {
      es: `lo que dijo el cliente ${client} mientras esperaba`,
      en: `what client ${client} said while it waited`,
    });
    const seconds = (play.lottery.now() - fromMs) / 1000;
    const reason = {
      es: `el cliente ${client} preguntó ${asked.length} veces por el sorteo en ${seconds.toFixed(0)} segundos`,
      en: `client ${client} asked ${asked.length} times for the draw in ${seconds.toFixed(0)} seconds`,
    };
    return (isBusy ? fail : advise)(reason, ASK_HINT, [evidence]);
  }
  return undefined;
}

/** A client's first bytes after those of the server, or on a new connection. */
interface Question {
  readonly atMs: number;
  /**
   * Whether it answers the server, as to a ping or a notification of the draw: of the two, the
   * server sent after the longer silence.
   */
  readonly isPrompted: boolean;
}

function questionsOf(events: readonly LinkEvent[], client: number, fromMs: number): Question[] {
  const questions: Question[] = [];
  const last = new Map<number, LinkEvent>();
  let [sentMs, receivedMs, silenceMs] = [-Infinity, -Infinity, 0];
  for (const event of events) {
    const { atMs, direction, connection } = event;
    if (event.client !== client || event.kind === 'end' || event.kind === 'close') continue;
    const before = last.get(connection);
    last.set(connection, event);
    if (direction === 'down') {
      if (receivedMs < sentMs) silenceMs = atMs - sentMs;
      receivedMs = atMs;
    }
    if (direction !== 'up') continue;
    const isPrompted = receivedMs > sentMs && atMs - receivedMs < silenceMs;
    if (before?.direction !== 'up' && atMs >= fromMs) questions.push({ atMs, isPrompted });
    sentMs = atMs;
  }
  return questions;
}

/** Times of the questions that a client asks by itself. */
const polls = (events: readonly LinkEvent[], client: number, fromMs: number): number[] =>
  questionsOf(events, client, fromMs)
    .filter(({ isPrompted }) => !isPrompted)
    .map(({ atMs }) => atMs);

function areRarer(times: readonly number[]): boolean {
  const gaps = times.slice(1).map((time, index) => time - times[index]!);
  return gaps.at(-1)! > GROWTH * gaps[0]!;
}
