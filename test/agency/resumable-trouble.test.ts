import { describe, expect, test } from 'vitest';
import { AgencyError } from '../../src/agency/errors.ts';
import { NOK, OK } from '../support/base-frames.ts';
import { type Conversation, fail, FakeCentral, RWIN_TWO } from '../support/fake-central.ts';
import {
  betsFile,
  failureOf,
  numberedText,
  startResumable,
  untilWait,
  uploadFile,
  welcomed,
  WAITING_A_THOUSANDTH,
} from './start-agency.ts';

const FIRST_BATCH = numberedText(1, 2);

/** An upload of two bets, whose only batch was sent. */
async function uploading(overrides: Parameters<typeof startResumable>[1] = {}) {
  const central = await FakeCentral.listen();
  const path = await betsFile(2);
  const started = startResumable(central.port, overrides);
  const upload = uploadFile(started.agency, path);
  upload.catch(() => {});
  return { ...started, central, upload };
}

async function batchOn(central: FakeCentral): Promise<Conversation> {
  const conversation = await welcomed(central);
  expect(await conversation.message()).toBe(FIRST_BATCH);
  return conversation;
}

/** Accepts the only batch, and the counts of DONE. */
async function acceptAll(central: FakeCentral): Promise<void> {
  const conversation = await batchOn(central);
  conversation.say(OK);
  expect(await conversation.message()).toBe('DONE 1|2');
  conversation.say(OK);
}

describe('a temporary refusal', () => {
  test.each(['busy', 'closing', 'storage', 'sequence-gap'])(
    '(%s) of a batch causes a reconnect and a resend',
    async code => {
      const { central, upload, events } = await uploading();
      (await batchOn(central)).say(fail(code, 1, 'why'));
      await acceptAll(central);
      expect(await upload).toBe(2);
      expect(events.of('reconnecting').map(({ error }) => error)).toEqual([
        `the central refused for now, ${code}, why`,
      ]);
    },
  );

  test('of HELO, DONE, END or ACTA causes a reconnect and a repeat', async () => {
    const { agency, central, upload, events } = await uploading();
    const first = await central.accept();
    await first.message();
    first.say(fail('busy', 1, 'hello'));
    const second = await batchOn(central);
    second.say(OK);
    expect(await second.message()).toBe('DONE 1|2');
    second.say(fail('closing', 1, 'counts'));
    const third = await welcomed(central, 3);
    expect(await third.message()).toBe('DONE 1|2');
    third.say(OK);
    await upload;
    const winners = agency.finishAndAwaitWinners();
    expect(await third.message()).toBe('END');
    third.say(fail('storage', 1, 'end'));
    const fourth = await welcomed(central, 3);
    expect(await fourth.message()).toBe('END');
    fourth.say(OK);
    expect(await fourth.message()).toBe('ACTA 0');
    fourth.say(fail('closing', 1, 'wait'));
    const fifth = await welcomed(central, 3);
    expect(await fifth.message()).toBe('ACTA 0');
    fifth.say(RWIN_TWO);
    expect(await winners).toHaveLength(2);
    expect(events.of('reconnecting').map(({ error }) => error)).toEqual([
      'the central refused for now, busy, hello',
      'the central refused for now, closing, counts',
      'the central refused for now, storage, end',
      'the central refused for now, closing, wait',
    ]);
  });

  test('with an unsolicited second one causes one reconnect', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port);
    const { conversation, winners } = await untilWait(central, agency);
    conversation.say(fail('closing', 1, 'the server stops') + fail('closing', 1, 'again'));
    const second = await welcomed(central);
    expect(await second.message()).toBe('ACTA 0');
    second.say(RWIN_TWO);
    expect(await winners).toHaveLength(2);
    expect(events.of('reconnecting')).toHaveLength(1);
  });
});

describe('a permanent refusal', () => {
  test.each([
    ['unauthorized', 'the central refused, unauthorized, why'],
    ['agency-finished', 'the central refused, agency-finished, why'],
    ['draw-closed', 'the central refused, draw-closed, why'],
    ['malformed', 'the central refused, malformed, why'],
    ['payload-too-large', 'the central refused, payload-too-large, why'],
    ['not-identified', 'the central refused, not-identified, why'],
    ['unknown-message', 'the central refused, unknown-message, why'],
    // A newer central than this client.
    ['out-of-tickets', /^the central refused, .*out-of-tickets why$/],
  ])('(%s) of a batch ends the upload', async (code, message) => {
    const { agency, central, upload } = await uploading();
    const conversation = await batchOn(central);
    conversation.say(fail(code, 1, 'why'));
    const error = await failureOf(upload);
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toEqual(
      typeof message === 'string' ? message : expect.stringMatching(message),
    );
    await agency.close();
    expect(await conversation.end()).toEqual([]);
    expect(central.conversations).toHaveLength(1);
  });

  test('of HELO as malformed suggests an update of the central', async () => {
    const { agency, central, upload } = await uploading();
    const conversation = await central.accept();
    await conversation.message();
    conversation.say(
      fail('malformed', 1, 'HELO needs an upload of 1 to 64 characters of A-Z a-z 0-9 . _ -'),
    );
    const error = await failureOf(upload);
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(
      'the central refused HELO, HELO needs an upload of 1 to 64 characters of A-Z a-z 0-9 . _ -; the central is older than this client and does not know HELO with bets; update the server first, or run the client of its version',
    );
    await agency.close();
    expect(await conversation.end()).toEqual([]);
    expect(central.conversations).toHaveLength(1);
  });

  test.each(['END', 'ACTA'])('of %s ends the wait for the draw', async question => {
    const { agency, central, upload } = await uploading();
    const conversation = await batchOn(central);
    conversation.say(OK);
    expect(await conversation.message()).toBe('DONE 1|2');
    conversation.say(OK);
    await upload;
    const winners = failureOf(agency.finishAndAwaitWinners());
    expect(await conversation.message()).toBe('END');
    if (question === 'ACTA') {
      conversation.say(OK);
      expect(await conversation.message()).toBe('ACTA 0');
    }
    conversation.say(fail('draw-closed', 1, 'why'));
    expect(await winners).toBeInstanceOf(AgencyError);
    expect((await winners).message).toBe('the central refused, draw-closed, why');
  });
});

describe('a server of the base protocol', () => {
  const HINT =
    '; does the server speak another protocol? protocol is resumable, the others are base, push-codes, check-win, csv-frames, op-codes';

  test.each([
    ['NOK to HELO', `the central refused HELO${HINT}`],
    [
      'close at HELO',
      `the central closed the connection before HELO was answered${HINT}; or TLS, for which tls.ca must be set?`,
    ],
  ])('(%s) causes a retry with a hint at the protocol', async (how, why) => {
    const { central, upload, events } = await uploading();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const conversation = await central.accept();
      expect(await conversation.message()).toMatch(/^HELO /);
      if (how.includes('NOK')) conversation.say(NOK);
      else await conversation.hangUp();
    }
    await acceptAll(central);
    expect(await upload).toBe(2);
    expect(events.of('reconnecting').map(({ error }) => error)).toEqual(
      Array.from({ length: 2 }, () => why),
    );
  });

  test('causes a retry after undecodable bytes', async () => {
    const { central, upload } = await uploading();
    const first = await central.accept();
    await first.message();
    first.say('48545450 2f312e31 20343030');
    await acceptAll(central);
    expect(await upload).toBe(2);
  });
});

describe('reconnecting', () => {
  test('backs off while nothing succeeds, and starts again after a success', async () => {
    const { central, upload, events } = await uploading({ random: () => WAITING_A_THOUSANDTH });
    for (let attempt = 0; attempt < 8; attempt += 1) {
      (await batchOn(central)).say(fail('storage', 1, 'the disk is full'));
    }
    const conversation = await batchOn(central);
    conversation.say(OK);
    expect(await conversation.message()).toBe('DONE 1|2');
    await conversation.hangUp();
    const last = await welcomed(central, 3);
    await last.message();
    last.say(OK);
    await upload;
    expect(events.of('reconnecting').map(({ waitMs }) => Math.round(waitMs! * 1_000))).toEqual([
      100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 100,
    ]);
  });

  test('has no time limit when retry.maxElapsed is 0', async () => {
    let clock = 0;
    const { central, upload } = await uploading({ maxElapsedMs: 0, now: () => clock });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const conversation = await batchOn(central);
      clock += 1e9;
      conversation.reset();
    }
    await acceptAll(central);
    expect(await upload).toBe(2);
  });

  test('ends after retry.maxElapsed without progress', async () => {
    let clock = 0;
    const { central, upload } = await uploading({ maxElapsedMs: 1_000, now: () => clock });
    // Time without failures does not count.
    clock = 50_000;
    (await batchOn(central)).say(fail('storage', 1, 'full'));
    const second = await batchOn(central);
    clock = 50_990;
    second.say(fail('storage', 1, 'full'));
    const third = await batchOn(central);
    clock = 51_010;
    third.say(fail('storage', 1, 'full'));
    const error = await failureOf(upload);
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(
      'the central does not answer, the central refused for now, storage, full',
    );
    expect(central.conversations).toHaveLength(3);
  });

  test('restarts retry.maxElapsed after progress', async () => {
    let clock = 0;
    const { central, upload } = await uploading({ maxElapsedMs: 1_000, now: () => clock });
    await (await batchOn(central)).hangUp();
    const second = await batchOn(central);
    clock = 900;
    second.say(OK);
    expect(await second.message()).toBe('DONE 1|2');
    await second.hangUp();
    const third = await welcomed(central, 3);
    await third.message();
    clock = 1_800;
    await third.hangUp();
    const fourth = await welcomed(central, 3);
    await fourth.message();
    fourth.say(OK);
    expect(await upload).toBe(2);
  });

  test('counts unreachable and unresponsive time together', async () => {
    const { central, upload, events } = await uploading({
      maxElapsedMs: 1_000,
      now: () => (events.of('reconnecting').length === 0 ? 0 : 1_001),
    });
    await batchOn(central);
    const { port } = central;
    await central.close();
    const error = await failureOf(upload);
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(
      `the central cannot be reached at 127.0.0.1, port ${port}, no server listens there (ECONNREFUSED), after 1 attempts; server.address in config.yaml or CLI_SERVER_ADDRESS names it`,
    );
  });
});
