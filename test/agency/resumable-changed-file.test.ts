import { appendFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { AgencyError } from '../../src/agency/errors.ts';
import { OK } from '../support/base-frames.ts';
import { FakeCentral, welc } from '../support/fake-central.ts';
import {
  betLines,
  betsFile,
  failureOf,
  numberedText,
  startResumable,
  uploadFile,
} from './start-agency.ts';

describe('a file that changes during its upload', () => {
  test('and grows before its first batch is not sent', async () => {
    const path = await betsFile(3);
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port, { batchWindow: 2 });
    const upload = failureOf(uploadFile(agency, path));
    const conversation = await central.accept();
    await conversation.message();
    await appendFile(path, betLines(4, 9));
    conversation.say(welc(1));
    expect((await upload).message).toContain(
      'was changed while it was being sent; 0 bets of what it was',
    );
    await agency.close();
    expect(await conversation.end()).toEqual([]);
  });

  test('is reported when another process has sent more bets than it contains', async () => {
    const path = await betsFile(3);
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port);
    const upload = failureOf(uploadFile(agency, path));
    const conversation = await central.accept();
    const name = (await conversation.message()).split('|')[1]!;
    conversation.say(welc(6));
    const error = await upload;
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(
      `the central has 5 bets of upload ${name}, and ${path} holds only 3; it was changed while another client sent it, have the central void this upload ('loteria agency void 1 --upload ${name} --reason "…"')`,
    );
    await agency.close();
    expect(await conversation.end()).toEqual([]);
  });

  test.each<[string, (path: string) => Promise<void>]>([
    [
      'truncated, with its old modification time',
      async path => {
        const { mtimeMs } = await stat(path);
        await writeFile(path, betLines(1, 1));
        await utimes(path, mtimeMs / 1000, mtimeMs / 1000);
      },
    ],
    ['new modification time', path => utimes(path, 1, 1)],
    ['deleted', path => rm(path)],
  ])(
    '(%s) ends the upload before DONE, with both ways to recover in the error',
    async (_, change) => {
      const path = await betsFile(2);
      const central = await FakeCentral.listen();
      const { agency } = startResumable(central.port);
      const upload = failureOf(uploadFile(agency, path));
      const conversation = await central.accept();
      const name = (await conversation.message()).split('|')[1]!;
      conversation.say(welc(1));
      expect(await conversation.message()).toBe(numberedText(1, 2));
      await change(path);
      conversation.say(OK);
      const error = await upload;
      expect(error).toBeInstanceOf(AgencyError);
      expect(error.message).toBe(
        `${path} was changed while it was being sent; 2 bets of what it was are stored; put back what it was and start this client again, or have the central void this upload ('loteria agency void 1 --upload ${name} --reason "…"')`,
      );
      await agency.close();
      expect(await conversation.end()).toEqual([]);
    },
  );
});
