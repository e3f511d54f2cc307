import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const DONE = { code: 0, signal: null };
const FAILED = { code: 1, signal: null };
const KILLED = { code: null, signal: 'SIGKILL' };

const linesOf = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `Ana,Paz,${10_000_000 + from + index},1990-01-02,1`);
const textOf = (lines: readonly string[]): string => lines.map(line => `${line}\n`).join('');

type Environment = Record<string, string>;

/** A server of one agency, whose file holds these lines. */
async function startLottery(lines: readonly string[]) {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'agency.csv'), textOf(lines));
  const env = { NUMBER_AGENCIES: '1', LOGGING_LEVEL: 'INFO' };
  const { server, port } = await startServer(folder, env);
  return {
    folder,
    server,
    client: (more: Environment = {}): Program =>
      startClient(folder, 1, port, {
        CLI_LOG_PROGRESS: '1ms',
        CLI_BATCH_WINDOW: '1',
        CLI_LOG_LEVEL: 'INFO',
        ...more,
      }),
    restart: async (more: Environment): Promise<Program> =>
      (await startServer(folder, { ...env, SERVER_PORT: String(port), ...more })).server,
    /** Each line once, in the order of the file. */
    async expectStored(expected: readonly string[]): Promise<void> {
      const rows = (await readFile(join(folder, 'bets.csv'), 'utf8')).split('\r\n').slice(0, -1);
      expect(rows.length).toBe(expected.length);
      expect(rows.findIndex((row, index) => row !== `1,${expected[index]}`)).toBe(-1);
    },
  };
}

async function progressBeyond(client: Program, bets: number): Promise<void> {
  await client.line(
    ({ action, result, details }) =>
      action === 'upload' && result === 'in_progress' && Number(details['bets']) > bets,
    `progress beyond ${bets} bets`,
  );
}

async function kill9(...programs: readonly Program[]): Promise<void> {
  for (const program of programs) program.kill('SIGKILL');
  for (const program of programs) expect(await program.exited).toEqual(KILLED);
}

const lastError = (client: Program): string => client.lines.at(-1)!.text;

/**
 * What a client that is refused says of the upload that is open: its name and the bets that are
 * stored.
 */
function openUpload(client: Program): { name: string; bets: number } {
  const text = lastError(client);
  const found =
    /the central refused, upload-open, upload (\w+) of the agency is unfinished, (\d+) bets of it are stored; /.exec(
      text,
    );
  if (found === null) return expect.fail(text);
  return { name: found[1]!, bets: Number(found[2]) };
}

test('an upload survives kills and new batch limits with each bet once, in order', async () => {
  const lines = linesOf(40_000);
  const all = await startLottery(lines);
  const first = all.client({ CLI_BATCH_MAXAMOUNT: '100' });
  await progressBeyond(first, 1_000);
  await kill9(first, all.server);

  const smaller = await all.restart({ PAYLOAD_BYTES_MAX: '2048' });
  const second = all.client({ CLI_BATCH_MAXAMOUNT: '100' });
  const resumed = await second.logged('resume_upload');
  const before = Number(resumed.details['bets']);
  expect(before).toBeGreaterThan(1_000);
  await progressBeyond(second, before + 1_000);
  await kill9(second, smaller);

  await all.restart({ PAYLOAD_BYTES_MAX: '2048' });
  const third = all.client({ CLI_BATCH_MAXAMOUNT: '37', CLI_BATCH_WINDOW: '16' });
  expect(await third.exited).toEqual(DONE);
  expect(Number(third.linesOf('resume_upload')[0]!.details['bets'])).toBeGreaterThan(
    before + 1_000,
  );
  expect(third.linesOf('upload', 'success')[0]!.details).toMatchObject({ bets: '40000' });
  expect(third.lines.filter(({ result }) => result === 'fail')).toEqual([]);
  await all.expectStored(lines);
});

test('a file that grows during its upload is refused; its old content completes it', async () => {
  // More than is read at once.
  const lines = linesOf(20_000);
  const all = await startLottery(lines);
  const path = join(all.folder, 'agency.csv');
  const batches = { CLI_BATCH_MAXAMOUNT: '10' };
  const first = all.client(batches);
  await progressBeyond(first, 100);
  await appendFile(path, textOf(linesOf(1, 20_000)));
  expect(await first.exited).toEqual(FAILED);
  const told =
    /agency\.csv was changed while it was being sent; (\d+) bets of what it was are stored; put back what it was and start this client again, or have the central void this upload \('loteria agency void 1 --upload (\w+) --reason "…"'\)$/.exec(
      lastError(first),
    );
  expect(told, lastError(first)).not.toBeNull();
  const [, bets, name] = told!;
  expect(Number(bets)).toBeGreaterThan(100);
  expect(Number(bets)).toBeLessThan(20_000);

  // The changed file is another upload.
  const second = all.client(batches);
  expect(await second.exited).toEqual(FAILED);
  expect(openUpload(second)).toEqual({ name, bets: Number(bets) });
  expect(all.server.linesOf('agency_finished')).toEqual([]);
  await all.expectStored(lines.slice(0, Number(bets)));

  await writeFile(path, textOf(lines));
  const third = all.client();
  expect(await third.exited).toEqual(DONE);
  expect(third.linesOf('upload', 'success')[0]!.details).toMatchObject({ bets: '20000' });
  await all.expectStored(lines);
});
