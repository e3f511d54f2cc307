import { rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AgencyError } from '../../src/agency/errors.ts';
import { type Conversation, fail, FakeCentral, OK, RWIN_TWO } from '../support/fake-central.ts';
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
} from './start-agency.ts';

/** Takes these messages, which must be the next ones, and accepts each. */
async function accepting(conversation: Conversation, messages: readonly string[]): Promise<void> {
  for (const message of messages) {
    expect(await conversation.message()).toBe(message);
    conversation.say(OK);
  }
}

const MISMATCH = fail('count-mismatch', 1, '1 batches and 2 bets are stored');

describe('an upload that was begun by another process', () => {
  test('goes on where the central says, and counts what was sent before', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port);
    const upload = uploadFile(agency, await betsFile(7));
    await accepting(await welcomed(central, 3), [numberedText(3, 5, 6), numberedText(4, 7), 'DONE 4|7']);
    expect(await upload).toBe(7);
    expect(events.of('upload-resumed')).toEqual([{ event: 'upload-resumed', next: 3 }]);
  });

  test('to its end sends nothing but its counts', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port, { batchWindow: 8 });
    const upload = uploadFile(agency, await betsFile(7));
    await accepting(await welcomed(central, 5), ['DONE 4|7']);
    expect(await upload).toBe(7);
  });

  test('and of which a batch was refused is sent again from the first batch', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port);
    const path = join(await temporaryFolder(), 'agency.csv');
    await writeFile(path, `no bet\n${betLines(1, 5)}`);
    const upload = uploadFile(agency, path);
    const first = await welcomed(central, 3);
    await accepting(first, [numberedText(3, 5)]);
    expect(await first.message()).toBe('DONE 3|5');
    first.say(fail('count-mismatch', 1, '2 batches and 3 bets are stored'));
    const second = await welcomed(central, 4);
    expect(await second.message()).toBe(numberedText(1, 1, 2));
    second.say(fail('invalid-bet', 0, 1, 0, 'document', 'not-digits'));
    await accepting(second, [numberedText(2, 3, 4), numberedText(3, 5), 'DONE 2|3']);
    expect(await upload).toBe(3);
    expect(events.of('batch-refused')).toHaveLength(1);
    expect(events.of('reconnecting').map(({ error }) => error)).toEqual([
      'the counts differ, 2 batches and 3 bets are stored',
    ]);
  });

  test('and whose counts differ even then ends with what may be the reason', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = failureOf(uploadFile(agency, await betsFile(4)));
    const first = await welcomed(central, 3);
    expect(await first.message()).toBe('DONE 2|4');
    first.say(MISMATCH);
    const second = await welcomed(central, 3);
    await accepting(second, [numberedText(1, 1, 2), numberedText(2, 3, 4)]);
    expect(await second.message()).toBe('DONE 2|4');
    second.say(MISMATCH);
    const error = await upload;
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(
      'the central has not stored what this client counts: 1 batches and 2 bets are stored; was batch.maxAmount changed since the upload began?',
    );
  });

  test('keeps sending every batch when a connection is lost meanwhile', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = uploadFile(agency, await betsFile(6));
    const first = await welcomed(central, 4);
    expect(await first.message()).toBe('DONE 3|6');
    first.say(MISMATCH);
    const second = await welcomed(central, 4);
    await accepting(second, [numberedText(1, 1, 2)]);
    await second.message();
    await second.hangUp();
    const third = await welcomed(central, 4);
    expect(await third.message()).toBe(numberedText(2, 3, 4));
    third.say(fail('invalid-bet', 0, 2, 0, 'document', 'not-digits'));
    await accepting(third, [numberedText(3, 5, 6), 'DONE 2|4']);
    expect(await upload).toBe(4);
  });
});

describe('counts that differ', () => {
  test('when everything was sent by this process are the end', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = failureOf(uploadFile(agency, await betsFile(1)));
    const conversation = await welcomed(central);
    await accepting(conversation, [numberedText(1, 1)]);
    await conversation.message();
    conversation.say(MISMATCH);
    expect((await upload).message).toContain('the central has not stored what this client counts');
    expect(central.conversations).toHaveLength(1);
  });
});

describe('a connection that is lost', () => {
  test('with batches unanswered: those that the central has not got go out again, first of all', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port, { batchWindow: 4 });
    const upload = uploadFile(agency, await betsFile(12));
    const first = await welcomed(central);
    await first.messages(4);
    first.say(OK);
    await first.message();
    // Batch 2 was stored too, and its answer lost.
    await first.hangUp();
    const second = await welcomed(central, 3);
    await accepting(second, [
      numberedText(3, 5, 6),
      numberedText(4, 7, 8),
      numberedText(5, 9, 10),
      numberedText(6, 11, 12),
      'DONE 6|12',
    ]);
    expect(await upload).toBe(12);
    expect(events.of('upload-resumed')).toEqual([{ event: 'upload-resumed', next: 3 }]);
    expect(events.of('reconnecting')).toEqual([
      { event: 'reconnecting', error: 'the central closed the connection', waitMs: 0 },
    ]);
  });

  test('with the refusal of a batch: it is heard by sending everything again, and each is told once', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port);
    const upload = uploadFile(agency, await betsFile(6));
    const refusal = (seq: number): string => fail('invalid-bet', 0, seq, 0, 'document', 'not-digits');
    const first = await welcomed(central);
    expect(await first.message()).toBe(numberedText(1, 1, 2));
    first.say(refusal(1));
    expect(await first.message()).toBe(numberedText(2, 3, 4));
    await first.hangUp();
    const second = await welcomed(central, 3);
    await accepting(second, [numberedText(3, 5, 6)]);
    expect(await second.message()).toBe('DONE 2|4');
    second.say(MISMATCH);
    const third = await welcomed(central, 4);
    for (const [seq, answer] of [refusal(1), refusal(2), OK].entries()) {
      expect(await third.message()).toBe(numberedText(seq + 1, 2 * seq + 1, 2 * seq + 2));
      third.say(answer);
    }
    await accepting(third, ['DONE 1|2']);
    expect(await upload).toBe(2);
    expect(events.of('batch-refused').map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test('is taken up again within the window that is granted then', async () => {
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

  test('before HELO is answered begins with HELO again, under the same name', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = uploadFile(agency, await betsFile(2));
    const first = await central.accept();
    const hello = await first.message();
    await first.hangUp();
    const second = await central.accept();
    expect(await second.message()).toBe(hello);
    await second.hangUp();
    await accepting(await welcomed(central), [numberedText(1, 1, 2), 'DONE 1|2']);
    expect(await upload).toBe(2);
  });

  test('after everything was answered sends nothing but the counts again', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = uploadFile(agency, await betsFile(4));
    const first = await welcomed(central);
    await accepting(first, [numberedText(1, 1, 2), numberedText(2, 3, 4)]);
    expect(await first.message()).toBe('DONE 2|4');
    first.reset();
    await accepting(await welcomed(central, 3), ['DONE 2|4']);
    expect(await upload).toBe(4);
  });

  test('costs nothing when the file is a pipe', async () => {
    const { path, writer } = await pipeFile(await temporaryFolder());
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = uploadFile(agency, path);
    await writer.write(betLines(1, 4));
    const first = await welcomed(central);
    await accepting(first, [numberedText(1, 1, 2)]);
    expect(await first.message()).toBe(numberedText(2, 3, 4));
    await first.hangUp();
    await writer.write(betLines(5, 5));
    await writer.close();
    await accepting(await welcomed(central, 2), [numberedText(2, 3, 4), numberedText(3, 5), 'DONE 3|5']);
    expect(await upload).toBe(5);
  });
});

describe('a central that has lost what it acknowledged', () => {
  test('is sent the file from its beginning', async () => {
    const path = join(await temporaryFolder(), 'agency.csv');
    await writeFile(path, `no bet\n${betLines(1, 6)}no bet either\n`);
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port);
    const upload = uploadFile(agency, path);
    const first = await welcomed(central);
    await accepting(first, [numberedText(1, 1, 2)]);
    await first.message();
    await first.hangUp();
    const refused = await welcomed(central);
    expect(await refused.end()).toEqual([]);
    await accepting(await welcomed(central), [
      numberedText(1, 1, 2),
      numberedText(2, 3, 4),
      numberedText(3, 5, 6),
      'DONE 3|6',
    ]);
    expect(await upload).toBe(6);
    expect(events.of('reconnecting').map(({ error }) => error)).toEqual([
      'the central closed the connection',
      'the central expects batch 1 again, which it has acknowledged',
    ]);
    expect(events.of('file-closed')).toHaveLength(2);
  });

  test('cannot be sent a pipe again, and that is said', async () => {
    const { path, writer } = await pipeFile(await temporaryFolder());
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = failureOf(uploadFile(agency, path));
    await writer.write(betLines(1, 4));
    const first = await welcomed(central);
    await accepting(first, [numberedText(1, 1, 2)]);
    await first.message();
    await first.hangUp();
    await welcomed(central);
    const error = await upload;
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(
      `the central expects batch 1 again, which it has acknowledged, and ${path} cannot be read again`,
    );
  });

  test.each(['END', 'WAIT'])(
    'by %s is sent everything again before it is told anything else',
    async asked => {
      const central = await FakeCentral.listen();
      const { agency } = startResumable(central.port);
      const { conversation, winners } = await uploaded(central, agency);
      expect(await conversation.message()).toBe('END');
      if (asked === 'WAIT') {
        conversation.say(OK);
        expect(await conversation.message()).toBe('WAIT');
      }
      await conversation.hangUp();
      expect(await (await welcomed(central)).end()).toEqual([]);
      const last = await welcomed(central);
      await accepting(last, [numberedText(1, 1, 2), 'DONE 1|2', 'END']);
      expect(await last.message()).toBe('WAIT');
      last.say(RWIN_TWO);
      expect(await winners).toEqual(['30904465', '30876370']);
    },
  );

  test('only when it says so: what was acknowledged and is still there is not sent again', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const { conversation, winners } = await uploaded(central, agency);
    await conversation.message();
    await conversation.hangUp();
    const second = await welcomed(central, 2);
    await accepting(second, ['END']);
    expect(await second.message()).toBe('WAIT');
    second.say(RWIN_TWO);
    expect(await winners).toHaveLength(2);
  });
});

/** Two bets, uploaded; what follows is END. */
async function uploaded(central: FakeCentral, agency: ReturnType<typeof startResumable>['agency']) {
  const upload = uploadFile(agency, await betsFile(2));
  const conversation = await welcomed(central);
  await accepting(conversation, [numberedText(1, 1, 2), 'DONE 1|2']);
  await upload;
  return { conversation, winners: agency.finishAndAwaitWinners() };
}

describe('a file that is changed while it is sent', () => {
  test.each<[string, (path: string) => Promise<void>]>([
    ['has another length', path => writeFile(path, betLines(1, 1))],
    ['was written anew', path => utimes(path, 1, 1)],
    ['is gone', path => rm(path)],
  ])('(it %s): is an error that says to start again, before the counts are said', async (_, change) => {
    const path = await betsFile(2);
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = failureOf(uploadFile(agency, path));
    const conversation = await welcomed(central);
    expect(await conversation.message()).toBe(numberedText(1, 1, 2));
    await change(path);
    conversation.say(OK);
    const error = await upload;
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(`${path} was changed while it was being sent; start this client again`);
    await agency.close();
    expect(await conversation.end()).toEqual([]);
  });
});
