import { describe, expect, test } from 'vitest';
import { AgencyError } from '../../src/agency/errors.ts';
import { Lottery } from '../../src/lottery/lottery.ts';
import { range } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral } from '../support/test-central.ts';
import { RWIN_TWO } from '../support/fake-central.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { pipeFile } from './pipe-file.ts';
import {
  betLines,
  betsFile,
  failureOf,
  numberedText,
  startResumable,
  uploadFile,
  welcomed,
  two,
  accepting,
  WAITING_A_THOUSANDTH,
  WAITING_FOR_EVER,
} from './start-agency.ts';

describe('agencies with several servers', () => {
  test('spread over them by their ids', async () => {
    const store = new GatedStore();
    const lottery = new Lottery([1, 2, 3, 4]);
    const centrals = [
      await TestCentral.open({ lottery, store }),
      await TestCentral.open({ lottery, store }),
    ];
    const path = await betsFile(3);
    const ports = centrals.map(({ port }) => port);
    const agencies = [1, 2, 3, 4].map(id => startResumable(ports, { id }));
    for (const { agency } of agencies) expect(await uploadFile(agency, path)).toBe(3);
    for (const { agency } of agencies) await agency.close();
    const served = centrals.map(central =>
      central.of('agency-identified').map(({ agency }) => agency),
    );
    expect(served).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });
});

describe('a failing server', () => {
  test('is replaced at once by the next, which resumes the upload and stays current', async () => {
    const { a, b, ports } = await two();
    const { agency, events } = startResumable(ports, { random: () => WAITING_FOR_EVER });
    const upload = uploadFile(agency, await betsFile(5));
    const first = await a.accept();
    const hello = await first.message();
    await first.hangUp();
    const second = await b.accept();
    expect(await second.message()).toBe(hello);
    second.say('57454c43 0000000b 317c33327c383138347c30');
    await accepting(second, [numberedText(1, 2), numberedText(3, 4), numberedText(5), 'DONE 3|5']);
    expect(await upload).toBe(5);
    const winners = agency.finishAndAwaitWinners();
    await accepting(second, ['END']);
    expect(await second.message()).toBe('ACTA 0');
    second.say(RWIN_TWO);
    expect(await winners).toHaveLength(2);
    await agency.close();
    const [atA, atB] = ports.map(port => `127.0.0.1:${port}`);
    expect(events.of('reconnecting').map(({ address, waitMs }) => [address, waitMs])).toEqual([
      [atA, 0],
    ]);
    expect(events.of('connected').map(({ address }) => address)).toEqual([atA, atB]);
    expect(events.of('socket-closed').map(({ address }) => address)).toEqual([atA, atB]);
  });

  test('between two requests causes a failover', async () => {
    const { a, b, ports } = await two();
    const { agency, events } = startResumable(ports);
    const upload = uploadFile(agency, await betsFile(2));
    const first = await welcomed(a);
    await accepting(first, [numberedText(1, 2), 'DONE 1|2']);
    await upload;
    await first.hangUp();
    const winners = agency.finishAndAwaitWinners();
    const second = await welcomed(b, 3);
    await accepting(second, ['END']);
    expect(await second.message()).toBe('ACTA 0');
    second.say(RWIN_TWO);
    expect(await winners).toHaveLength(2);
    expect(events.of('connected')).toHaveLength(2);
  });

  test('causes a growing back-off while all servers fail, until a success', async () => {
    const { a, b, ports } = await two();
    const { agency, events } = startResumable(ports, { random: () => WAITING_A_THOUSANDTH });
    const upload = uploadFile(agency, await betsFile(2));
    for (const central of [a, b, a, b, a]) await (await welcomed(central)).hangUp();
    const last = await welcomed(b);
    await accepting(last, [numberedText(1, 2)]);
    expect(await last.message()).toBe('DONE 1|2');
    await last.hangUp();
    await accepting(await welcomed(a, 3), ['DONE 1|2']);
    await upload;
    expect(events.of('reconnecting').map(({ waitMs }) => Math.round(waitMs! * 1_000))).toEqual([
      0, 100, 200, 400, 800, 0,
    ]);
  });

  test('ends the upload after retry.maxElapsed without progress on any server', async () => {
    const { a, b, ports } = await two();
    let clock = 0;
    const { agency } = startResumable(ports, { maxElapsedMs: 1_000, now: () => clock });
    const upload = failureOf(uploadFile(agency, await betsFile(2)));
    await (await welcomed(a)).hangUp();
    const second = await welcomed(b);
    clock = 1_001;
    await second.hangUp();
    expect(await upload).toBeInstanceOf(AgencyError);
    expect((await upload).message).toBe(
      'the central does not answer, the central closed the connection',
    );
  });
});

describe('a lagging server', () => {
  const BEHIND = 'the central expects bet 1 again, which it has acknowledged';

  test('causes a failover, and the upload resumes where it was', async () => {
    const { a, b, ports } = await two();
    const { agency, events } = startResumable(ports, { random: () => WAITING_A_THOUSANDTH });
    const upload = uploadFile(agency, await betsFile(4));
    const first = await welcomed(a);
    await accepting(first, [numberedText(1, 2)]);
    await first.message();
    await first.hangUp();
    for (const central of [b, a, b]) expect(await (await welcomed(central)).end()).toEqual([]);
    await accepting(await welcomed(a, 3), [numberedText(3, 4), 'DONE 2|4']);
    expect(await upload).toBe(4);
    expect(
      events.of('reconnecting').map(({ error, waitMs }) => [error, Math.round(waitMs! * 1_000)]),
    ).toEqual([
      ['the central closed the connection', 0],
      [BEHIND, 100],
      [BEHIND, 200],
      [BEHIND, 400],
    ]);
    // The file was read once.
    expect(events.of('file-closed')).toHaveLength(1);
  });

  test('does not end an upload from a pipe', async () => {
    const { path, writer } = await pipeFile(await temporaryFolder());
    const { a, b, ports } = await two();
    const { agency } = startResumable(ports);
    const upload = uploadFile(agency, path);
    await writer.write(betLines(1, 4));
    const first = await welcomed(a);
    await accepting(first, [numberedText(1, 2)]);
    await first.message();
    await first.hangUp();
    expect(await (await welcomed(b)).end()).toEqual([]);
    await writer.close();
    await accepting(await welcomed(a, 3), [numberedText(3, 4), 'DONE 2|4']);
    expect(await upload).toBe(4);
  });

  test('causes a failover at END and at ACTA too', async () => {
    const { a, b, ports } = await two();
    const { agency, events } = startResumable(ports);
    const upload = uploadFile(agency, await betsFile(2));
    const first = await welcomed(a);
    await accepting(first, [numberedText(1, 2), 'DONE 1|2']);
    await upload;
    const winners = agency.finishAndAwaitWinners();
    expect(await first.message()).toBe('END');
    await first.hangUp();
    expect(await (await welcomed(b)).end()).toEqual([]);
    const third = await welcomed(a, 3);
    await accepting(third, ['END']);
    expect(await third.message()).toBe('ACTA 0');
    await third.hangUp();
    expect(await (await welcomed(b)).end()).toEqual([]);
    const last = await welcomed(a, 3);
    expect(await last.message()).toBe('ACTA 0');
    last.say(RWIN_TWO);
    expect(await winners).toHaveLength(2);
    expect(events.of('file-closed')).toHaveLength(1);
  });

  test('receives the file from its beginning when all servers lag six times in a row', async () => {
    const { a, b, ports } = await two();
    const { agency, events } = startResumable(ports, { random: () => WAITING_A_THOUSANDTH });
    const upload = uploadFile(agency, await betsFile(4));
    const first = await welcomed(a);
    await accepting(first, [numberedText(1, 2)]);
    await first.message();
    await first.hangUp();
    for (const central of [b, a, b, a, b, a])
      expect(await (await welcomed(central)).end()).toEqual([]);
    // The current server: it answers, and is no worse than the others.
    await accepting(await welcomed(a), [numberedText(1, 2), numberedText(3, 4), 'DONE 2|4']);
    expect(await upload).toBe(4);
    expect(events.of('reconnecting').map(({ waitMs }) => Math.round(waitMs! * 1_000))).toEqual([
      0, 100, 200, 400, 800, 1_600, 3_200,
    ]);
    expect(events.of('file-closed')).toHaveLength(2);
  });

  test('causes at most eight rereads of the file', async () => {
    const { a, b, ports } = await two();
    const { agency } = startResumable(ports);
    const path = await betsFile(4);
    const upload = failureOf(uploadFile(agency, path));
    let central = a;
    for (const reading of range(9)) {
      const conversation = await welcomed(central);
      await accepting(conversation, [numberedText(1, 2)]);
      await conversation.message();
      await conversation.hangUp();
      for (const time of range(6)) {
        central = central === a ? b : a;
        const behind = await welcomed(central);
        if (reading === 8 && time === 5) break;
        expect([reading, time, await behind.end()]).toEqual([reading, time, []]);
      }
    }
    expect((await upload).message).toBe(
      `${BEHIND}, after ${path} was read again 8 times; do the servers of server.address keep the same bets?`,
    );
    expect(a.conversations.length + b.conversations.length).toBe(9 * 7);
  });
});
