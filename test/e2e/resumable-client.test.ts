import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { fail, FakeCentral, OK, RWIN_NONE, welc } from '../support/fake-central.ts';
import { type Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const DONE = { code: 0, signal: null };
const KILLED = { code: null, signal: 'SIGKILL' };

const AGENCIES = 2;

/** Bets of an agency; every thousandth wins. */
function betsOf(agency: number, count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) =>
      `Ana,Paz,${agency}${String(index).padStart(8, '0')},1990-01-02,${index % 1000 === 0 ? 7574 : 1}`,
  );
}

const winnersOf = (bets: readonly string[]): string[] =>
  bets.filter(bet => bet.endsWith(',7574')).map(bet => bet.split(',')[2]!);

interface Lottery {
  readonly folder: string;
  readonly bets: readonly string[];
  readonly server: Program;
  readonly port: number;
  client(agency: number): Program;
  /** The server again, over the same files and on the same port. */
  restartServer(): Promise<Program>;
}

/** A server that waits for two agencies: the first has `count` bets, the second three. */
async function lottery(count: number): Promise<Lottery> {
  const folder = await temporaryFolder();
  const bets = betsOf(1, count);
  await writeFile(join(folder, 'agency-1.csv'), `${bets.join('\n')}\n`);
  await writeFile(join(folder, 'agency-2.csv'), `${betsOf(2, 3).join('\n')}\n`);
  const env = { NUMBER_AGENCIES: String(AGENCIES), LOGGING_LEVEL: 'INFO' };
  const { server, port } = await startServer(folder, env);
  return {
    folder,
    bets,
    server,
    port,
    client: agency =>
      startClient(folder, agency, port, {
        CLI_FILE_NAME: `agency-${agency}.csv`,
        CLI_WINNERS_FILE: `winners-${agency}.txt`,
        CLI_LOG_PROGRESS: '1ms',
        // Slow enough to be killed in the middle.
        CLI_BATCH_WINDOW: '4',
      }),
    restartServer: async () => (await startServer(folder, { ...env, SERVER_PORT: String(port) })).server,
  };
}

/** Waits until an agency has `bets` bets stored and counts on. */
async function progressBeyond(client: Program, bets: number): Promise<void> {
  await client.line(
    ({ action, result, details }) =>
      action === 'upload' && result === 'in_progress' && Number(details['bets']) > bets,
    `progress beyond ${bets} bets`,
  );
}

async function kill9(program: Program): Promise<void> {
  program.kill('SIGKILL');
  expect(await program.exited).toEqual(KILLED);
}

/** Each bet once, in the order of its file, and the winners told. */
async function expectOutcome({ folder, bets }: Lottery): Promise<void> {
  const rows = (await readFile(join(folder, 'bets.csv'), 'utf8')).split('\r\n').slice(0, -1);
  for (const [agency, expected] of [
    ['1', bets],
    ['2', betsOf(2, 3)],
  ] as const) {
    const stored = rows.filter(row => row.startsWith(`${agency},`)).map(row => row.slice(2));
    expect(stored.length).toBe(expected.length);
    expect(stored.findIndex((row, index) => row !== expected[index])).toBe(-1);
    const told = await readFile(join(folder, `winners-${agency}.txt`), 'utf8');
    expect(told).toBe(
      winnersOf(expected)
        .map(document => `${document}\n`)
        .join(''),
    );
  }
  expect(rows).toHaveLength(bets.length + 3);
}

function expectNothingGivenUp(...programs: readonly Program[]): void {
  for (const { lines, stderr } of programs) {
    expect(lines.filter(({ result }) => result === 'fail')).toEqual([]);
    expect(stderr).toBe('');
  }
}

describe('a client that is killed in the middle of its upload', () => {
  test('and started again goes on where it was: every bet is stored once', async () => {
    const all = await lottery(40_000);
    const first = all.client(1);
    await progressBeyond(first, 1_000);
    await kill9(first);
    expect(first.linesOf('upload', 'success')).toEqual([]);
    const second = all.client(1);
    const other = all.client(2);
    expect([await second.exited, await other.exited]).toEqual([DONE, DONE]);
    const [resumed] = second.linesOf('resume_upload', 'success');
    // What the first one knew to be stored is not asked for again.
    expect(Number(resumed!.details['bets'])).toBeGreaterThanOrEqual(1_000);
    expect(second.linesOf('upload', 'success')[0]!.details).toMatchObject({ bets: '40000' });
    await expectOutcome(all);
    expectNothingGivenUp(second, other, all.server);
  });
});

describe('a server that is killed', () => {
  test('in the middle of an upload: the client waits, comes back and finishes, and nothing is a failure', async () => {
    const all = await lottery(40_000);
    const client = all.client(1);
    await progressBeyond(client, 1_000);
    await kill9(all.server);
    await client.logged('reconnect', 'in_progress');
    await client.logged('connect', 'in_progress');
    const server = await all.restartServer();
    const other = all.client(2);
    expect([await client.exited, await other.exited]).toEqual([DONE, DONE]);
    expect(client.linesOf('reconnect').map(({ level, result }) => [level, result])).toEqual([
      ['WARNING', 'in_progress'],
    ]);
    expect(client.linesOf('resume_upload', 'success')).toHaveLength(1);
    expect(client.linesOf('upload', 'success')[0]!.details).toMatchObject({ bets: '40000' });
    await expectOutcome(all);
    expectNothingGivenUp(client, other, server);
  });

  test('while a client waits for the draw: it is told its winners by the next server', async () => {
    const all = await lottery(5_000);
    const client = all.client(1);
    await client.logged('consulta_ganadores', 'in_progress');
    await kill9(all.server);
    await client.logged('reconnect', 'in_progress');
    const server = await all.restartServer();
    const other = all.client(2);
    expect([await client.exited, await other.exited]).toEqual([DONE, DONE]);
    expect(client.linesOf('consulta_ganadores', 'success')[0]!.details).toEqual({ cant_ganadores: '5' });
    expect(server.linesOf('sorteo', 'success')).toHaveLength(1);
    await expectOutcome(all);
    expectNothingGivenUp(client, other, server);
  });
});

test('a client that is started a second time after the draw is told its winners again', async () => {
  const all = await lottery(1_000);
  const clients = [all.client(1), all.client(2)];
  for (const client of clients) expect(await client.exited).toEqual(DONE);
  await writeFile(join(all.folder, 'winners-1.txt'), '99\n');
  const again = all.client(1);
  expect(await again.exited).toEqual(DONE);
  await expectOutcome(all);
  expectNothingGivenUp(again);
});

test('a client with another file than the one that its agency finished with is refused, and nothing is stored', async () => {
  const all = await lottery(1_000);
  const first = all.client(1);
  await first.logged('consulta_ganadores', 'in_progress');
  await writeFile(join(all.folder, 'agency-1.csv'), betsOf(1, 1_001).join('\n').concat('\n'));
  const second = all.client(1);
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.lines.at(-1)!.text).toContain('error: the central refused, agency-finished, ');
  await all.client(2).exited;
  expect(await first.exited).toEqual(DONE);
  await expectOutcome(all);
});

describe('against any server', () => {
  test.each([
    ['base', 1, 1],
    ['resumable', 8, 64],
  ])(
    'with protocol %s and no batch.window there are %i batches without an answer, and up to %i later',
    async (protocol, first, window) => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'agency.csv'), betsOf(1, 200).join('\n').concat('\n'));
      const central = await FakeCentral.listen();
      startClient(folder, 1, central.port, { CLI_PROTOCOL: protocol, CLI_BATCH_MAXAMOUNT: '1' });
      const conversation = await central.accept();
      await conversation.message();
      if (protocol === 'resumable') conversation.say(welc(1, 128));
      await conversation.messages(first);
      for (let answered = 1; answered <= 70; answered += 1) {
        conversation.say(OK);
        const sent = answered + Math.min(window, first + answered);
        await until(() => conversation.received - 1 === sent, `${sent} batches`);
      }
    },
  );

  test('a batch that is refused is told, the rest goes on, exit code 1', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'agency.csv'), betsOf(1, 3).join('\n').concat('\n'));
    const central = await FakeCentral.listen();
    const client = startClient(folder, 1, central.port, { CLI_BATCH_MAXAMOUNT: '2' });
    const conversation = await central.accept();
    await conversation.message();
    conversation.say(welc(1));
    await conversation.messages(2);
    conversation.say(fail('invalid-bet', 0, 1, 1, 'document', 'not-digits') + OK);
    for (const [asked, answer] of [
      ['DONE 1|1', OK],
      ['END', OK],
      ['ACTA 0', RWIN_NONE],
    ]) {
      expect(await conversation.message()).toBe(asked);
      conversation.say(answer!);
    }
    expect(await client.exited).toEqual({ code: 1, signal: null });
    expect(client.lines.filter(({ result }) => result === 'fail').map(({ text }) => text.slice(20))).toEqual([
      'ERROR    action: upload | result: fail | client_id: 1 | first_bet: 1 | bets: 2 | from_line: 1 | index: 1 | field: document | reason: not-digits',
      'ERROR    action: exit | result: fail | client_id: 1 | refused_lines: 2',
    ]);
  });
});
