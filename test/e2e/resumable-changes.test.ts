import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { range } from '../support/base-frames.ts';
import { type Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const DONE = { code: 0, signal: null };
const FAILED = { code: 1, signal: null };

/** More than is read at once. */
const LINES = range(20_000).map(index => `Ana,Paz,${10_000_000 + index},1990-01-02,1`);
const FILE = `${LINES.join('\n')}\n`;

const lastError = (client: Program): string => client.lines.at(-1)!.text;

test('a file that grows during its upload is refused; its old content completes it', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'agency.csv');
  await writeFile(path, FILE);
  const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
  const start = (): Program =>
    startClient(folder, 1, port, {
      CLI_LOG_PROGRESS: '1ms',
      CLI_BATCH_WINDOW: '1',
      CLI_BATCH_MAXAMOUNT: '10',
    });
  const first = start();
  await first.line(({ details }) => Number(details['bets']) > 100, 'progress');
  await appendFile(path, 'Eva,Gil,1,1990-01-02,1\n');
  expect(await first.exited).toEqual(FAILED);
  const told =
    /agency\.csv was changed while it was being sent; (\d+) bets of what it was are stored; put back what it was and start this client again, or have the central void this upload \('loteria agency void 1 --upload (\w+) --reason "…"'\)$/.exec(
      lastError(first),
    );
  expect(told, lastError(first)).not.toBeNull();
  const [, bets, name] = told!;
  expect(Number(bets)).toBeGreaterThan(100);
  expect(Number(bets)).toBeLessThan(LINES.length);

  // The changed file is another upload.
  const second = start();
  expect(await second.exited).toEqual(FAILED);
  expect(lastError(second)).toContain(
    `the central refused, upload-open, upload ${name} of the agency is unfinished, ${bets} bets of it are stored; `,
  );
  expect(server.linesOf('agency_finished')).toEqual([]);
  const stored = async (): Promise<string> => readFile(join(folder, 'bets.csv'), 'utf8');
  const rows = LINES.map(line => `1,${line}\r\n`);
  expect(await stored()).toBe(rows.slice(0, Number(bets)).join(''));

  await writeFile(path, FILE);
  const third = start();
  expect(await third.exited).toEqual(DONE);
  expect(third.linesOf('upload', 'success')[0]!.details).toMatchObject({ bets: '20000' });
  expect(await stored()).toBe(rows.join(''));
});
