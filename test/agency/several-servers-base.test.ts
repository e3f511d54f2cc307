import { describe, expect, test } from 'vitest';
import { AgencyError, Stopped } from '../../src/agency/errors.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { fieldsOf } from '../../src/lottery/bet-rules.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { SPOKEN } from '../contract/spoken-dialects.ts';
import { TestCentral } from '../support/test-central.ts';
import { NEND, OK } from '../support/base-frames.ts';
import { RWIN_TWO } from '../support/fake-central.ts';
import { freePort } from '../support/free-port.ts';
import {
  batchText,
  betsFile,
  failureOf,
  startAgency,
  uploadFile,
  two,
  WAITING_FOR_EVER,
} from './start-agency.ts';

const BET = fieldsOf(['Ana', 'Paz', '30904465', '1999-03-17', '75']);

describe.each(SPOKEN)('an agency that speaks $name', ({ name, dialect }) => {
  test('uploads and asks for its winners over the reachable one of two servers', async () => {
    const central = await TestCentral.open({ agencies: [1], dialects: [dialect] });
    const spoken = name === 'tp0' ? createBaseDialect(new PlainBetReader()) : dialect;
    const away = await freePort();
    const { agency, events } = startAgency([away, central.port], { dialect: spoken });
    expect(await uploadFile(agency, await betsFile(5))).toBe(5);
    expect(await agency.finishAndAwaitWinners()).toEqual([]);
    await agency.close();
    expect(central.lottery.betsInAll).toBe(5);
    expect(events.of('connecting').map(({ waitMs }) => waitMs)).toEqual([0]);
    const addresses = [...events.of('connected'), ...events.of('socket-closed')].map(
      each => each.address,
    );
    expect(new Set(addresses)).toEqual(new Set([`127.0.0.1:${central.port}`]));
  });
});

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

  test('fails over when nothing is pending', async () => {
    const { a, b, ports } = await two();
    const { agency } = startAgency(ports);
    const upload = uploadFile(agency, await betsFile(2));
    const first = await a.accept();
    expect(await first.messages(2)).toEqual(['CONN 1', batchText(1, 2)]);
    first.say(OK);
    await upload;
    await first.hangUp();
    const winners = agency.finishAndAwaitWinners();
    const second = await b.accept();
    expect(await second.messages(2)).toEqual(['CONN 1', 'END']);
    second.say(OK);
    expect(await second.message()).toBe('GWIN');
    second.say(RWIN_TWO);
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
