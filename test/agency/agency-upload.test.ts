import { describe, expect, onTestFinished, test } from 'vitest';
import { AgencyError } from '../../src/agency/errors.ts';
import { NOK, OK } from '../support/base-frames.ts';
import { FakeCentral } from '../support/fake-central.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { pipeFile } from './pipe-file.ts';
import {
  batchText,
  betLines,
  betsFile,
  failureOf,
  startAgency,
  uploadFile,
} from './start-agency.ts';

describe('an upload', () => {
  test.each([1, 7])('fills the window of %i pending batches and never exceeds it', async window => {
    const central = await FakeCentral.listen();
    const { agency } = startAgency(central.port, { batchWindow: window, batchAmountMax: 1 });
    const batches = 150;
    const upload = uploadFile(agency, await betsFile(batches));
    const conversation = await central.accept();
    await conversation.messages(1);
    for (let answered = 0; answered < batches; answered += 1) {
      // With a full window the agency sends only after an answer, so that batch arrives last.
      const sent = Math.min(answered + window, batches);
      await conversation.messages(sent - (conversation.received - 1 - conversation.waiting.length));
      expect(conversation.received - 1).toBe(sent);
      conversation.say(OK);
    }
    expect(await upload).toBe(batches);
  });

  test('skips invalid lines and sends the rest', async () => {
    const { path, writer } = await pipeFile(await temporaryFolder());
    const central = await FakeCentral.listen();
    const { agency } = startAgency(central.port);
    const upload = uploadFile(agency, path);
    await writer.write(`no bet\n${betLines(1, 1)}a|b,Paz,1,1990-01-02,1\n${betLines(2, 2)}`);
    // The agency has opened the pipe by then: without a reader it keeps nothing.
    const conversation = await central.accept();
    await writer.close();
    expect(await conversation.messages(2)).toEqual(['CONN 1', batchText(1, 2)]);
    conversation.say(OK);
    expect(await upload).toBe(2);
  });

  test('opens no connection for a file without bets', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startAgency(central.port);
    expect(await uploadFile(agency, await betsFile(0))).toBe(0);
    await agency.close();
    expect(central.conversations).toEqual([]);
    expect(events.names).toEqual(['upload-done', 'file-closed']);
  });

  test('reports the acknowledged bets once per interval', async () => {
    const central = await FakeCentral.listen();
    let time = 0;
    const { agency, events } = startAgency(central.port, { progressMs: 10, now: () => time });
    const upload = uploadFile(agency, await betsFile(10));
    const conversation = await central.accept();
    await conversation.messages(1);
    for (const answeredAt of [9, 10, 15, 30, 30]) {
      await conversation.messages(1);
      time = answeredAt;
      conversation.say(OK);
    }
    await upload;
    expect(events.of('upload-progress')).toEqual([
      { event: 'upload-progress', bets: 4, fileBets: 10 },
      { event: 'upload-progress', bets: 8, fileBets: 10 },
    ]);
  });
});

describe('a refused batch', () => {
  test('closes the connection in bounded time when the central stops reading', async () => {
    const central = await FakeCentral.listen();
    const { agency } = startAgency(central.port, {
      batchWindow: 2048,
      batchAmountMax: 1_000,
      limits: { stopTimeoutMs: 100, answerTimeoutMs: 5_000, lingerTimeoutMs: 100 },
    });
    // 16 MB: exceeds the buffers of both sockets.
    const upload = failureOf(uploadFile(agency, await betsFile(450_000)));
    const conversation = await central.accept();
    conversation.socket.pause();
    conversation.say(NOK);
    expect((await upload).message).toContain('begins with line 1;');
    const closed = agency.close().then(() => 'closed');
    const tooLong = new Promise(resolve => {
      const timeout = setTimeout(() => resolve('still open after 10 s'), 10_000);
      onTestFinished(() => clearTimeout(timeout));
    });
    expect(await Promise.race([closed, tooLong])).toBe('closed');
  });
});

describe('a lost connection', () => {
  test('with pending batches ends the upload, reports their count and resends nothing', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startAgency(central.port, { batchWindow: 4 });
    const upload = failureOf(uploadFile(agency, await betsFile(100)));
    const conversation = await central.accept();
    await conversation.messages(5);
    conversation.say(OK + OK);
    expect(await conversation.messages(2)).toEqual([batchText(9, 10), batchText(11, 12)]);
    conversation.reset();
    const error = await upload;
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(
      `the connection was lost, ECONNRESET; whether the last 4 batches were stored is not known, and sending them again could store them twice; 4 bets were acknowledged, 8 are in doubt; have the central void them before they are sent again ('loteria agency void 1 --reason "…"')`,
    );
    await agency.close();
    expect(events.of('connected')).toHaveLength(1);
    expect(central.conversations).toHaveLength(1);
  });

  test.each([1, 2])(
    'without pending batches (window %i) reconnects and continues the upload',
    async batchWindow => {
      const { path, writer } = await pipeFile(await temporaryFolder());
      const central = await FakeCentral.listen();
      const { agency, events } = startAgency(central.port, { batchWindow });
      const upload = uploadFile(agency, path);
      upload.catch(() => {});
      await writer.write(betLines(1, 2));
      const first = await central.accept();
      expect(await first.messages(2)).toEqual(['CONN 1', batchText(1, 2)]);
      first.say(OK);
      await first.hangUp();
      await writer.write(betLines(3, 4));
      await writer.close();
      const second = await Promise.race([
        central.accept(),
        failureOf(upload).then(error => Promise.reject(error)),
      ]);
      expect(await second.messages(2)).toEqual(['CONN 1', batchText(3, 4)]);
      second.say(OK);
      expect(await upload).toBe(4);
      expect(events.names).toEqual([
        'connected',
        'socket-closed',
        'connected',
        'upload-done',
        'file-closed',
      ]);
    },
  );

  test('excludes unsent batches from those in doubt', async () => {
    const { path, writer } = await pipeFile(await temporaryFolder());
    const central = await FakeCentral.listen();
    const { agency } = startAgency(central.port, { batchWindow: 10, batchAmountMax: 1 });
    const upload = failureOf(uploadFile(agency, path));
    await writer.write(betLines(1, 2));
    const conversation = await central.accept();
    await conversation.messages(3);
    await conversation.hangUp();
    await writer.write(betLines(3, 9));
    await writer.close();
    expect((await upload).message).toContain('whether the last 2 batches were stored is not known');
  });

  test('caused by an unsolicited reply does not end the upload', async () => {
    const { path, writer } = await pipeFile(await temporaryFolder());
    const central = await FakeCentral.listen();
    const { agency } = startAgency(central.port);
    const upload = uploadFile(agency, path);
    await writer.write(betLines(1, 2));
    const first = await central.accept();
    await first.messages(2);
    first.say(OK + OK);
    expect(await first.end()).toEqual([]);
    await writer.write(betLines(3, 4));
    await writer.close();
    const second = await central.accept();
    expect(await second.messages(2)).toEqual(['CONN 1', batchText(3, 4)]);
    second.say(OK);
    expect(await upload).toBe(4);
  });

  test('is not assumed while replies arrive, however long the upload takes', async () => {
    const central = await FakeCentral.listen();
    const answerTimeoutMs = 300;
    const { agency } = startAgency(central.port, { batchWindow: 2, limits: { answerTimeoutMs } });
    const upload = uploadFile(agency, await betsFile(20));
    const conversation = await central.accept();
    const startedAt = performance.now();
    await conversation.messages(1);
    for (let batch = 0; batch < 10; batch += 1) {
      await conversation.messages(1);
      await new Promise(resolve => setTimeout(resolve, answerTimeoutMs / 6));
      conversation.say(OK);
    }
    expect(await upload).toBe(20);
    expect(performance.now() - startedAt).toBeGreaterThan(answerTimeoutMs);
  });
});
