import type { Check } from '../check.ts';
import { makeInputs } from '../data.ts';
import { type Judgement, OK } from '../finding.ts';
import { judgeOutcome } from '../judge.ts';
import { numbersOf, playLottery, startClients, storedRows, waitForDone } from '../play.ts';

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
    const expected = await judgeOutcome(lab, first);
    await first.server.kill('SIGTERM');
    await Promise.race([first.server.exited, new Promise(resolve => setTimeout(resolve, 10_000).unref())]);
    if (first.server.exit === undefined) await first.server.kill('SIGKILL');
    await first.server.exited;
    for (const client of first.clients.values()) if (client.exit === undefined) await client.kill('SIGKILL');
    const play = { ...first, server: await first.lottery.startServer(), clients: new Map() };
    await startClients(play, numbersOf(play));
    await waitForDone(lab, play, numbersOf(play));
    const judgement = await judgeOutcome(lab, play);
    if (judgement.verdict !== 'fail' || judgement.reason?.en === expected.reason?.en) return OK;
    return advice(judgement, (await storedRows(play)).length);
  },
};

/** The course's own function makes it so: it is for the student to know, and no failure. */
function advice(judgement: Judgement, rows: number): Judgement {
  return {
    ...judgement,
    verdict: 'advice',
    reason: {
      es: `al arrancar los mismos contenedores otra vez (bets.csv tiene ${rows} filas): ${judgement.reason!.es}`,
      en: `when the same containers are started again (bets.csv has ${rows} rows): ${judgement.reason!.en}`,
    },
    hint: {
      es: '¿qué encuentra tu servidor en bets.csv cuando arranca?',
      en: 'what does your server find in bets.csv when it starts?',
    },
  };
}
