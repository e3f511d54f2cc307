import { describe, expect, test } from 'vitest';
import { Stopped } from '../../src/agency/errors.ts';
import { OK } from '../support/base-frames.ts';
import { fail, FakeCentral, welc } from '../support/fake-central.ts';
import {
  betsFile,
  failureOf,
  numberedText,
  startResumable,
  uploadFile,
  welcomed,
} from './start-agency.ts';

describe('a stopped resumable agency', () => {
  test('does nothing when stopped before its start', async () => {
    const central = await FakeCentral.listen();
    const { agency, stop } = startResumable(central.port);
    stop.abort();
    expect(await failureOf(uploadFile(agency, await betsFile(10)))).toBeInstanceOf(Stopped);
    expect(central.conversations).toEqual([]);
  });

  test('does not reconnect when stopped during the back-off', async () => {
    const central = await FakeCentral.listen();
    const { agency, events, stop } = startResumable(central.port, { random: () => 1e6 });
    const upload = failureOf(uploadFile(agency, await betsFile(2)));
    const conversation = await welcomed(central);
    await conversation.message();
    await conversation.hangUp();
    await events.until('reconnecting');
    stop.abort();
    expect(await upload).toBeInstanceOf(Stopped);
    expect(central.conversations).toHaveLength(1);
    expect(events.names.slice(-2)).toEqual(['upload-stopped', 'file-closed']);
  });

  test('sends no batch when stopped before WELC', async () => {
    const central = await FakeCentral.listen();
    const { agency, stop } = startResumable(central.port);
    const upload = failureOf(uploadFile(agency, await betsFile(2)));
    const conversation = await central.accept();
    await conversation.message();
    stop.abort();
    conversation.say(welc(1));
    expect(await upload).toBeInstanceOf(Stopped);
    await agency.close();
    expect(await conversation.end()).toEqual([]);
  });

  test('sends no more batches and waits for the pending replies', async () => {
    const central = await FakeCentral.listen();
    const { agency, events, stop } = startResumable(central.port, { batchWindow: 3 });
    const upload = failureOf(uploadFile(agency, await betsFile(100)));
    const conversation = await welcomed(central);
    await conversation.messages(3);
    stop.abort();
    conversation.say(OK + OK);
    let ended = false;
    void upload.then(() => (ended = true));
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(ended).toBe(false);
    conversation.say(fail('invalid-bet', 0, 5, 0, 'document', 'not-digits'));
    expect(await upload).toBeInstanceOf(Stopped);
    await agency.close();
    expect(await conversation.end()).toEqual([]);
    expect(events.names).toEqual([
      'connected',
      'batch-refused',
      'upload-stopped',
      'file-closed',
      'socket-closed',
    ]);
    expect(events.of('upload-stopped')).toEqual([
      { event: 'upload-stopped', batches: 2, bets: 4, inDoubt: 0, resumable: true },
    ]);
  });

  test('waits a bounded time for pending replies', async () => {
    const central = await FakeCentral.listen();
    const { agency, stop } = startResumable(central.port, {
      batchWindow: 3,
      limits: { stopTimeoutMs: 50 },
    });
    const upload = failureOf(uploadFile(agency, await betsFile(100)));
    const conversation = await welcomed(central);
    await conversation.messages(3);
    stop.abort();
    expect(await upload).toBeInstanceOf(Stopped);
    expect(await conversation.end()).toEqual([]);
  });

  test('does not reconnect when it loses the connection with pending replies', async () => {
    const central = await FakeCentral.listen();
    const { agency, events, stop } = startResumable(central.port, { batchWindow: 3 });
    const upload = failureOf(uploadFile(agency, await betsFile(100)));
    const conversation = await welcomed(central);
    await conversation.messages(3);
    stop.abort();
    conversation.reset();
    expect(await upload).toBeInstanceOf(Stopped);
    expect(central.conversations).toHaveLength(1);
    expect(events.names).toEqual(['connected', 'upload-stopped', 'file-closed']);
    expect(events.of('upload-stopped')[0]).toMatchObject({ batches: 0, inDoubt: 6 });
  });

  test('stops at once while DONE is pending, because DONE can be repeated', async () => {
    const central = await FakeCentral.listen();
    const { agency, stop } = startResumable(central.port);
    const upload = failureOf(uploadFile(agency, await betsFile(1)));
    const conversation = await welcomed(central);
    expect(await conversation.message()).toBe(numberedText(1));
    conversation.say(OK);
    expect(await conversation.message()).toBe('DONE 1|1');
    stop.abort();
    expect(await upload).toBeInstanceOf(Stopped);
    await agency.close();
    expect(await conversation.end()).toEqual([]);
  });

  test('stops at once while END is pending', async () => {
    const central = await FakeCentral.listen();
    const { agency, stop } = startResumable(central.port);
    const upload = uploadFile(agency, await betsFile(0));
    const conversation = await welcomed(central);
    await conversation.message();
    conversation.say(OK);
    await upload;
    const winners = failureOf(agency.finishAndAwaitWinners());
    expect(await conversation.message()).toBe('END');
    stop.abort();
    expect(await winners).toBeInstanceOf(Stopped);
    await agency.close();
    expect(await conversation.end()).toEqual([]);
  });
});
