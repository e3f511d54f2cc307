import type { Check } from '../check.ts';
import { makeInputs } from '../data.ts';
import { NotCheckable, OK } from '../finding.ts';
import { fail } from '../judge.ts';
import type { Lab } from '../lab.ts';
import { openPlay, startClients, waitFor } from '../play.ts';
import { turnsOf, connectionsOf } from '../timeline.ts';

const BETS = 15_000;
const TIMES = 10;

/**
 * Answers after which the memory of a streaming client is stable, and a client that loads its file
 * has loaded it.
 */
const ANSWERS = 8;

/**
 * A growth of memory above this share of the file's growth means that the file is loaded. The
 * tolerance is for the runtime.
 */
const KEPT_SHARE = 1;
const HABITS_BYTES = 6 * 1024 * 1024;

export const memory: Check = {
  id: 'memory',
  exercises: ['ej6', 'ej7', 'ej8'],
  title: { es: 'la memoria del cliente', en: "the client's memory" },
  why: {
    es: 'un archivo diez veces más largo no necesita diez veces más memoria: se lee a medida que se manda',
    en: 'a file ten times as long does not need ten times the memory: it is read as it is sent',
  },
  limitMs: 200_000,
  async run(lab) {
    const [small, large] = await measure(lab);
    if (!isKept(small, large)) return OK;
    // The memory of a runtime varies: a file that is loaded shows each time.
    if (!isKept(...(await measure(lab)))) return OK;
    return fail(
      {
        es: `con un archivo de ${megabytes(small.fileBytes)} el cliente usa ${megabytes(small.peakBytes)}, y con uno de ${megabytes(large.fileBytes)} usa ${megabytes(large.peakBytes)}`,
        en: `with a file of ${megabytes(small.fileBytes)} the client uses ${megabytes(small.peakBytes)}, and with one of ${megabytes(large.fileBytes)} it uses ${megabytes(large.peakBytes)}`,
      },
      {
        es: '¿cuánto del archivo está en memoria cuando sale el primer batch?',
        en: 'how much of the file is in memory when the first batch is sent?',
      },
    );
  },
};

type Measured = Awaited<ReturnType<typeof peakOf>>;

const measure = async (lab: Lab): Promise<[small: Measured, large: Measured]> => [
  await peakOf(lab, BETS),
  await peakOf(lab, BETS * TIMES),
];

const isKept = (small: Measured, large: Measured): boolean =>
  large.peakBytes - small.peakBytes >
  (large.fileBytes - small.fileBytes) * KEPT_SHARE + HABITS_BYTES;

/** Peak memory of a client up to its first batches. */
async function peakOf(lab: Lab, bets: number): Promise<{ peakBytes: number; fileBytes: number }> {
  const inputs = makeInputs(lab.random, { clients: 1, betsMin: bets, betsMax: bets });
  const play = await openPlay(lab, { inputs });
  await startClients(play, [1]);
  const client = play.clients.get(1)!;
  const { proxy } = play.lottery;
  lab.say({ es: 'espero los primeros batches', en: 'waiting for the first batches' });
  await waitFor(lab, play, () => {
    if (client.exit !== undefined) return true;
    const answers = connectionsOf(proxy.events, 1)
      .flatMap(connection => turnsOf(proxy.events, connection))
      .filter(({ direction }) => direction === 'down');
    return answers.length >= ANSWERS;
  });
  const peakBytes = (await client.usage())?.memoryPeakBytes;
  await play.lottery.close();
  if (peakBytes === undefined) {
    throw new NotCheckable({
      es: 'este sistema no dice cuánta memoria usa un proceso',
      en: 'this system does not tell how much memory a process uses',
    });
  }
  return { peakBytes, fileBytes: Buffer.byteLength(inputs[0]!.file) };
}

const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
