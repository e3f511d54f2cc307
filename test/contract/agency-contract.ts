import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { AgencyError } from '../../src/agency/errors.ts';
import type { Limits } from '../../src/wire/limits.ts';
import { WAITING_NO_TIME, failureOf, startAgency, uploadFile } from '../agency/start-agency.ts';
import { LORCA, NANDU } from '../golden/golden.ts';
import { range } from '../support/base-frames.ts';
import { until } from '../support/until.ts';
import type { Peer } from '../support/peer.ts';
import { ScriptedServer, watchClientSockets } from '../support/scripted-server.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { inParallel } from './conversation.ts';
import type { SpokenDialect } from './spoken-dialect.ts';

/**
 * The contract of the agency in every dialect, over a real socket. The test compares every byte
 * that the agency sends, and encodes the answers independently.
 */
export function describeDialectOfAgency(spoken: SpokenDialect, lies: readonly LyingAnswer[]): void {
  describeAnswers(spoken);
  describeLostConnections(spoken);
  describeRefusedBatches(spoken);
  describeRefusedEnds(spoken);
  describeWaits(spoken);

  test.each(lies)('an invalid reply ($what) ends the upload with the reason', async lie => {
    const { server, agency, uploaded } = await started(spoken, {
      replyPayloadBytesMax: REPLY_BYTES_MAX,
    });
    const peer = await server.accept();
    await expectSaid(peer, spoken.hello(1), spoken.batch(1, LORCA));
    peer.send(lie.bytes);
    const error = await failureOf(uploaded);
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toContain(lie.error);
    await agency.close();
    expect(await peer.rest()).toBe('');
  });
}

export interface LyingAnswer {
  readonly what: string;
  /** Replaces the answer to the first batch. */
  readonly bytes: Buffer;
  readonly error: string;
}

/** Limit of the winners' list in the tests with wrong lengths, in bytes. */
const REPLY_BYTES_MAX = 32;

/** Bytes of the agency, and their answer. */
interface Exchange {
  readonly asks: Buffer;
  readonly says: Buffer;
  /** Whether it has its own connection. */
  readonly apart?: boolean;
  /**
   * The agency's error if the connection breaks before the answer is complete; undefined if it
   * retries.
   */
  readonly fails?: string;
}

const NO_ANSWER_TO_BATCH = 'whether the last 1 batches were stored is not known';
const WINNERS = [LORCA.document, NANDU.document];
const BETS_FILE = [LORCA, NANDU]
  .map(
    bet => `${[bet.firstName, bet.lastName, bet.document, bet.birthdate, bet.number].join(',')}\n`,
  )
  .join('');

/**
 * The conversation of an agency with two bets, a batch each. Where it polls, the first answer is
 * negative.
 */
function exchangesOf(spoken: SpokenDialect): Exchange[] {
  const { connectionPerQuestion: apart } = spoken;
  const { closesBetweenPolls } = spoken.dialect.conversation;
  const winners = Buffer.concat(spoken.winnersFrames(...WINNERS));
  const batches = [LORCA, NANDU].map(bet => ({
    asks: spoken.batch(1, bet),
    says: spoken.accepted(1),
    fails: NO_ANSWER_TO_BATCH,
  }));
  const asks = spoken.allSent(1);
  if (spoken.question === undefined) {
    return [
      ...batches,
      { asks, says: winners, fails: 'the connection was lost before the winners came' },
    ];
  }
  return [
    ...batches,
    { asks, says: spoken.finished },
    { asks: spoken.question(1), says: spoken.notYet, apart },
    { asks: spoken.question(1), says: winners, apart: apart || closesBetweenPolls },
  ];
}

async function expectSaid(peer: Peer, ...messages: readonly Buffer[]): Promise<void> {
  const expected = Buffer.concat(messages);
  expect(await peer.receive(expected.length)).toBe(expected.toString('hex'));
}

async function started(spoken: SpokenDialect, limits: Partial<Limits> = {}) {
  const server = await ScriptedServer.listen();
  const file = join(await temporaryFolder(), 'agency.csv');
  await writeFile(file, BETS_FILE);
  const { agency, events } = startAgency(server.port, {
    dialect: spoken.dialect,
    batchAmountMax: 1,
    random: () => WAITING_NO_TIME,
    limits,
  });
  const uploaded = uploadFile(agency, file);
  uploaded.catch(() => {});
  const winners = uploaded.then(() => agency.finishAndAwaitWinners());
  winners.catch(() => {});
  return { server, agency, events, uploaded, winners };
}

type Started = Awaited<ReturnType<typeof started>>;

/** Sends an answer, or its beginning. @returns whether it is complete */
type Say = (peer: Peer, answer: Buffer) => Promise<boolean>;

const sayWhole: Say = async (peer, answer) => {
  peer.send(answer);
  return true;
};

/**
 * Plays the server. Expects exactly the bytes of the exchanges, each once, or again if it is
 * repeatable and its answer was cut; and the winners at the end, unless the agency must fail.
 */
async function play(
  spoken: SpokenDialect,
  { server, agency, winners }: Started,
  say: Say = sayWhole,
): Promise<void> {
  const next = async (): Promise<Peer> => {
    const accepted = await server.accept();
    await expectSaid(accepted, spoken.hello(1));
    return accepted;
  };
  let peer = await next();
  for (const { asks, says, apart, fails } of exchangesOf(spoken)) {
    if (apart === true) {
      expect(await peer.rest()).toBe('');
      peer.end();
      peer = await next();
    }
    for (;;) {
      await expectSaid(peer, asks);
      if (await say(peer, says)) break;
      peer.end();
      expect(await peer.rest()).toBe('');
      if (fails !== undefined) return;
      peer = await next();
    }
  }
  expect(await winners).toEqual(WINNERS);
  await agency.close();
  expect(await peer.rest()).toBe('');
}

function describeAnswers(spoken: SpokenDialect): void {
  const answersLength = exchangesOf(spoken).reduce((sum, { says }) => sum + says.length, 0);

  /** Sends the answers cut at offsets of all answers. The agency reads each piece separately. */
  async function expectUnderstood(places: readonly number[]): Promise<void> {
    const sockets = watchClientSockets();
    const run = await started(spoken);
    let said = 0;
    const say: Say = async (peer, answer) => {
      const socket = sockets.findLast(({ remotePort }) => remotePort === run.server.port)!;
      let start = 0;
      for (let end = 1; end <= answer.length; end += 1) {
        if (end < answer.length && !places.includes(said + end)) continue;
        const sent = socket.bytesRead + end - start;
        peer.send(answer.subarray(start, end));
        if (end < answer.length)
          await until(() => socket.bytesRead >= sent, 'the bytes being read');
        start = end;
      }
      said += answer.length;
      return true;
    };
    await play(spoken, run, say);
    expect(await run.uploaded).toBe(2);
    expect(run.events.of('reconnecting')).toEqual([]);
    const connections = exchangesOf(spoken).filter(exchange => exchange.apart === true).length + 1;
    expect(run.events.of('connected')).toHaveLength(connections);
  }

  describe('replies', () => {
    test('are decoded one byte at a time', () => expectUnderstood(range(answersLength)));
  });
}

function describeLostConnections(spoken: SpokenDialect): void {
  const exchanges = exchangesOf(spoken);

  /** Ends the connection after each byte of an answer. */
  async function expectBroken(broken: Exchange, index: number, length: number): Promise<void> {
    const run = await started(spoken);
    let turn = 0;
    await play(spoken, run, async (peer, answer) => {
      const isWhole = turn !== index;
      turn += 1;
      peer.send(isWhole ? answer : answer.subarray(0, length));
      return isWhole;
    });
    if (broken.fails === undefined) {
      const lost = run.events.of('reconnecting').map(({ error }) => error);
      const place = length === 0 ? '' : ` after ${length} bytes of an answer`;
      expect(lost).toEqual([`the central closed the connection${place}`]);
    } else {
      const error = await failureOf(run.winners);
      expect(error).toBeInstanceOf(AgencyError);
      expect(error.message).toContain(broken.fails);
      expect(error.message).toContain('the central closed the connection');
    }
  }

  describe('a connection that the central closes', () => {
    for (const [index, exchange] of exchanges.entries()) {
      if (exchange.says.length === 0) continue;
      const what =
        exchange.fails === undefined ? 'causes a reconnect' : 'ends the run with an error';
      test(`at every byte of reply ${index + 1} ${what}`, () =>
        inParallel(range(exchange.says.length), length => expectBroken(exchange, index, length)));
    }
  });
}

function describeRefusedBatches(spoken: SpokenDialect): void {
  const reason = 'bet 0, document, not-digits';

  if (spoken.survivesRefusedBatch) {
    test('a refused batch is skipped and logged, and the others are sent', async () => {
      const run = await started(spoken);
      let turn = 0;
      await play(spoken, run, async (peer, answer) => {
        turn += 1;
        peer.send(turn === 1 ? spoken.refused(reason) : answer);
        return true;
      });
      expect(await run.uploaded).toBe(1);
      expect(run.events.of('bets-refused')).toEqual([
        { event: 'bets-refused', count: 1, firstLine: 1, reason },
      ]);
      expect(run.events.of('upload-done')).toEqual([{ event: 'upload-done', batches: 1, bets: 1 }]);
    });
    return;
  }

  test('a refused batch ends the upload with its first line in the error', async () => {
    const { server, winners } = await started(spoken);
    const peer = await server.accept();
    await expectSaid(peer, spoken.hello(1), spoken.batch(1, LORCA));
    peer.send(spoken.accepted(1));
    await expectSaid(peer, spoken.batch(1, NANDU));
    peer.send(spoken.refused(reason));
    peer.end();
    const error = await failureOf(winners);
    expect(error).toBeInstanceOf(AgencyError);
    const hasWords = spoken.refused(reason).length > 0;
    expect(error.message).toContain(
      hasWords
        ? 'the central refused the batch of 1 bets that begins with line 2; its log says why'
        : NO_ANSWER_TO_BATCH,
    );
  });
}

function describeRefusedEnds(spoken: SpokenDialect): void {
  const exchanges = exchangesOf(spoken);
  const refused = spoken.refused('no');

  /** Refuses each exchange after the batches, one per run: the agency sends nothing more. */
  const ends = exchanges.slice(2).filter(({ says }) => says.length > 0 && refused.length > 0);

  test.each(ends)('a refusal after the batches ends the run (%#)', async end => {
    const run = await started(spoken);
    let peer = await run.server.accept();
    await expectSaid(peer, spoken.hello(1));
    for (const exchange of exchanges) {
      if (exchange.apart === true) {
        peer.end();
        peer = await run.server.accept();
        await expectSaid(peer, spoken.hello(1));
      }
      await expectSaid(peer, exchange.asks);
      if (exchange === end) break;
      peer.send(exchange.says);
    }
    peer.send(refused);
    const error = await failureOf(run.winners);
    expect(error).toBeInstanceOf(AgencyError);
    const isQuestion = spoken.question?.(1).equals(end.asks) === true;
    expect(error.message).toContain(
      `the central refused the ${isQuestion ? 'question for the winners' : 'end of the bets'}`,
    );
    await run.agency.close();
    expect(await peer.rest()).toBe('');
  });
}

function describeWaits(spoken: SpokenDialect): void {
  const answerTimeoutMs = 60;

  test('the first reply has a longer timeout: the agency may wait for its turn', async () => {
    const run = await started(spoken, { answerTimeoutMs });
    let turn = 0;
    await play(spoken, run, async (peer, answer) => {
      turn += 1;
      if (turn === 1) await run.events.until('waiting-for-turn', 2);
      peer.send(answer);
      return true;
    });
    const [first, second] = run.events.of('waiting-for-turn');
    expect([first!.silentMs, second!.silentMs]).toEqual([answerTimeoutMs, 2 * answerTimeoutMs]);
    expect(first!.hint).toContain(`protocol is ${spoken.dialect.name}, the others are resumable`);
    expect(run.events.of('reconnecting')).toEqual([]);
  });

  test('a missing reply to a batch ends the upload after the timeout', async () => {
    const { server, uploaded } = await started(spoken, { answerTimeoutMs });
    const peer = await server.accept();
    await expectSaid(peer, spoken.hello(1), spoken.batch(1, LORCA));
    peer.send(spoken.accepted(1));
    await expectSaid(peer, spoken.batch(1, NANDU));
    const error = await failureOf(uploaded);
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toContain(`no answer within ${answerTimeoutMs} ms`);
    expect(error.message).toContain(NO_ANSWER_TO_BATCH);
    expect(await peer.rest()).toBe('');
  });

  if (spoken.winners === 'sent') {
    test('the winners have a longer timeout than replies', async () => {
      const run = await started(spoken, { answerTimeoutMs });
      const total = exchangesOf(spoken).length;
      let turn = 0;
      await play(spoken, run, async (peer, answer) => {
        turn += 1;
        // There is no event for the absence of bytes, so the test waits for a time.
        if (turn === total) await delay(3 * answerTimeoutMs);
        peer.send(answer);
        return true;
      });
      expect(run.events.of('connected')).toHaveLength(1);
    });
    return;
  }

  if (exchangesOf(spoken).at(-1)!.apart === true) return;

  test('a query without a reply in time is repeated, without another END', async () => {
    const run = await started(spoken, { answerTimeoutMs });
    let turn = 0;
    const total = exchangesOf(spoken).length;
    await play(spoken, run, async (peer, answer) => {
      turn += 1;
      if (turn === total) {
        await run.events.until('reconnecting');
        return false;
      }
      peer.send(answer);
      return true;
    });
    const lost = run.events.of('reconnecting').map(({ error }) => error);
    expect(lost).toEqual([`no answer within ${answerTimeoutMs} ms`]);
  });
}
