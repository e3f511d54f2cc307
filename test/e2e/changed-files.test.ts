import { existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { verifyStore } from '../../src/store/csv/inspection.ts';
import { hasWon } from '../../src/lottery/catedra.ts';
import { bet, conn, END, nbet } from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { type Line, Program, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const env = { NUMBER_AGENCIES: '1' };
const WINNING = 7574;

/** An agency that counts acknowledged bets. */
class Sender {
  readonly acknowledged: number[] = [];
  readonly #peer: Peer;

  private constructor(peer: Peer) {
    this.#peer = peer;
  }

  static async connect(port: number): Promise<Sender> {
    const peer = await Peer.connect(port);
    peer.send(conn(1));
    return new Sender(peer);
  }

  /** Sends a bet. @returns whether it was acknowledged */
  async send(document: number, number = 1): Promise<boolean> {
    this.#peer.send(nbet(bet(document, number)));
    const answer = await this.#peer.frame().catch(() => 'none');
    if (answer === 'OK') this.acknowledged.push(document);
    return answer === 'OK';
  }

  /** Sends bets one at a time until one is not acknowledged. */
  async sendOn(from: number): Promise<void> {
    for (let document = from; await this.send(document); document += 1);
  }

  finish(): void {
    this.#peer.send(END);
  }
}

const launch = (folder: string): Program =>
  Program.start(['server'], {
    cwd: folder,
    env: { ...env, SERVER_PORT: '0', SERVER_HOST: '127.0.0.1', LOGGING_LEVEL: 'DEBUG' },
  });

const portOf = (line: Line): number => Number(line.details['port']);

/** Waits until a server has failed. @returns its last error line */
async function failureOf(server: Program): Promise<string> {
  expect(await server.exited).toEqual({ code: 1, signal: null });
  return server.lines.findLast(({ result }) => result === 'fail')!.text;
}

async function stop(server: Program): Promise<void> {
  server.kill('SIGTERM');
  expect(await server.exited, server.transcript()).toEqual({ code: 0, signal: null });
}

const documentsIn = (path: string): number[] =>
  readFileSync(path, 'utf8')
    .split('\r\n')
    .slice(0, -1)
    .map(line => Number(line.split(',')[3]));

/** Expects each acknowledged bet in `bets.csv`, and a matching journal. */
async function expectStored(folder: string, ...senders: Sender[]): Promise<void> {
  const stored = documentsIn(join(folder, 'bets.csv'));
  for (const { acknowledged } of senders)
    expect(stored).toEqual(expect.arrayContaining(acknowledged));
  expect(new Set(stored).size).toBe(stored.length);
  await verifyStore(folder, hasWon);
}

/** A server with two bets. */
async function begun(
  cwd?: string,
): Promise<{ folder: string; server: Program; sender: Sender; path: string }> {
  const folder = await temporaryFolder();
  const { server, port } = await startServer(cwd ?? folder, {
    ...env,
    DATA_DIR: cwd ? folder : '.',
  });
  const sender = await Sender.connect(port);
  expect([await sender.send(1), await sender.send(2)]).toEqual([true, true]);
  return { folder, server, sender, path: join(folder, 'bets.csv') };
}

const OTHER_HAS_IT = 'another process has bets.lock locked';

describe('bets.lock removed while a server runs', () => {
  test('is created and locked again with a warning; a second server is refused', async () => {
    const { folder, server, sender } = await begun();
    rmSync(join(folder, 'bets.lock'));
    const { level, details } = await server.logged('watch_files', 'in_progress');
    expect([level, details['warning']]).toEqual([
      'WARNING',
      'the file was removed or replaced; it is locked again',
    ]);
    expect(await failureOf(launch(folder))).toContain(OTHER_HAS_IT);
    expect(await sender.send(3)).toBe(true);
    await stop(server);
    await expectStored(folder, sender);
  });

  test('stops one of two racing servers and loses no acknowledged bet', async () => {
    const { folder, server, sender } = await begun();
    const sending = sender.sendOn(100);
    rmSync(join(folder, 'bets.lock'));
    const second = launch(folder);
    const opened = await Promise.race([
      second.logged('listen').catch(() => undefined),
      second.exited.then(() => undefined),
    ]);
    if (opened === undefined) {
      expect(await failureOf(second)).toContain(OTHER_HAS_IT);
      await stop(server);
      await sending;
      return expectStored(folder, sender);
    }
    expect(await failureOf(server)).toContain(OTHER_HAS_IT);
    await sending;
    const next = await Sender.connect(portOf(opened));
    expect(await next.send(50)).toBe(true);
    await stop(second);
    return expectStored(folder, sender, next);
  });

  test('stops the first server after a second one has locked the new file', async () => {
    const { folder, server, sender } = await begun();
    server.kill('SIGSTOP');
    rmSync(join(folder, 'bets.lock'));
    const second = launch(folder);
    await expect.poll(() => existsSync(join(folder, 'bets.lock')), { timeout: 10_000 }).toBe(true);
    await pause(100);
    server.kill('SIGCONT');
    const why = await failureOf(server);
    expect(why).toContain(
      'bets.lock was removed or replaced while the server ran, and another process',
    );
    expect(await sender.send(3)).toBe(false);
    const next = await Sender.connect(portOf(await second.logged('listen')));
    expect(await next.send(4)).toBe(true);
    await stop(second);
    await expectStored(folder, sender, next);
  });

  test('stops a suspended server before its next answer once a second one has begun', async () => {
    const { folder, server, sender } = await begun();
    server.kill('SIGSTOP');
    rmSync(join(folder, 'bets.lock'));
    const next = await Sender.connect(portOf(await launch(folder).logged('listen')));
    expect(await next.send(4)).toBe(true);
    const late = sender.send(3);
    server.kill('SIGCONT');
    expect(await late).toBe(false);
    expect(await failureOf(server)).toContain(OTHER_HAS_IT);
    expect(await next.send(5)).toBe(true);
    await expectStored(folder, sender, next);
    expect(documentsIn(join(folder, 'bets.csv'))).toEqual([1, 2, 4, 5]);
  });
});

/** Like `sed -i`: the file gets a new inode. */
function replace(path: string): void {
  writeFileSync(`${path}.tmp`, readFileSync(path));
  renameSync(`${path}.tmp`, path);
}

describe('a data file replaced or removed while a server runs', () => {
  test.each([
    ['bets.csv', 'replaced', replace],
    ['bets.csv', 'removed', rmSync],
    ['bets.journal', 'replaced', replace],
    ['bets.journal', 'removed', rmSync],
  ] as const)(
    'stops the server and keeps every acknowledged bet in a copy (%s %s)',
    async (name, _, change) => {
      const { folder, server, sender } = await begun();
      const path = join(folder, name);
      change(path);
      // Acknowledged or not, only the first may be stored.
      const sending = sender.sendOn(3);
      const why = await failureOf(server);
      await sending;
      expect(why).toContain(
        `action: run | result: fail | error: ${name} was replaced or removed while the server had it open; ` +
          `everything acknowledged is kept, compare the files, move ${name}.kept to ${name}, and start again`,
      );
      expect(statSync(`${path}.kept`).mode & 0o777).toBe(0o600);
      renameSync(`${path}.kept`, path);
      const { server: next, port } = await startServer(folder, env);
      const winner = await Sender.connect(port);
      expect(await winner.send(1_000_000, WINNING)).toBe(true);
      winner.finish();
      const { details } = await next.logged('draw');
      expect(details).toMatchObject({ winners: '1' });
      await stop(next);
      await expectStored(folder, sender, winner);
    },
  );

  test('is detected before the draw, which is not held over another file', async () => {
    const { folder, server, sender, path } = await begun();
    replace(path);
    expect(await sender.send(3, WINNING)).toBe(true);
    sender.finish();
    expect(await failureOf(server)).toContain('bets.csv was replaced or removed');
    expect(server.linesOf('draw')).toEqual([]);
    renameSync(`${path}.kept`, path);
    const { server: next } = await startServer(folder, env);
    expect((await next.logged('draw')).details).toMatchObject({ bets: '3', winners: '1' });
    await stop(next);
    await expectStored(folder, sender);
  });
});
