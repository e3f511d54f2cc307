import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { countAgain } from '../support/count-again.ts';
import type { ExpectedAgency } from './expected-bets.ts';
import type { LoggedLine } from './processes.ts';

/** The result of a lottery. */
const FILES = 'acta-sorteo.txt, acta.txt, bets.csv, bets.journal, bets.lock';

/** A promise was broken. */
export class Violation extends Error {}

function hold(isTrue: boolean, otherwise: string): asserts isTrue {
  if (!isTrue) throw new Violation(otherwise);
}

/**
 * Verifies the files of a lottery, independently of the program's readers.
 *
 * @returns SHA-256 of `bets.csv`
 */
export async function checkFiles(
  folder: string,
  agencies: readonly ExpectedAgency[],
): Promise<string> {
  const names = await readdir(folder);
  // A copy of the remains of the first group after a crash.
  const files = names
    .filter(name => !name.startsWith('bets.csv.cut'))
    .toSorted()
    .join(', ');
  hold(files === FILES, `what is left behind is ${files}`);
  const bets = await readFile(join(folder, 'bets.csv'));
  const rows = bets.toString('utf8').split('\r\n');
  hold(rows.pop() === '', 'bets.csv does not end with a line end');
  for (const { agency, rows: expected } of agencies) checkRows(agency, rows, expected);
  const total = agencies.reduce((sum, { rows: expected }) => sum + expected.length, 0);
  hold(rows.length === total, `bets.csv has ${rows.length} rows, ${total} were sent`);
  const difference = await countAgain(folder);
  hold(difference === undefined, `the auditor's script finds ${difference}`);
  const sha256 = createHash('sha256').update(bets).digest('hex');
  await checkJournal(join(folder, 'bets.journal'), agencies, sha256, bets.length);
  return sha256;
}

/** Expects every row of the agency's file once, in its order. */
function checkRows(agency: number, rows: readonly string[], expected: readonly string[]): void {
  const stored = rows.filter(row => row.startsWith(`${agency},`));
  const [given, kept] = [countOf(expected), countOf(stored)];
  for (const [row, count] of kept) {
    const times = given.get(row) ?? 0;
    hold(count <= times, `bets.csv has ${count} times '${row}', it was sent ${times} times`);
  }
  for (const [row, count] of given) {
    hold(
      kept.get(row) === count,
      `bets.csv has ${kept.get(row) ?? 0} times '${row}', it was sent ${count} times`,
    );
  }
  const differing = stored.findIndex((row, index) => row !== expected[index]);
  hold(
    differing < 0,
    `bet ${differing} of agency ${agency} is '${stored[differing]}', out of order`,
  );
}

function countOf(rows: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(row, (counts.get(row) ?? 0) + 1);
  return counts;
}

type Stored = readonly [agency: number, count: number, bytes: number, upload: string, seq: number];

interface JournalLine {
  readonly n: number;
  readonly type: string;
  readonly agency: number;
  readonly batches: readonly Stored[];
}

/** Expects every batch and every agency's end once, and finally one draw. */
async function checkJournal(
  path: string,
  agencies: readonly ExpectedAgency[],
  sha256: string,
  betsBytes: number,
): Promise<void> {
  const text = await readFile(path, 'utf8');
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as JournalLine);
  hold(
    lines.every(({ n }, index) => n === index + 1),
    'the lines of the journal are not numbered 1, 2, 3, …',
  );
  const batches = lines.filter(({ type }) => type === 'group').flatMap(line => line.batches);
  for (const { agency, rows } of agencies) {
    const own = batches.filter(([of]) => of === agency);
    hold(
      own.every(([, , , upload, seq], index) => upload === own[0]![3] && seq === index + 1),
      `the batches of agency ${agency} are not 1, 2, 3, … of one upload`,
    );
    const bets = own.reduce((sum, [, count]) => sum + count, 0);
    hold(
      bets === rows.length,
      `the journal has ${bets} bets of agency ${agency}, it sent ${rows.length}`,
    );
    const finished = lines.filter(
      line => line.type === 'finished' && line.agency === agency,
    ).length;
    hold(finished === 1, `the journal says ${finished} times that agency ${agency} finished`);
  }
  const draws = lines.filter(({ type }) => type === 'draw');
  hold(
    draws.length === 1 && lines.at(-1) === draws[0],
    `the journal has ${draws.length} draws, not one at its end`,
  );
  const { time, n, check, ...draw } = draws[0] as JournalLine & Record<string, unknown>;
  const winners = agencies.map(({ agency, winners: own }) => [agency, own] as const);
  const expected = {
    type: 'draw',
    end: betsBytes,
    sha256,
    bets: agencies.reduce((sum, { rows }) => sum + rows.length, 0),
    winners: new Map(winners.filter(([, own]) => own.length > 0)),
  };
  const told = { ...draw, winners: new Map(draw['winners'] as [number, string[]][]) };
  hold(
    isDeepStrictEqual(told, expected),
    `the draw of the journal (line ${n}, ${String(time)}, ${String(check)}) is not the right one`,
  );
}

/** Events of a server whose client was killed: half a message, or a reset. */
const FAILS_OF_OTHERS = new Set(['cut_connection', 'receive_message']);

/**
 * Verifies that the logs of all the server's processes are consistent: each knows what the previous
 * one acknowledged.
 *
 * @param bets stored in the end
 */
export function checkServerLogs(
  lives: readonly (readonly LoggedLine[])[],
  bets: number,
  seal: string,
): void {
  let acknowledged = 0;
  let received = 0;
  const finished = new Set<string>();
  let draws = 0;
  for (const [index, lines] of lives.entries()) {
    const here = `life ${index + 1} of the server`;
    for (const line of lines) {
      const { action, result } = line;
      if (action === 'open_store') {
        const { bets: found, finished_ids: known, state } = line as unknown as StoreLine;
        hold(
          found >= acknowledged,
          `${here} knows ${found} bets, ${acknowledged} were acknowledged before`,
        );
        acknowledged = found;
        for (const agency of finished)
          hold(known.split(',').includes(agency), `${here} forgot agency ${agency}`);
        hold(draws === 0 || state === 'drawn', `${here} forgot the draw`);
      }
      if (action === 'apuesta_recibida') {
        acknowledged += Number(line['cantidad']);
        received += Number(line['cantidad']);
      }
      if (action === 'agency_finished') finished.add(String(line['agency']));
      if (action === 'sorteo') draws += 1;
      if (action === 'draw')
        hold(line['sha256'] === seal, `${here} told another seal than that of bets.csv`);
      const isPortTaken =
        action === 'start' && String(line['error']).includes('is in use by another program');
      if (result === 'fail' && !FAILS_OF_OTHERS.has(action) && !isPortTaken) {
        throw new Violation(`${here}: ${JSON.stringify(line)}`);
      }
    }
  }
  hold(draws <= 1, `'sorteo' was logged ${draws} times`);
  hold(acknowledged <= bets, `${acknowledged} bets were acknowledged, ${bets} are stored`);
  hold(received <= bets, `${received} bets were received, ${bets} were sent`);
}

interface StoreLine {
  readonly bets: number;
  readonly finished_ids: string;
  readonly state: string;
}

/** Verifies that a client never gave up, and always received the same winners. */
export function checkClientLogs(
  lives: readonly (readonly LoggedLine[])[],
  { agency, rows, winners }: ExpectedAgency,
): void {
  for (const line of lives.flat()) {
    const { action, result } = line;
    hold(result !== 'fail', `client ${agency}: ${JSON.stringify(line)}`);
    if (result !== 'success') continue;
    if (action === 'upload')
      hold(line['bets'] === rows.length, `client ${agency} counted ${String(line['bets'])} bets`);
    if (action !== 'consulta_ganadores') continue;
    const { cant_ganadores: count } = line;
    hold(count === winners.length, `client ${agency} was told ${String(count)} winners`);
  }
}
