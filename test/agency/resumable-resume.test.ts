import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AgencyError } from '../../src/agency/errors.ts';
import { OK } from '../support/base-frames.ts';
import { fail, FakeCentral, RWIN_TWO } from '../support/fake-central.ts';
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
  accepting,
} from './start-agency.ts';

const MISMATCH = fail(
  'count-mismatch',
  1,
  '1 batches with 2 bets are stored, the agency counts 1 with 1',
);

describe('an upload that another process began', () => {
  test('resumes at the bet that the central expects, and counts the earlier ones', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port);
    const upload = uploadFile(agency, await betsFile(7));
    await accepting(await welcomed(central, 5), [numberedText(5, 6), numberedText(7), 'DONE 2|7']);
    expect(await upload).toBe(7);
    expect(events.of('upload-resumed')).toEqual([{ event: 'upload-resumed', bets: 4 }]);
    expect(events.of('upload-done')).toEqual([{ event: 'upload-done', batches: 2, bets: 7 }]);
  });

  test('and completed sends only its counts', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port, { batchWindow: 8 });
    const upload = uploadFile(agency, await betsFile(7));
    await accepting(await welcomed(central, 8), ['DONE 0|7']);
    expect(await upload).toBe(7);
  });

  test('with a refused batch resumes after it and excludes its bets from the counts', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port);
    const path = join(await temporaryFolder(), 'agency.csv');
    await writeFile(path, `no bet\n${betLines(1, 5)}`);
    const upload = uploadFile(agency, path);
    await accepting(await welcomed(central, 5, { refused: 2 }), [numberedText(5), 'DONE 1|3']);
    expect(await upload).toBe(3);
    expect(events.of('upload-resumed')).toEqual([{ event: 'upload-resumed', bets: 2 }]);
    expect(events.of('bets-refused')).toEqual([
      { event: 'bets-refused', count: 2, reason: 'refused earlier' },
    ]);
    expect(events.of('reconnecting')).toEqual([]);
  });

  test('and continues to send resumes after the sequence gap', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port);
    const upload = uploadFile(agency, await betsFile(9));
    const first = await welcomed(central, 3);
    expect(await first.message()).toBe(numberedText(3, 4));
    first.say(fail('sequence-gap', 1, 'bet 6 is expected, this is bet 3'));
    await accepting(await welcomed(central, 6), [
      numberedText(6, 7),
      numberedText(8, 9),
      'DONE 3|9',
    ]);
    expect(await upload).toBe(9);
    expect(events.of('reconnecting').map(({ error }) => error)).toEqual([
      'the central refused for now, sequence-gap, bet 6 is expected, this is bet 3',
    ]);
    expect(events.of('file-closed')).toHaveLength(1);
  });

  test('with a split batch rereads the file up to the expected bet', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port, { batchWindow: 2 });
    const upload = uploadFile(agency, await betsFile(6));
    const first = await welcomed(central);
    expect(await first.messages(2)).toEqual([numberedText(1, 2), numberedText(3, 4)]);
    first.say(fail('sequence-gap', 1, 'bet 4 is expected, this is bet 1'));
    expect(await (await welcomed(central, 4)).end()).toEqual([]);
    await accepting(await welcomed(central, 4), [numberedText(4, 5), numberedText(6), 'DONE 2|6']);
    expect(await upload).toBe(6);
    expect(events.of('file-closed')).toHaveLength(2);
  });
});

describe('a count mismatch', () => {
  test('ends an upload that this process has sent completely', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = failureOf(uploadFile(agency, await betsFile(1)));
    const conversation = await welcomed(central);
    await accepting(conversation, [numberedText(1)]);
    await conversation.message();
    conversation.say(MISMATCH);
    const error = await upload;
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(
      'the central has not stored what this client counts: 1 batches with 2 bets are stored, the agency counts 1 with 1',
    );
    expect(central.conversations).toHaveLength(1);
  });
});

describe('a lost connection', () => {
  test('with a pending refusal reports each refusal once, and earlier ones by count', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port);
    const upload = uploadFile(agency, await betsFile(6));
    const first = await welcomed(central);
    expect(await first.message()).toBe(numberedText(1, 2));
    first.say(fail('invalid-bet', 0, 1, 0, 'document', 'not-digits'));
    expect(await first.message()).toBe(numberedText(3, 4));
    await first.hangUp();
    const second = await welcomed(central, 5, { refused: 4 });
    await accepting(second, [numberedText(5, 6)]);
    // The number of batches is for the log only: the central compares bets.
    expect(await second.message()).toMatch(/^DONE \d\|2$/);
    await second.hangUp();
    const third = await welcomed(central, 7, { refused: 4 });
    expect(await third.message()).toMatch(/^DONE \d\|2$/);
    third.say(OK);
    expect(await upload).toBe(2);
    expect(events.of('batch-refused').map(({ seq }) => seq)).toEqual([1]);
    expect(events.of('bets-refused')).toEqual([
      { event: 'bets-refused', count: 2, reason: 'refused earlier' },
    ]);
  });

  test('is resumed within the newly granted window', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port, { batchWindow: 8 });
    const upload = uploadFile(agency, await betsFile(20));
    const first = await welcomed(central);
    await first.messages(8);
    first.reset();
    const second = await welcomed(central, 1, { window: 2 });
    for (let answered = 0; answered < 10; answered += 1) {
      await second.messages(Math.min(answered + 2, 10) - (second.received - 1));
      expect(second.received - 1).toBe(Math.min(answered + 2, 10));
      second.say(OK);
    }
    await accepting(second, ['DONE 10|20']);
    expect(await upload).toBe(20);
  });

  test('is resumed with smaller batches when a smaller payload is granted', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port, {
      batchWindow: 2,
      batchAmountMax: 100,
    });
    const upload = uploadFile(agency, await betsFile(250));
    const first = await welcomed(central);
    const before = await first.messages(2);
    expect(before.map(message => message.slice(0, 13))).toEqual(['SBET 1|100|An', 'SBET 101|100|']);
    first.say(OK);
    await first.message();
    await first.hangUp();
    expect(await (await welcomed(central, 101, { maxPayload: 1024 })).end()).toEqual([]);
    const second = await welcomed(central, 101, { maxPayload: 1024 });
    let next = 101;
    while (next <= 250) {
      const message = await second.message();
      const [number, count] = message.slice('SBET '.length).split('|').map(Number);
      expect(number).toBe(next);
      expect(Buffer.byteLength(message) - 'SBET '.length).toBeLessThanOrEqual(1024);
      next += count!;
      second.say(OK);
    }
    expect(await second.message()).toMatch(/^DONE \d+\|250$/);
    second.say(OK);
    expect(await upload).toBe(250);
    expect(events.of('reconnecting').map(({ error }) => error)).toEqual([
      'the central closed the connection',
      'the central takes only 1024 bytes in a message now',
    ]);
  });

  test('does not end an upload from a pipe', async () => {
    const { path, writer } = await pipeFile(await temporaryFolder());
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = uploadFile(agency, path);
    await writer.write(betLines(1, 4));
    const first = await welcomed(central);
    await accepting(first, [numberedText(1, 2)]);
    expect(await first.message()).toBe(numberedText(3, 4));
    await first.hangUp();
    await writer.write(betLines(5, 5));
    await writer.close();
    await accepting(await welcomed(central, 3), [numberedText(3, 4), numberedText(5), 'DONE 3|5']);
    expect(await upload).toBe(5);
  });
});

describe('a central that has lost acknowledged bets', () => {
  test('receives the file from its beginning', async () => {
    const path = join(await temporaryFolder(), 'agency.csv');
    await writeFile(path, `no bet\n${betLines(1, 6)}no bet either\n`);
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port);
    const upload = uploadFile(agency, path);
    const first = await welcomed(central);
    await accepting(first, [numberedText(1, 2)]);
    await first.message();
    await first.hangUp();
    const refused = await welcomed(central);
    expect(await refused.end()).toEqual([]);
    await accepting(await welcomed(central), [
      numberedText(1, 2),
      numberedText(3, 4),
      numberedText(5, 6),
      'DONE 3|6',
    ]);
    expect(await upload).toBe(6);
    expect(events.of('reconnecting').map(({ error }) => error)).toEqual([
      'the central closed the connection',
      'the central expects bet 1 again, which it has acknowledged',
    ]);
    expect(events.of('file-closed')).toHaveLength(2);
  });

  test('ends an upload from a pipe with an error', async () => {
    const { path, writer } = await pipeFile(await temporaryFolder());
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = failureOf(uploadFile(agency, path));
    await writer.write(betLines(1, 4));
    const first = await welcomed(central);
    await accepting(first, [numberedText(1, 2)]);
    await first.message();
    await first.hangUp();
    await welcomed(central);
    const error = await upload;
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(
      `the central expects bet 1 again, which it has acknowledged, and ${path} cannot be read again`,
    );
  });

  test.each(['END', 'ACTA'])(
    'at %s receives all bets again before any other request',
    async asked => {
      const central = await FakeCentral.listen();
      const { agency } = startResumable(central.port);
      const { conversation, winners } = await uploaded(central, agency);
      expect(await conversation.message()).toBe('END');
      if (asked === 'ACTA') {
        conversation.say(OK);
        expect(await conversation.message()).toBe('ACTA 0');
      }
      await conversation.hangUp();
      expect(await (await welcomed(central)).end()).toEqual([]);
      const last = await welcomed(central);
      await accepting(last, [numberedText(1, 2), 'DONE 1|2', 'END']);
      expect(await last.message()).toBe('ACTA 0');
      last.say(RWIN_TWO);
      expect(await winners).toEqual(['30904465', '30876370']);
    },
  );
});

/** An agency with two uploaded bets, before its END. */
async function uploaded(central: FakeCentral, agency: ReturnType<typeof startResumable>['agency']) {
  const upload = uploadFile(agency, await betsFile(2));
  const conversation = await welcomed(central);
  await accepting(conversation, [numberedText(1, 2), 'DONE 1|2']);
  await upload;
  return { conversation, winners: agency.finishAndAwaitWinners() };
}
