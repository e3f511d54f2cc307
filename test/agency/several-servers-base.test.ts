import { describe, expect, test } from 'vitest';
import { AgencyError, Stopped } from '../../src/agency/errors.ts';
import { fieldsOf } from '../../src/lottery/bet-rules.ts';
import { NEND, OK } from '../support/base-frames.ts';
import { RWIN_TWO } from '../support/fake-central.ts';
import {
  betsFile,
  failureOf,
  startAgency,
  uploadFile,
  two,
  WAITING_FOR_EVER,
} from './start-agency.ts';

const BET = fieldsOf(['Ana', 'Paz', '30904465', '1999-03-17', '75']);

describe('a base agency with several servers', () => {
  test('fails over at once with a repeatable request, and waits after a round', async () => {
    const { a, b, ports } = await two();
    const { agency, events, stop } = startAgency(ports, { random: () => WAITING_FOR_EVER });
    const winners = failureOf(agency.finishAndAwaitWinners());
    const first = await a.accept();
    expect(await first.messages(2)).toEqual(['CONN 1', 'END']);
    await first.hangUp();
    const second = await b.accept();
    expect(await second.messages(2)).toEqual(['CONN 1', 'END']);
    await second.hangUp();
    await events.until('reconnecting', 2);
    stop.abort();
    expect(await winners).toBeInstanceOf(Stopped);
    expect(a.conversations).toHaveLength(1);
    expect(events.of('reconnecting').map(({ address }) => address)).toEqual(
      ports.map(port => `127.0.0.1:${port}`),
    );
  });

  test('sends GWIN to a server that has not received END', async () => {
    const { a, b, ports } = await two();
    const { agency } = startAgency(ports, { id: 2 });
    const winners = agency.finishAndAwaitWinners();
    const first = await b.accept();
    expect(await first.messages(2)).toEqual(['CONN 2', 'END']);
    first.say(OK);
    expect(await first.message()).toBe('GWIN');
    await first.hangUp();
    const second = await a.accept();
    expect(await second.messages(2)).toEqual(['CONN 2', 'GWIN']);
    second.say(NEND);
    const third = await a.accept();
    expect(await third.messages(2)).toEqual(['CONN 2', 'GWIN']);
    third.say(RWIN_TWO);
    expect(await winners).toHaveLength(2);
  });

  test.each(['a batch', 'a bet'])(
    'does not resend %s that may have been stored, and fails',
    async what => {
      const { a, b, ports } = await two();
      const { agency } = startAgency(ports);
      const path = await betsFile(4);
      const sent = failureOf(what === 'a bet' ? agency.sendBet(BET) : uploadFile(agency, path));
      const conversation = await a.accept();
      await conversation.messages(2);
      conversation.reset();
      expect(await sent).toBeInstanceOf(AgencyError);
      expect((await sent).message).toContain('sending them again could store them twice');
      await agency.close();
      expect(b.conversations).toEqual([]);
    },
  );
});
