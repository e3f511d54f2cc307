import { describe, expect, test } from 'vitest';
import { AgencyError, Stopped } from '../../src/agency/errors.ts';
import { fieldsOf } from '../../src/lottery/bet-rules.ts';
import { NEND, NOK, OK } from '../support/base-frames.ts';
import { FakeCentral, RWIN_NONE, RWIN_TWO } from '../support/fake-central.ts';
import { betsFile, failureOf, startAgency, uploadFile } from './start-agency.ts';

describe('END and GWIN', () => {
  test.each([
    [0.5, 70, [50, 62.5, 70, 70]],
    [0, 70, [37.5, 46.875, 52.5, 52.5]],
    [1, 70, [62.5, 70, 70, 70]],
    [0.5, 1, [1, 1, 1, 1]],
  ])(
    'poll with a back-off from 50 ms to loop.period (random %d, period %d)',
    async (chance, pollMs, waits) => {
      const central = await FakeCentral.listen();
      const { agency, events } = startAgency(central.port, { pollMs, random: () => chance });
      const winners = agency.finishAndAwaitWinners();
      let conversation = await central.accept();
      await conversation.messages(2);
      conversation.say(OK);
      for (let index = 0; index < waits.length; index += 1) {
        expect(await conversation.message()).toBe('GWIN');
        conversation.say(NEND);
        expect(await conversation.end()).toEqual([]);
        conversation = await central.accept();
        expect(await conversation.message()).toBe('CONN 1');
      }
      expect(await conversation.message()).toBe('GWIN');
      conversation.say(RWIN_TWO);
      expect(await winners).toHaveLength(2);
      expect(events.of('waiting-for-draw').map(({ waitMs }) => waitMs)).toEqual(waits);
      expect(events.names).not.toContain('timer-closed');
      expect(central.conversations).toHaveLength(waits.length + 1);
    },
  );

  test('poll again only after the delay', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startAgency(central.port, { pollMs: 60 });
    const winners = agency.finishAndAwaitWinners();
    const conversation = await central.accept();
    await conversation.messages(2);
    conversation.say(OK);
    await conversation.message();
    const askedAt = performance.now();
    conversation.say(NEND);
    const second = await central.accept();
    expect(await second.messages(2)).toEqual(['CONN 1', 'GWIN']);
    expect(performance.now() - askedAt).toBeGreaterThan(45);
    second.say(RWIN_NONE);
    await winners;
  });

  test('use a new connection each when the central closes after each reply', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startAgency(central.port);
    const winners = agency.finishAndAwaitWinners();
    const answers = [OK, NEND, NEND, RWIN_TWO];
    const questions = [['CONN 1', 'END'], ...Array.from({ length: 3 }, () => ['CONN 1', 'GWIN'])];
    let answered = 0;
    while (answered < answers.length) {
      const conversation = await central.accept();
      const asked = await conversation.messages(2);
      // A question sent on a closing connection is repeated.
      expect(asked).toEqual(questions[answered]);
      conversation.say(answers[answered]!);
      answered += 1;
      await conversation.hangUp();
    }
    expect(await winners).toHaveLength(2);
    expect(events.of('connected')).toHaveLength(4);
  });

  test('are repeated over a new connection after an undecodable reply', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startAgency(central.port);
    const winners = agency.finishAndAwaitWinners();
    const first = await central.accept();
    await first.messages(2);
    first.say(OK);
    await first.message();
    first.say('5257494e 00000003 337c31');
    const second = await central.accept();
    expect(await second.messages(2)).toEqual(['CONN 1', 'GWIN']);
    second.say(RWIN_TWO);
    expect(await winners).toHaveLength(2);
    expect(events.of('reconnecting')[0]?.error).toMatch(/^the central's answer cannot be read, /);
  });

  test.each([
    ['NEND to END', [NEND], 'end of the bets'],
    ['RWIN to END', [RWIN_NONE], 'end of the bets'],
    ['OK to GWIN', [OK, OK], 'question for the winners'],
  ])('fail after a reply to something else (%s)', async (_, answers, refused) => {
    const central = await FakeCentral.listen();
    const winners = failureOf(startAgency(central.port).agency.finishAndAwaitWinners());
    const conversation = await central.accept();
    await conversation.message();
    for (const answer of answers) {
      await conversation.message();
      conversation.say(answer);
    }
    const error = await winners;
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(`the central refused the ${refused}`);
  });
});

describe('the single bet of exercise 5', () => {
  const BET = fieldsOf(['Santiago Lionel', 'Lorca', '30904465', '1999-03-17', '0075']);

  test('is sent as BET and reported only after its acknowledgement', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startAgency(central.port);
    const sent = agency.sendBet(BET);
    const conversation = await central.accept();
    expect(await conversation.messages(2)).toEqual([
      'CONN 1',
      'BET Santiago Lionel|Lorca|30904465|1999-03-17|0075',
    ]);
    expect(events.of('bet-sent')).toEqual([]);
    conversation.say(OK);
    await sent;
    expect(events.of('bet-sent')).toEqual([
      { event: 'bet-sent', document: '30904465', number: 75 },
    ]);
  });

  test('fails when refused', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startAgency(central.port);
    const sent = failureOf(agency.sendBet(BET));
    const conversation = await central.accept();
    await conversation.messages(2);
    conversation.say(NOK);
    expect(await sent).toBeInstanceOf(AgencyError);
    expect(events.of('bet-sent')).toEqual([]);
  });

  test('is refused without a connection when a field contains the separator', async () => {
    const central = await FakeCentral.listen();
    const bet = fieldsOf(['Santiago|Lionel', 'Lorca', '30904465', '1999-03-17', '7574']);
    const error = await failureOf(startAgency(central.port).agency.sendBet(bet));
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe('the bet cannot be sent, first_name separator');
    expect(central.conversations).toEqual([]);
  });
});

describe('a stopped agency', () => {
  test('does nothing when stopped before its start', async () => {
    const central = await FakeCentral.listen();
    const { agency, stop } = startAgency(central.port);
    stop.abort();
    expect(await failureOf(uploadFile(agency, await betsFile(10)))).toBeInstanceOf(Stopped);
    expect(await failureOf(agency.finishAndAwaitWinners())).toBeInstanceOf(Stopped);
    expect(central.conversations).toEqual([]);
  });

  test('sends no more batches and waits for the pending acknowledgements', async () => {
    const central = await FakeCentral.listen();
    const { agency, events, stop } = startAgency(central.port, { batchWindow: 3 });
    const upload = failureOf(uploadFile(agency, await betsFile(100)));
    const conversation = await central.accept();
    await conversation.messages(4);
    stop.abort();
    conversation.say(OK + OK + OK);
    expect(await upload).toBeInstanceOf(Stopped);
    await agency.close();
    expect(await conversation.end()).toEqual([]);
    expect(events.names).toEqual(['connected', 'upload-stopped', 'file-closed', 'socket-closed']);
    expect(events.of('upload-stopped')).toEqual([
      { event: 'upload-stopped', batches: 3, bets: 6, inDoubt: 0, resumable: false },
    ]);
  });

  test('waits a bounded time for pending acknowledgements', async () => {
    const central = await FakeCentral.listen();
    const limits = { stopTimeoutMs: 50 };
    const { agency, events, stop } = startAgency(central.port, { batchWindow: 3, limits });
    const upload = failureOf(uploadFile(agency, await betsFile(100)));
    const conversation = await central.accept();
    await conversation.messages(4);
    conversation.say(OK);
    stop.abort();
    expect(await upload).toBeInstanceOf(Stopped);
    expect(await conversation.end()).toEqual([]);
    expect(events.of('upload-stopped')).toEqual([
      { event: 'upload-stopped', batches: 1, bets: 2, inDoubt: 4, resumable: false },
    ]);
  });

  test('reports the refusal of a pending batch', async () => {
    const central = await FakeCentral.listen();
    const { agency, stop } = startAgency(central.port, { batchWindow: 2 });
    const upload = failureOf(uploadFile(agency, await betsFile(100)));
    const conversation = await central.accept();
    await conversation.messages(3);
    stop.abort();
    conversation.say(OK + NOK);
    expect(await upload).toBeInstanceOf(AgencyError);
  });

  test('waits for the acknowledgement of its single bet', async () => {
    const central = await FakeCentral.listen();
    const { agency, events, stop } = startAgency(central.port);
    const sent = agency.sendBet(fieldsOf(['Ana', 'Paz', '1', '2000-01-01', '2']));
    const conversation = await central.accept();
    await conversation.messages(2);
    stop.abort();
    conversation.say(OK);
    await sent;
    expect(events.of('bet-sent')).toHaveLength(1);
  });

  test('stops at once between two polls for the winners', async () => {
    const central = await FakeCentral.listen();
    const { agency, events, stop } = startAgency(central.port, { pollMs: 60_000 });
    const winners = failureOf(agency.finishAndAwaitWinners());
    const conversation = await central.accept();
    await conversation.messages(2);
    conversation.say(OK);
    await conversation.message();
    conversation.say(NEND);
    await events.until('waiting-for-draw');
    stop.abort();
    expect(await winners).toBeInstanceOf(Stopped);
    await agency.close();
    expect(await conversation.end()).toEqual([]);
    expect(events.names.slice(-3)).toEqual(['socket-closed', 'waiting-for-draw', 'timer-closed']);
  });

  test.each(['END', 'GWIN'])('stops at once while %s is pending', async question => {
    const central = await FakeCentral.listen();
    const { agency, stop } = startAgency(central.port);
    const winners = failureOf(agency.finishAndAwaitWinners());
    const conversation = await central.accept();
    await conversation.messages(2);
    if (question === 'GWIN') {
      conversation.say(OK);
      expect(await conversation.message()).toBe('GWIN');
    }
    stop.abort();
    expect(await winners).toBeInstanceOf(Stopped);
    await agency.close();
    expect(await conversation.end()).toEqual([]);
  });
});
