import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../../src/lottery/bet-rules.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import type { SpokenDialect } from '../contract/spoken-dialect.ts';
import { SPOKEN } from '../contract/spoken-dialects.ts';
import { range, NEND, OK } from '../support/base-frames.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { type Quirks, ToyServer } from '../support/toy-server.ts';
import { betsFile, failureOf, startAgency, startResumable, uploadFile } from './start-agency.ts';
import { FakeCentral, welc } from '../support/fake-central.ts';

/** Servers of other solutions, whose behaviour our agency tolerates. */

/** `1|1|xx`: acta 1, of one upload, which does not match the file. */
const SEEN_ACTA = '41435441 00000006 317c317c7878';

const dialectOf = ({ name, dialect }: SpokenDialect) =>
  name === 'tp0' ? createBaseDialect(new PlainBetReader()) : dialect;

const ASKED = SPOKEN.filter(({ winners }) => winners === 'asked');

/** Runs a lottery of three agencies with such a server. */
async function holdLottery(spoken: SpokenDialect, quirks: Quirks) {
  const dialect = dialectOf(spoken);
  const server = await ToyServer.listen(dialect, 3, quirks);
  const path = await betsFile(25);
  const agencies = [1, 2, 3].map(id =>
    startAgency(server.port, { id, dialect, pollMs: 100, limits: { answerTimeoutMs: 300 } }),
  );
  const winners = await Promise.all(
    agencies.map(async ({ agency }) => {
      expect(await uploadFile(agency, path)).toBe(25);
      const documents = await agency.finishAndAwaitWinners();
      await agency.close();
      return documents;
    }),
  );
  expect(winners).toEqual([['30000001'], ['30000002'], ['30000003']]);
  expect([1, 2, 3].map(id => server.bets.get(id))).toEqual([25, 25, 25]);
  return { server, agencies };
}

describe.each(ASKED)('an agency that speaks $name', spoken => {
  test('lets a sequential server serve the others while it waits for the draw', async () => {
    const { agencies } = await holdLottery(spoken, {
      sequential: true,
    });
    expect(agencies.flatMap(({ events }) => events.of('reconnecting'))).toEqual([]);
  });

  test('gives up waiting for its turn after retry.maxElapsed, with a hint', async () => {
    const server = await ScriptedServer.listen();
    const { agency, events } = startAgency(server.port, {
      dialect: dialectOf(spoken),
      maxElapsedMs: 100,
      limits: { answerTimeoutMs: 40 },
    });
    const error = await failureOf(uploadFile(agency, await betsFile(2)));
    expect(error.message).toMatch(
      /no answer within 40 ms;.* does the server speak another protocol\?/,
    );
    expect(events.of('waiting-for-turn')).toHaveLength(2);
  });

  test('gives up on a reply that is repeatedly truncated at the same byte', async () => {
    const server = await ScriptedServer.listen();
    const { agency, events } = startAgency(server.port, {
      dialect: dialectOf(spoken),
      random: () => -1.5,
    });
    const winners = failureOf(agency.finishAndAwaitWinners());
    const answer = Buffer.concat(spoken.winnersFrames('30904465', '30876370'));
    const half = answer.subarray(0, answer.length - 3);
    for (const attempt of range(5)) {
      const peer = await server.accept();
      const hello = spoken.hello(1);
      if (attempt === 0) {
        await peer.receive(hello.length + spoken.allSent(1).length);
        peer.send(spoken.finished);
      }
      if (attempt === 0 && spoken.connectionPerQuestion) {
        peer.end();
        const asking = await server.accept();
        await asking.receive(spoken.question!(1).length);
        asking.send(half);
        asking.end();
        continue;
      }
      await peer.receive((attempt === 0 ? 0 : hello.length) + spoken.question!(1).length);
      peer.send(half);
      peer.end();
    }
    expect((await winners).message).toBe(
      `the central closed the connection after ${half.length} bytes of an answer, 5 times in a row in the same place`,
    );
    expect(events.of('reconnecting')).toHaveLength(4);
    await agency.close();
  });
});

describe.each(SPOKEN)('an agency that speaks $name', spoken => {
  test('sends at most one frame per read to a server that decodes one per read', async () => {
    await holdLottery(spoken, { messagePerRead: spoken.dialect.conversation.writePerFrame });
  });
});

describe('an agency that speaks op-codes', () => {
  const spoken = SPOKEN.find(({ name }) => name === 'op-codes')!;

  test('opens a connection for each batch when the server closes after each reply', async () => {
    const { server } = await holdLottery(spoken, { closesAfterAnswer: true });
    // 13 batches, and the questions.
    expect(server.connections).toBeGreaterThanOrEqual(3 * 14);
  });

  test('stays with such a server where there are several', async () => {
    const servers = [
      await ToyServer.listen(spoken.dialect, 1, { closesAfterAnswer: true }),
      await ToyServer.listen(spoken.dialect, 1, { closesAfterAnswer: true }),
    ] as const;
    const ports = servers.map(({ port }) => port);
    const { agency } = startAgency(ports, { dialect: spoken.dialect, pollMs: 100 });
    expect(await uploadFile(agency, await betsFile(25))).toBe(25);
    expect(await agency.finishAndAwaitWinners()).toEqual(['30000001']);
    await agency.close();
    expect(servers.map(({ connections }) => connections)).toEqual([expect.any(Number), 0]);
  });

  test('uploads over one connection when the server keeps it open', async () => {
    const { agencies } = await holdLottery(spoken, {});
    for (const { events } of agencies) {
      const upload = events.all.slice(0, events.names.indexOf('upload-done'));
      expect(upload.filter(({ event }) => event === 'connected')).toHaveLength(1);
    }
  });
});

test('a base agency asks for its winners when a repeated END is refused', async () => {
  const spoken = SPOKEN.find(({ name }) => name === 'tp0')!;
  const { server, agencies } = await holdLottery(spoken, { countsEndOnce: true });
  expect(server.finished.size).toBe(3);
  for (const { events } of agencies) expect(events.of('finish-in-doubt')).toHaveLength(1);
});

test('a base agency without a reply to END asks for its winners and repeats END', async () => {
  const central = await FakeCentral.listen();
  const { agency, events } = startAgency(central.port, { random: () => -1.5 });
  const winners = agency.finishAndAwaitWinners();
  const asked: string[] = [];
  while (!events.names.includes('winners') && asked.length < 8) {
    const conversation = await central.accept();
    expect(await conversation.message()).toBe('CONN 1');
    const message = await conversation.message();
    asked.push(message);
    if (message === 'END') await conversation.hangUp();
    else conversation.say(asked.length < 6 ? '4e454e44' : '5257494e 00000002 307c');
    if (asked.length === 6) break;
  }
  expect(asked).toEqual(['END', 'END', 'END', 'GWIN', 'END', 'GWIN']);
  expect(await winners).toEqual([]);
  expect(events.of('finish-in-doubt')).toHaveLength(1);
});

test('a stopped base agency reports its pending single bet as in doubt', async () => {
  const central = await FakeCentral.listen();
  const { agency, events, stop } = startAgency(central.port, { limits: { stopTimeoutMs: 20 } });
  const sent = failureOf(agency.sendBet(fieldsOf(['Ana', 'Paz', '1', '2000-01-01', '2'])));
  await (await central.accept()).messages(2);
  stop.abort();
  await sent;
  expect(events.of('upload-stopped')).toEqual([
    { event: 'upload-stopped', batches: 0, bets: 0, inDoubt: 1, resumable: false },
  ]);
});

test('a resumable agency gives up on a repeated unexpected reply and names it', async () => {
  const { central, first, winners } = await finishResumable();
  await first.message();
  first.say(OK);
  for (let attempt = 1; ; attempt += 1) {
    const next = attempt === 1 ? first : await resumed(central);
    expect(await next.message()).toBe('ACTA 0');
    next.say(OK);
    if (attempt === 5) break;
  }
  expect((await winners).message).toBe(
    'an answer that does not fit, accepted, 5 times in a row in the same place',
  );
});

test('a base agency gives up when every second answer breaks at the same byte', async () => {
  const central = await FakeCentral.listen();
  const { agency } = startAgency(central.port, { pollMs: 5 });
  const winners = failureOf(agency.finishAndAwaitWinners());
  let peer = await central.accept();
  await peer.messages(2);
  peer.say(OK);
  for (let answers = 1; ; answers += 1) {
    expect(await peer.message()).toBe('GWIN');
    peer.say(answers % 2 === 1 ? NEND : '5257494e 00000013 327c3330');
    await peer.hangUp();
    if (answers === 10) break;
    peer = await central.accept();
    expect(await peer.message()).toBe('CONN 1');
  }
  expect((await winners).message).toBe(
    'the central closed the connection after 12 bytes of an answer, 5 times in a row in the same place',
  );
});

test('a resumable agency gives up on an acta that it has seen', async () => {
  const { central, first, winners } = await finishResumable();
  expect(await first.message()).toBe('END');
  first.say(OK);
  for (let attempt = 1; ; attempt += 1) {
    const next = attempt === 1 ? first : await resumed(central);
    expect(await next.message()).toBe(`ACTA ${attempt === 1 ? 0 : 1}`);
    next.say(SEEN_ACTA);
    if (attempt === 6) break;
    await next.hangUp();
  }
  expect((await winners).message).toBe('acta 1 after acta 1, 5 times in a row in the same place');
});

/** The next connection of a resumable agency, welcomed. */
async function resumed(central: FakeCentral) {
  const next = await central.accept();
  await next.message();
  next.say(welc(1));
  return next;
}

/** A resumable agency without bets, before its END. Its failure is expected. */
async function finishResumable() {
  const central = await FakeCentral.listen();
  const { agency } = startResumable(central.port);
  const upload = uploadFile(agency, await betsFile(0));
  const first = await central.accept();
  await first.message();
  first.say(welc(1));
  await first.message();
  first.say(OK);
  await upload;
  return { central, first, winners: failureOf(agency.finishAndAwaitWinners()) };
}
