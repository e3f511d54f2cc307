import type { Check } from '../check.ts';
import { judgeDisturbed } from '../control.ts';
import { judgeEarlyDraw } from '../early-draw.ts';
import { type Judgement, OK } from '../finding.ts';
import { advise, fail, judgeOutcome, judgeServer, lastLines } from '../judge.ts';
import type { Lab } from '../lab.ts';
import {
  expectedRows,
  hasDraw,
  isTold,
  numbersOf,
  openPlay,
  type Play,
  startClients,
  storedRows,
  waitFor,
  waitForDone,
  waitForStored,
} from '../play.ts';
import { busyServices, percent } from '../processor.ts';
import { upTurnsOf } from '../timeline.ts';
import { recordUsual } from '../usual-play.ts';

export const peerGone: Check = {
  id: 'peer-gone',
  exercises: ['ej5', 'ej6', 'ej7', 'ej8'],
  title: {
    es: 'alguien desaparece en medio de un mensaje',
    en: 'a peer is gone in the middle of a message',
  },
  why: {
    es: 'recv devuelve cero bytes o un error: el servidor sigue, las demás agencias terminan, y nadie queda girando en un bucle',
    en: 'recv returns no bytes or an error: the server lives, the other agencies finish, and nothing spins in a loop',
  },
  limitMs: 400_000,
  trials: 3,
  run: lab =>
    lab.trial === 2 ? serverGone(lab) : clientGone(lab, lab.trial === 0 ? 'end' : 'cut'),
};

/** Kills a client in the middle of a message, and restarts it. */
async function clientGone(lab: Lab, action: 'end' | 'cut'): Promise<Judgement> {
  const usual = await recordUsual(lab);
  const gone = lab.random.between(1, usual.inputs.length);
  const others = numbersOf(usual).filter(number => number !== gone);
  const play = await openPlay(lab, { inputs: usual.inputs });
  const { proxy } = play.lottery;
  await proxy.plan(
    { stop: { direction: 'up', afterBytes: middleOfMessage(lab, usual, gone), action } },
    gone,
  );
  await startClients(play, [gone]);
  lab.say({ es: 'espero el corte', en: 'waiting for the cut' });
  await waitFor(lab, play, () =>
    proxy.events.some(({ kind, client }) => kind === 'close' && client === gone),
  );
  await play.clients.get(gone)!.kill('SIGKILL');
  await proxy.plan({});
  await startClients(play, others);
  const early = await judgeRest(lab, play, { others, gone });
  if (early !== undefined) return early;
  await startClients(play, [gone]);
  await waitForDone(lab, play, numbersOf(play));
  const judgement = await judgeOutcome(lab, play, { mayRepeat: [gone] });
  const disturbance = {
    es: `después de que el cliente ${gone} desapareció en medio de un mensaje`,
    en: `after client ${gone} was gone in the middle of a message`,
  };
  const judged = await judgeDisturbed(lab, judgement, { control: usual, disturbance });
  if (judged.verdict === 'fail' || judged.verdict === 'advice') return judged;
  return (await spinning(lab, play)) ?? (await leftOpen(lab, play)) ?? judged;
}

interface Parties {
  readonly others: readonly number[];
  readonly gone: number;
}

/** Waits for the other clients. Fails a server for which a client that is gone has finished. */
async function judgeRest(
  lab: Lab,
  play: Play,
  { others, gone }: Parties,
): Promise<Judgement | undefined> {
  if (!hasDraw(lab)) {
    await waitForDone(lab, play, others);
    return undefined;
  }
  await waitForStored(lab, play, others);
  const stored = new Set(await storedRows(play));
  // A client without a wait between its messages may have finished before the cut.
  if (expectedRows(lab, play, [gone]).every(row => stored.has(row))) return undefined;
  const early = await judgeEarlyDraw(lab, play, {
    es: `la agencia ${gone} desapareció en medio de un mensaje`,
    en: `agency ${gone} was gone in the middle of a message`,
  });
  if (early === undefined) return undefined;
  // A draw without an agency that never connects is the finding of another check.
  const control = await openPlay(lab, { inputs: play.inputs });
  await startClients(control, others);
  await waitForStored(lab, control, others);
  const when = { es: `la agencia ${gone} falta`, en: `agency ${gone} is missing` };
  return (await judgeEarlyDraw(lab, control, when)) === undefined ? early : undefined;
}

/** An offset in the middle of the client's first message. */
function middleOfMessage({ random }: Lab, usual: Play, client: number): number {
  const turns = upTurnsOf(usual.lottery.proxy.events, client);
  const [first] = turns;
  const byteCount = first?.byteCount ?? 2;
  // Where the server answers a greeting, the greeting is the first message.
  return random.between(Math.max(1, Math.floor(byteCount / 2)), Math.max(1, byteCount - 1));
}

async function spinning(lab: Lab, play: Play): Promise<Judgement | undefined> {
  const [busy] = await busyServices(lab, [play.server]);
  if (busy === undefined) return judgeServer(play);
  return fail(
    {
      es: `el servidor usa el ${percent(busy.share)} de un procesador sin tener nada que hacer, desde que un cliente desapareció`,
      en: `the server uses ${percent(busy.share)} of a processor with nothing to do, since a client was gone`,
    },
    {
      es: 'recv devuelve cero bytes para siempre cuando el otro lado cerró: ¿qué hace tu bucle?',
      en: 'recv returns no bytes for ever when the other side has closed: what does your loop do?',
    },
    [lastLines(play.server)],
  );
}

/** Reports connections that the server keeps open after their clients have ended. */
async function leftOpen(lab: Lab, play: Play): Promise<Judgement | undefined> {
  const countOf = (of: 'open' | 'close'): number =>
    play.lottery.proxy.events.filter(({ kind }) => kind === of).length;
  const openCount = (): number => countOf('open') - countOf('close');
  lab.say({ es: 'espero que se cierren las conexiones', en: 'waiting for connections to close' });
  if (await waitFor(lab, play, () => openCount() === 0)) return undefined;
  return advise(
    {
      es: `el servidor tiene abiertas ${openCount()} conexiones de clientes que ya terminaron`,
      en: `the server holds ${openCount()} connections of clients that have ended`,
    },
    {
      es: 'cada una es un file descriptor: ¿quién cierra el socket cuando el cliente se fue?',
      en: 'each one is a file descriptor: what closes the socket when the client has gone?',
    },
    [lastLines(play.server)],
  );
}

/** A client that loses its server must not exit with code 0. */
async function serverGone(lab: Lab): Promise<Judgement> {
  const usual = await recordUsual(lab);
  const play = await openPlay(lab, {
    inputs: usual.inputs,
    plan: { stop: { direction: 'up', afterBytes: middleOfMessage(lab, usual, 1), action: 'hold' } },
  });
  await startClients(play, [1]);
  await waitFor(lab, play, () => play.lottery.proxy.events.some(({ kind }) => kind === 'data'));
  await play.server.kill('SIGKILL');
  const client = play.clients.get(1)!;
  lab.say({
    es: 'el servidor ya no está: espero al cliente',
    en: 'the server is gone: waiting for the client',
  });
  // A client that keeps retrying is correct.
  await waitFor(lab, play, () => client.exit !== undefined);
  if (client.exit?.code !== 0 || isTold(client)) return OK;
  return fail(
    {
      es: 'el cliente perdió a su servidor en medio de un mensaje y terminó con código 0',
      en: 'the client has lost its server in the middle of a message and ended with exit code 0',
    },
    {
      es: 'quien lanza el cliente solo ve el código de salida: ¿qué dice este?',
      en: 'who starts the client sees only its exit code: what does this one say?',
    },
    [lastLines(client)],
  );
}
