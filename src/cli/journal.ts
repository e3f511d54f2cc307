import { checkActa } from '../audit/audit.ts';
import { type BetsDigest, readActa } from '../lottery/acta.ts';
import { hasWon } from '../lottery/catedra.ts';
import { EXIT } from './exit-codes.ts';
import { folderOf } from './stores/store-of.ts';
import { describeRecord, verifyStore, visitJournal } from './stores/csv.ts';
import { complain, say } from './output.ts';

const WITHOUT_JOURNAL =
  '`loteria export FILE` reads all of it and checks it, `loteria draw status` says what is in it';

/** `loteria journal verify` */
export async function verifyJournal(directory: string | undefined): Promise<number> {
  const folder = await folderOf(directory, WITHOUT_JOURNAL);
  const verified = await verifyStore(folder, hasWon);
  const { journalLines, journalTornBytes, betsEnd, betsTornBytes, lottery, draw, sha256 } =
    verified;
  say(`bets.journal  ${journalLines} lines`);
  say(`bets.csv      ${lottery.betsInAll} bets, ${betsEnd} bytes`);
  say(`sha256        ${sha256}`);
  if (draw === undefined) {
    say(`draw          not held; finished agencies: ${lottery.finished.join(', ') || 'none'}`);
  } else {
    const winners = draw.winners.reduce((sum, [, documents]) => sum + documents.length, 0);
    say(`draw          held ${draw.time}, ${draw.bets} bets, ${winners} winners`);
    say(`seal          ${draw.sha256}`);
  }
  const { acta } = lottery;
  if (acta !== undefined) {
    say(`acta          ${acta.number}, closed ${acta.time}, ${acta.bets} bets`);
    const fault = faultOfActa(acta.text, verified, lottery.bets);
    if (fault !== undefined) {
      complain(`acta ${acta.number} in bets.journal is not of these bets, ${fault}`);
      return EXIT.failed;
    }
  }
  if (journalTornBytes + betsTornBytes > 0) {
    say(
      `unfinished    ${betsTornBytes} bytes of bets.csv and ${journalTornBytes} bytes of bets.journal, never acknowledged: ` +
        'the next start cuts them off',
    );
  }
  say('everything is as it was written');
  return EXIT.done;
}

/** The first difference between an acta de cierre and the rows. */
function faultOfActa(
  text: string,
  digest: BetsDigest,
  bets: ReadonlyMap<number, number>,
): string | undefined {
  const acta = readActa(text);
  if (acta === undefined) return 'it is not an acta de cierre';
  const fault = checkActa(acta, digest, bets).find(({ result }) => result === 'differs');
  return fault && `${fault.what}: ${fault.detail}`;
}

/** `loteria journal show` */
export async function showJournal(
  directory: string | undefined,
  { json }: { json?: boolean },
): Promise<number> {
  const folder = await folderOf(directory, WITHOUT_JOURNAL);
  await visitJournal(folder, ({ n, offset, record }) => {
    if (json) say(JSON.stringify({ n, offset, ...record }));
    else for (const text of describeRecord(record)) say(`${String(n).padStart(6)}  ${text}`);
  });
  return EXIT.done;
}
