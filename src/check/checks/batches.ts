import type { Check } from '../check.ts';
import { csvOf, makeInputs } from '../data.ts';
import { type Judgement, OK } from '../finding.ts';
import { fail, hasContent, judgeServer, lastLines, linesEvidence } from '../judge.ts';
import type { Lab } from '../lab.ts';
import {
  actionsOf,
  type ActionLine,
  expectedRows,
  numberIn,
  numbersOf,
  openPlay,
  type Play,
  startClients,
  storedRows,
  waitFor,
  waitForStored,
} from '../play.ts';
import { type MadeBet, PACKET_BYTES_MAX } from '../profiles/tp0.ts';
import {
  encodings,
  focusOn,
  type Occurrence,
  occurrences,
  type Turn,
  turnsOf,
  upTurnsOf,
} from '../timeline.ts';
import { recordUsual } from '../usual-play.ts';

/** Does not fit into a signed byte, and is less than 8 kB in most formats. */
const LARGE_AMOUNT = 140;
const HUGE_AMOUNT = 1000;
const BETS = 420;

/** A turn also has the headers, and a greeting that is not answered. */
const TURN_SLACK_BYTES = 100;

/** All bets of a client are in one batch, which has one answer. */
const BAD_BATCH_AMOUNT = 40;

/** The estimate includes bytes outside batches, and bets differ in length. */
const ESTIMATE_SLACK = 1.05;

export const batches: Check = {
  id: 'batches',
  exercises: ['ej6', 'ej7', 'ej8'],
  title: { es: 'los batches', en: 'the batches' },
  why: {
    es: 'varias apuestas por mensaje, tantas como dice batch.maxAmount, nunca más de 8 kB; un batch con una apuesta mala se responde con error',
    en: 'several bets in a message, as many as batch.maxAmount says, never more than 8 kB; a batch with a bad bet is answered with an error',
  },
  limitMs: 300_000,
  async run(lab) {
    const usual = await recordUsual(lab);
    const byDefault = judgeSizes(usual) ?? judgeSeveral(usual);
    if (byDefault !== undefined) return byDefault;
    const small = lab.random.between(5, 12);
    const steps = [
      () => follows(lab, small),
      () => takes(lab, LARGE_AMOUNT),
      () => staysSmall(lab),
      () => badBet(lab),
    ];
    let advice: Judgement = OK;
    for (const step of steps) {
      const judgement = await step();
      if (judgement?.verdict === 'fail') return judgement;
      advice = judgement ?? advice;
    }
    return advice;
  },
};

/** Uploads the bets of one client. */
async function uploadOne(lab: Lab, batchMax: number): Promise<Play> {
  const inputs = makeInputs(lab.random, { clients: 1, betsMin: BETS, betsMax: BETS });
  const play = await openPlay(lab, { inputs, batchMax });
  await startClients(play, [1]);
  const areStored = await waitForStored(lab, play, [1]);
  // The server may log it a little later.
  const isLogged = (): boolean =>
    receivedBets(play) >= BETS || amountsOf(play).length < received(play).length;
  if (areStored) await waitFor(lab, play, isLogged);
  return play;
}

/** Lines `apuesta_recibida`; by default those of stored batches. */
const received = ({ server }: Play, result = 'success'): ActionLine[] =>
  actionsOf(server, 'apuesta_recibida').filter(line => line.result === result);

const amountOf = (line: ActionLine): number => numberIn(line, 'cantidad');

/** Sizes of the stored batches. Lines without a number are the finding of `log-grammar`. */
const amountsOf = (play: Play): number[] => received(play).map(amountOf).filter(Number.isFinite);

const receivedBets = (play: Play): number =>
  amountsOf(play).reduce((sum, amount) => sum + amount, 0);

function judgeSizes(play: Play): Judgement | undefined {
  for (const client of numbersOf(play)) {
    const turns = upTurnsOf(play.lottery.proxy.events, client);
    const turn = turns.find(({ byteCount }) => byteCount > PACKET_BYTES_MAX + TURN_SLACK_BYTES);
    if (turn === undefined || isSeveral(play, turns)) continue;
    return tooLarge(play, client, turn);
  }
  return undefined;
}

/**
 * Whether the client pipelines batches: then several are sent between two answers. The largest
 * batch in the server's log, at the average bytes per bet, is below the limit then.
 */
function isSeveral(play: Play, turns: readonly Turn[]): boolean {
  const amounts = amountsOf(play);
  // Without the server's figures, pipelining cannot be excluded.
  if (amounts.length === 0) return true;
  const bytes = numbersOf(play)
    .flatMap(client => upTurnsOf(play.lottery.proxy.events, client))
    .reduce((sum, { byteCount }) => sum + byteCount, 0);
  const largest = Math.max(...turns.map(({ byteCount }) => byteCount));
  const largestBatch = (Math.max(...amounts) * bytes) / receivedBets(play);
  return largestBatch <= ESTIMATE_SLACK * PACKET_BYTES_MAX && largest > 1.5 * largestBatch;
}

function tooLarge(play: Play, client: number, turn: Turn): Judgement {
  const es = new Intl.NumberFormat('es-AR').format(turn.byteCount);
  const en = new Intl.NumberFormat('en').format(turn.byteCount);
  return fail(
    {
      es: `tu cliente mandó ${es} bytes entre dos respuestas; el enunciado pide que ningún paquete supere los 8 kB`,
      en: `your client sent ${en} bytes between two answers; the assignment asks that no packet exceeds 8 kB`,
    },
    {
      es: '¿quién mira cuántos bytes tiene un batch antes de mandarlo?',
      en: 'what looks at how many bytes a batch has before it is sent?',
    },
    [
      focusOn(play.lottery.proxy.events, {
        title: { es: `lo que dijo el cliente ${client}`, en: `what client ${client} said` },
        event: turn.events[0]!,
        note: {
          es: `aquí empiezan ${es} bytes sin respuesta`,
          en: `here begin ${en} bytes without an answer`,
        },
      }),
    ],
  );
}

/** Fails a client with one bet per message. */
function judgeSeveral(play: Play): Judgement | undefined {
  for (const client of numbersOf(play)) {
    const { bets } = play.inputs[client - 1]!;
    const turns = upTurnsOf(play.lottery.proxy.events, client);
    if (turns.length < bets.length) continue;
    return fail(
      {
        es: `el cliente ${client} mandó ${bets.length} apuestas en ${turns.length} mensajes: cada batch tiene una sola`,
        en: `client ${client} sent ${bets.length} bets in ${turns.length} messages: each batch has only one`,
      },
      {
        es: 'un batch lleva varias apuestas y recibe una respuesta',
        en: 'a batch carries several bets and is given one answer',
      },
      [
        focusOn(play.lottery.proxy.events, {
          title: { es: `lo que dijo el cliente ${client}`, en: `what client ${client} said` },
          event: turns[1]!.events[0]!,
          note: { es: 'un mensaje', en: 'one message' },
        }),
      ],
    );
  }
  return undefined;
}

/** Fails a client that ignores a small `batch.maxAmount`. */
async function follows(lab: Lab, batchMax: number): Promise<Judgement | undefined> {
  const play = await uploadOne(lab, batchMax);
  const lines = received(play);
  const over = lines.filter(line => amountOf(line) > batchMax);
  const amounts = amountsOf(play);
  const largest = Math.max(0, ...amounts);
  if (over.length === 0 && (largest === batchMax || amounts.length === 0)) return undefined;
  return fail(
    {
      es: `con batch.maxAmount: ${batchMax} el batch más grande tuvo ${largest} apuestas`,
      en: `with batch.maxAmount: ${batchMax} the largest batch had ${largest} bets`,
    },
    {
      es: 'la cantidad se lee de config.yaml cada vez que arranca el cliente',
      en: 'the amount is read from config.yaml each time the client starts',
    },
    [linesEvidence(over.length > 0 ? over : lines)],
  );
}

/** Fails a solution that loses bets with a larger `batch.maxAmount`. */
async function takes(lab: Lab, batchMax: number): Promise<Judgement | undefined> {
  const play = await uploadOne(lab, batchMax);
  const largest = Math.max(
    0,
    ...upTurnsOf(play.lottery.proxy.events, 1).map(({ byteCount }) => byteCount),
  );
  const stored = new Set(await storedRows(play));
  const missing = expectedRows(lab, play, [1]).filter(row => !stored.has(row));
  // A loss that does not depend on the amount is the finding of another check.
  if (
    missing.length === 0 ||
    (largest <= PACKET_BYTES_MAX && (await losesAsWell(lab, missing.length)))
  )
    return undefined;
  const judgement = fail(
    {
      es: `con batch.maxAmount: ${batchMax} de ${BETS} apuestas faltan ${missing.length} en bets.csv`,
      en: `with batch.maxAmount: ${batchMax} ${missing.length} of ${BETS} bets are missing in bets.csv`,
    },
    {
      es: '¿hasta qué número llega el campo que cuenta las apuestas de un batch?',
      en: 'how far does the field count that holds the number of bets of a batch?',
    },
    [lastLines(play.server), lastLines(play.clients.get(1))],
  );
  return largest > PACKET_BYTES_MAX ? { ...judgement, verdict: 'advice' } : judgement;
}

async function losesAsWell(lab: Lab, missingCount: number): Promise<boolean> {
  const play = await uploadOne(lab, Math.floor(LARGE_AMOUNT / 4));
  const stored = new Set(await storedRows(play));
  return (
    expectedRows(lab, play, [1]).filter(row => !stored.has(row)).length >=
    missingCount / LARGE_AMOUNT
  );
}

/** Fails a client whose packets exceed 8 kB with a large `batch.maxAmount`. */
async function staysSmall(lab: Lab): Promise<Judgement | undefined> {
  const play = await uploadOne(lab, HUGE_AMOUNT);
  const judgement = judgeSizes(play);
  if (judgement === undefined) return undefined;
  const { es, en } = judgement.reason!;
  return {
    ...judgement,
    reason: {
      es: `con batch.maxAmount: ${HUGE_AMOUNT} ${es}`,
      en: `with batch.maxAmount: ${HUGE_AMOUNT} ${en}`,
    },
  };
}

/**
 * An invalid bet: either the server answers with an error, or the client detects it and does not
 * send it.
 */
async function badBet(lab: Lab): Promise<Judgement | undefined> {
  const inputs = makeInputs(lab.random, { clients: 2, betsMin: 20, betsMax: 30 });
  const { bets } = inputs[0]!;
  const place = lab.random.between(0, bets.length - 1);
  const bad = { ...bets[place]!, birthdate: '1990-02-31' };
  const file = csvOf(bets.with(place, bad));
  const play = await openPlay(lab, {
    inputs: [{ ...inputs[0]!, file }, inputs[1]!],
    batchMax: BAD_BATCH_AMOUNT,
  });
  await startClients(play, [1]);
  const client = play.clients.get(1)!;
  const isOver = (): boolean => received(play, 'fail').length > 0 || (client.exit?.code ?? 0) !== 0;
  lab.say({
    es: 'espero la respuesta a una apuesta mala',
    en: 'waiting for the answer to a bad bet',
  });
  await waitFor(lab, play, isOver);
  const ended = judgeServer(play);
  if (ended !== undefined) return ended;
  const isStored = (await storedRows(play)).some(row => row.includes(bad.document));
  if ((isOver() || !hasSent(play, 1, bad)) && !isStored)
    return (await aliveAfter(lab, play)) ?? judgeAnswer(play, bad);
  const what = isStored
    ? { es: 'quedó guardada en bets.csv', en: 'was stored in bets.csv' }
    : { es: 'se respondió como si nada', en: 'was answered as if nothing were wrong' };
  return fail(
    {
      es: `una apuesta con la fecha ${bad.birthdate} ${what.es}`,
      en: `a bet with the date ${bad.birthdate} ${what.en}`,
    },
    {
      es: "si una apuesta del batch falla, el servidor responde con error y escribe 'action: apuesta_recibida | result: fail'",
      en: "when one bet of a batch fails, the server answers with an error and writes 'action: apuesta_recibida | result: fail'",
    },
    [linesEvidence(received(play)), lastLines(client)].filter(hasContent),
  );
}

function sentBets(
  { lottery: { proxy } }: Play,
  client: number,
  { document }: MadeBet,
): Occurrence[] {
  return encodings(document).flatMap(([, needle]) =>
    occurrences(proxy.events, { client, direction: 'up' }, needle),
  );
}

const hasSent = (play: Play, client: number, bet: MadeBet): boolean =>
  sentBets(play, client, bet).length > 0;

/** Fails a server whose answer to the batch of client 1 is that to the valid one of client 2. */
function judgeAnswer(play: Play, bad: MadeBet): Judgement | undefined {
  const [answer, valid] = [answerTo(play, 1), answerTo(play, 2)];
  if (answer === undefined || valid === undefined || bytesOf(answer) !== bytesOf(valid))
    return undefined;
  return fail(
    {
      es: `la respuesta a un batch con la fecha ${bad.birthdate} es igual a la de un batch bueno`,
      en: `the answer to a batch with the date ${bad.birthdate} is the same as to a valid batch`,
    },
    {
      es: 'el servidor rechazó el batch: ¿cómo se entera el cliente?',
      en: 'the server has rejected the batch: how does the client learn of it?',
    },
    [
      focusOn(play.lottery.proxy.events, {
        title: { es: 'la respuesta', en: 'the answer' },
        event: answer.events[0]!,
        note: { es: 'igual a la de un batch bueno', en: 'the same as to a valid batch' },
      }),
    ],
  );
}

/** The server's turn after the one with all bets of a client; undefined if they are in several. */
function answerTo(play: Play, client: number): Turn | undefined {
  const sent = play.inputs[client - 1]!.bets.map(bet => sentBets(play, client, bet)[0]);
  const turns = turnsOf(play.lottery.proxy.events, sent[0]?.connection ?? 0);
  const index = turns.findIndex(({ events }) =>
    sent.every(each => each !== undefined && events.includes(each.event)),
  );
  return index < 0 ? undefined : turns[index + 1];
}

const bytesOf = ({ events }: Turn): string =>
  Buffer.concat(events.map(({ bytes }) => bytes!)).toString('latin1');

async function aliveAfter(lab: Lab, play: Play): Promise<Judgement | undefined> {
  await startClients(play, [2]);
  const isStored = await waitForStored(lab, play, [2]);
  const ended = judgeServer(play);
  const received2 = isStored || (await storedRows(play)).some(row => row.startsWith('2|'));
  if (ended !== undefined || received2) return ended;
  // A client that does not send its bets is the finding of another check.
  if (!play.inputs[1]!.bets.some(bet => hasSent(play, 2, bet))) return undefined;
  return fail(
    {
      es: 'después de una apuesta mala de una agencia el servidor no atiende a otra',
      en: 'after a bad bet of one agency the server does not serve another one',
    },
    {
      es: 'el error es del batch, no del servidor',
      en: 'the error is of the batch, not of the server',
    },
    [lastLines(play.server), lastLines(play.clients.get(2))],
  );
}
