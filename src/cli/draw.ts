import { sha256OfActa } from '../lottery/acta.ts';
import { isActaFile } from '../audit/acta-folder.ts';
import { readLotteryConfig } from '../config/server-config.ts';
import type { Lottery } from '../lottery/lottery.ts';
import type { AgencyOptions } from './agencies.ts';
import { describeByHand } from './by-hand.ts';
import { EXIT } from './exit-codes.ts';
import { archiveDraw } from './stores/csv.ts';
import { folderOf, storeOf } from './stores/store-of.ts';
import { say } from './output.ts';

const WITHOUT_FILES =
  'keep its bets with `loteria export FILE`, stop every server and start them with STORE_LOTTERY set to a name that is not in use, ' +
  'LOTERIA-2 say';

/** `loteria draw status` */
export async function drawStatus(
  directory: string | undefined,
  options: AgencyOptions,
): Promise<number> {
  const store = await storeOf(readLotteryConfig(options.config, directory));
  const { lottery, begun } = await store.read();
  const status = statusOf(lottery, begun);
  if (options.json) {
    say(JSON.stringify(status));
    return EXIT.done;
  }
  say(`state    ${describeState(status)}`);
  say(`begun    ${begun}`);
  say(`bets     ${status.bets}`);
  const { acta, draw } = status;
  if (acta !== undefined) say(`acta     ${acta.number}, sha256 ${acta.sha256}`);
  for (const { number, time } of lottery.withdrawnActas)
    say(`acta     ${number} of ${time}, withdrawn`);
  if (draw !== undefined) say(`seal     ${draw.sha256}`);
  say('');
  say('agency      bets  finished  winners');
  for (const row of status.agencies) {
    const finished = row.finished ? 'yes' : 'no';
    const note = row.expected ? '' : '  (not expected)';
    say(
      `${String(row.agency).padStart(6)}${String(row.bets).padStart(10)}${finished.padStart(10)}` +
        `${String(row.winners ?? '–').padStart(9)}${note}`,
    );
  }
  for (const fact of lottery.interventions) say(describeByHand(fact));
  return EXIT.done;
}

/** The output of `--json`. */
function statusOf(lottery: Lottery, begun: string) {
  const { seal, acta } = lottery;
  const ids = [...new Set([...lottery.agencies, ...lottery.finished])];
  return {
    state: lottery.state,
    begun,
    bets: lottery.betsInAll,
    waitingFor: lottery.missing,
    acta: acta && { number: acta.number, closed: acta.time, sha256: sha256OfActa(acta) },
    withdrawnActas: lottery.withdrawnActas.map(({ number }) => number),
    draw: seal && { time: seal.time, sha256: seal.sha256 },
    agencies: ids
      .toSorted((a, b) => a - b)
      .map(agency => ({
        agency,
        expected: lottery.expects(agency),
        bets: lottery.bets.get(agency) ?? 0,
        finished: lottery.hasFinished(agency),
        winners: lottery.winnersOf(agency)?.length,
      })),
    byHand: lottery.interventions,
  };
}

function describeState({ state, waitingFor, acta, draw }: ReturnType<typeof statusOf>): string {
  if (draw !== undefined) return `drawn ${draw.time}`;
  if (acta !== undefined)
    return `closed ${acta.closed}, the draw follows when CLOSE_HOLD is over and, with ACTA_KEY, acta.sig is there`;
  return state === 'complete'
    ? 'complete, a server that runs closes it, or the next one that starts'
    : `open, waiting for ${waitingFor.join(', ')}`;
}

/** `loteria draw new` */
export async function drawNew(
  directory: string | undefined,
  { config }: AgencyOptions,
): Promise<number> {
  const folder = await folderOf(directory, WITHOUT_FILES, config);
  say(`archived in ${await archiveDraw(folder, isActaFile)}`);
  return EXIT.done;
}
