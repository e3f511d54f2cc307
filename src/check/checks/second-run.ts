import type { Check } from '../check.ts';
import { makeInputs, winnersOf } from '../data.ts';
import { type Judgement, OK } from '../finding.ts';
import { advise, lastLines } from '../judge.ts';
import type { Lab } from '../lab.ts';
import {
  actionsOf,
  expectedRows,
  numberIn,
  numbersOf,
  type Play,
  playLottery,
  startClients,
  storedRows,
  waitForDone,
} from '../play.ts';

export const secondRun: Check = {
  id: 'second-run',
  exercises: ['ej6', 'ej7', 'ej8'],
  title: {
    es: 'una segunda lotería en los mismos contenedores',
    en: 'a second lottery on the same containers',
  },
  why: {
    es: 'store_bets agrega al final del archivo: lo que quedó de la lotería anterior no cuenta en la siguiente',
    en: 'store_bets appends to the file: what the last lottery has left does not count in the next one',
  },
  limitMs: 200_000,
  async run(lab) {
    const inputs = makeInputs(lab.random, { clients: lab.stage.clients, betsMin: 20, betsMax: 40 });
    const first = await playLottery(lab, { inputs });
    const expected = await leftOver(lab, first);
    await first.server.kill('SIGTERM');
    await Promise.race([
      first.server.exited,
      new Promise(resolve => setTimeout(resolve, 10_000).unref()),
    ]);
    if (first.server.exit === undefined) await first.server.kill('SIGKILL');
    await first.server.exited;
    for (const client of first.clients.values())
      if (client.exit === undefined) await client.kill('SIGKILL');
    const play = { ...first, server: await first.lottery.startServer(), clients: new Map() };
    await startClients(play, numbersOf(play));
    await waitForDone(lab, play, numbersOf(play));
    const found = await leftOver(lab, play);
    return found === undefined || found.reason?.en === expected?.reason?.en ? OK : found;
  },
};

/**
 * Reports more rows than bets, or winners that an agency does not have. A server that refuses bets
 * after the draw has counted nothing twice. The course's own `store_bets` causes the fault, so it
 * is advice and no failure.
 */
async function leftOver(lab: Lab, play: Play): Promise<Judgement | undefined> {
  const rows = (await storedRows(play)).length;
  const bets = expectedRows(lab, play, numbersOf(play)).length;
  const wrong = numbersOf(play).find(number =>
    actionsOf(play.clients.get(number)!, 'consulta_ganadores').some(
      line =>
        line.result === 'success' &&
        numberIn(line, 'cant_ganadores') > winnersOf(play.inputs[number - 1]!).length,
    ),
  );
  if (rows <= bets && wrong === undefined) return undefined;
  return advise(
    {
      es: `al arrancar los mismos contenedores otra vez, bets.csv tiene ${rows} filas, y los clientes mandaron ${bets} apuestas`,
      en: `when the same containers are started again, bets.csv has ${rows} rows, and the clients sent ${bets} bets`,
    },
    {
      es: '¿qué encuentra tu servidor en bets.csv cuando arranca?',
      en: 'what does your server find in bets.csv when it starts?',
    },
    [lastLines(play.server), ...(wrong === undefined ? [] : [lastLines(play.clients.get(wrong))])],
  );
}
