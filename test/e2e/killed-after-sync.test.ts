import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { bet, done, END, helo, row, sbet, welc } from '../support/base-frames.ts';
import { freePort } from '../support/free-port.ts';
import { Peer } from '../support/peer.ts';
import { Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const SCRIPT = fileURLToPath(new URL('./killed-server.ts', import.meta.url));

const BETS_PER_BATCH = 10;
const BATCHES = 12;
const LINES = Array.from(
  { length: BATCHES * BETS_PER_BATCH },
  (_, index) => `Ana,Pérez,${1000 + index},1990-01-02,${index % 50 === 0 ? 7574 : index}`,
);
const ROWS = LINES.map(line => `1,${line}\r\n`).join('');
const WINNERS = '1000\n1050\n1100\n';

/** Starts the server that kills itself right after a sync. */
async function startDoomed(
  folder: string,
  file: string,
  what: number | string,
): Promise<{ doomed: Program; port: number }> {
  const port = await freePort();
  const doomed = Program.startScript(SCRIPT, [folder, String(port), file, String(what)], { cwd: folder });
  await doomed.line(({ text }) => text === 'listening', 'server that listens');
  return { doomed, port };
}

async function journalOf(
  folder: string,
): Promise<{ type: string; text?: string; agency?: number; batches?: unknown[][] }[]> {
  const text = await readFile(join(folder, 'bets.journal'), 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as { type: string });
}

interface Stay {
  readonly folder: string;
  readonly client: Program;
  readonly again: Program;
  /** Types of the journal's lines as the killed server left them. */
  readonly left: readonly string[];
}

/** Uploads to a server that is killed at the instant, and on to the one that is started in its place. */
async function uploadAcross(file: string, what: number | string, window: number): Promise<Stay> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'agency.csv'), LINES.join('\r\n').concat('\n'));
  const { doomed, port } = await startDoomed(folder, file, what);
  const client = startClient(folder, 1, port, {
    CLI_BATCH_MAXAMOUNT: String(BETS_PER_BATCH),
    CLI_BATCH_WINDOW: String(window),
    CLI_WINNERS_FILE: 'winners.txt',
  });
  expect(await doomed.exited).toEqual({ code: null, signal: 'SIGKILL' });
  const left = (await journalOf(folder)).map(({ type }) => type);
  const { server: again } = await startServer(folder, { SERVER_PORT: String(port), NUMBER_AGENCIES: '1' });
  expect(await client.exited).toEqual({ code: 0, signal: null });
  return { folder, client, again, left };
}

/** Every bet is stored once, in its order; there is one end and one draw, and the agency was told its winners. */
async function expectWhole({ folder, client, again }: Stay): Promise<void> {
  expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(ROWS);
  expect(await readFile(join(folder, 'winners.txt'), 'utf8')).toBe(WINNERS);
  const journal = await journalOf(folder);
  const batches = journal.filter(({ type }) => type === 'group').flatMap(line => line.batches!);
  expect(batches.map(([agency, count, , , seq]) => [agency, count, seq])).toEqual(
    Array.from({ length: BATCHES }, (_, index) => [1, BETS_PER_BATCH, index + 1]),
  );
  const others = journal.map(({ type }) => type).filter(type => type !== 'group' && type !== 'checkpoint');
  expect(others).toEqual(['begin', 'finished', 'close', 'draw']);
  const counts = { batches: String(BATCHES), bets: String(LINES.length) };
  expect(client.linesOf('upload', 'success').at(-1)!.details).toMatchObject(counts);
  for (const { lines } of [client, again])
    expect(lines.filter(({ result }) => result === 'fail')).toEqual([]);
}

const groups = (count: number): string[] => Array.from({ length: count }, () => 'group');

describe('a server that is killed right after the sync', () => {
  test.each([1, 2, 7, BATCHES])(
    'of rows %i, of whose line nothing was written: the rows are cut off, the batch is sent again',
    async k => {
      const stay = await uploadAcross('bets.csv', k, 1);
      expect(stay.left).toEqual(['begin', ...groups(k - 1)]);
      const rowsBytes = Buffer.byteLength(ROWS) / BATCHES;
      const [cut, ...more] = stay.again.linesOf('cut_torn_tail');
      expect(more).toEqual([]);
      expect(cut!.details['file']).toBe('bets.csv');
      expect(Math.abs(Number(cut!.details['bytes']) - rowsBytes)).toBeLessThan(3 * BETS_PER_BATCH);
      expect(stay.again.linesOf('open_store')[0]!.details['bets']).toBe(String((k - 1) * BETS_PER_BATCH));
      expect(stay.client.linesOf('resume_upload').map(({ details }) => details['bets'])).toEqual(
        k === 1 ? [] : [String((k - 1) * BETS_PER_BATCH)],
      );
      await expectWhole(stay);
    },
  );

  test.each([1, 2, 7, BATCHES])(
    'of line %i, of whose rows nothing was written: the line is cut off, the batch is sent again',
    async k => {
      const stay = await uploadAcross('bets.journal', k, 1);
      expect(stay.left).toEqual(['begin', ...groups(k)]);
      expect(stay.again.linesOf('cut_torn_tail').map(({ details }) => details['file'])).toEqual([
        'bets.journal',
      ]);
      expect(stay.again.linesOf('open_store')[0]!.details['bets']).toBe(String((k - 1) * BETS_PER_BATCH));
      await expectWhole(stay);
    },
  );

  test.each([1, 2, 7, BATCHES])(
    'of rows and line %i, before the answer: the batch is known, and is not stored a second time',
    async k => {
      const stay = await uploadAcross('both', k, 1);
      expect(stay.left).toEqual(['begin', ...groups(k)]);
      expect(stay.again.linesOf('cut_torn_tail')).toEqual([]);
      expect(stay.again.linesOf('open_store')[0]!.details['bets']).toBe(String(k * BETS_PER_BATCH));
      expect(stay.client.linesOf('resume_upload').map(({ details }) => details['bets'])).toEqual([
        String(k * BETS_PER_BATCH),
      ]);
      await expectWhole(stay);
    },
  );

  test.each(['bets.csv', 'bets.journal', 'both'])(
    'of the second group in %s, while many batches wait: every bet is stored once',
    async file => {
      await expectWhole(await uploadAcross(file, 2, 32));
    },
  );

  test('of the end of the last agency, before its answer: the next one holds the draw as it starts', async () => {
    const stay = await uploadAcross('bets.journal', 'finished', 4);
    expect(stay.left.at(-1)).toBe('finished');
    expect(stay.again.linesOf('open_store')[0]!.details).toMatchObject({
      finished_ids: '1',
      state: 'complete',
    });
    expect(stay.again.linesOf('sorteo', 'success')).toHaveLength(1);
    await expectWhole(stay);
  });

  test('of the close, before the draw: the next one keeps its acta and holds the draw', async () => {
    const stay = await uploadAcross('bets.journal', 'close', 4);
    expect(stay.left.at(-1)).toBe('close');
    expect(stay.again.linesOf('open_store')[0]!.details).toMatchObject({ state: 'closed' });
    expect(stay.again.linesOf('cierre')).toEqual([]);
    const { text } = (await journalOf(stay.folder)).find(({ type }) => type === 'close')!;
    expect(await readFile(join(stay.folder, 'acta.txt'), 'utf8')).toBe(text);
    expect(await readFile(join(stay.folder, 'winners.txt.acta'), 'utf8')).toBe(text);
    expect(stay.client.linesOf('acta', 'success')).toHaveLength(1);
    await expectWhole(stay);
  });

  test('of the draw, before anybody is told: the next one tells it and holds no other', async () => {
    const stay = await uploadAcross('bets.journal', 'draw', 4);
    expect(stay.left.at(-1)).toBe('draw');
    expect(stay.again.linesOf('open_store')[0]!.details).toMatchObject({ finished_ids: '1', state: 'drawn' });
    expect(stay.again.linesOf('sorteo')).toEqual([]);
    await expectWhole(stay);
  });
});

test('a batch that comes again after a restart, with its number, is answered as the first time and stored once', async () => {
  const folder = await temporaryFolder();
  const { doomed, port } = await startDoomed(folder, 'both', 2);
  const batches = [1, 2, 3].map(seq => sbet(seq, bet(10 + seq)));
  const first = await Peer.connect(port);
  first.send(Buffer.concat([helo(1), batches[0]!]));
  expect(await first.frames(2)).toEqual([welc(1), 'OK']);
  first.send(batches[1]!);
  expect(await doomed.exited).toEqual({ code: null, signal: 'SIGKILL' });
  expect(await first.rest()).toBe('');

  const { server } = await startServer(folder, { SERVER_PORT: String(port), NUMBER_AGENCIES: '1' });
  const second = await Peer.connect(port);
  second.send(Buffer.concat([helo(1), ...batches, done(3, 3), END]));
  expect(await second.frames(6)).toEqual([welc(3), 'OK', 'OK', 'OK', 'OK', 'OK']);
  await server.logged('sorteo');
  expect(server.linesOf('repeat_batch').map(({ details }) => details['batch'])).toEqual(['1', '2']);
  expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(row(1, 11) + row(1, 12) + row(1, 13));
});
