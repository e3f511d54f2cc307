import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AgencyError } from '../../src/agency/errors.ts';
import { OK } from '../support/base-frames.ts';
import { fail, FakeCentral, PING, RWIN_NONE, RWIN_TWO, welc } from '../support/fake-central.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import {
  betsFile,
  failureOf,
  numberedText,
  startResumable,
  untilWait,
  uploadFile,
  welcomed,
} from './start-agency.ts';

describe('a resumable upload', () => {
  test('sends HELO, SBET, DONE, END and ACTA in the documented bytes', async () => {
    const path = join(await temporaryFolder(), 'agency.csv');
    await writeFile(path, 'Ana,Paz,1,1990-01-02,7\nEva,Gil,2,1991-01-02,0008\n');
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port, { id: 65535, batchAmountMax: 1 });
    const upload = uploadFile(agency, path);
    const conversation = await central.accept();
    const [, name] = /^HELO 65535\|(.*)\|bets$/.exec(await conversation.message())!;
    expect(name).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
    conversation.say(welc(1));
    for (const message of [
      'SBET 1|1|Ana|Paz|1|1990-01-02|7',
      'SBET 2|1|Eva|Gil|2|1991-01-02|0008',
    ]) {
      expect(await conversation.message()).toBe(message);
      conversation.say(OK);
    }
    expect(await conversation.message()).toBe('DONE 2|2');
    conversation.say(OK);
    expect(await upload).toBe(2);
    const winners = agency.finishAndAwaitWinners();
    expect(await conversation.message()).toBe('END');
    conversation.say(OK);
    expect(await conversation.message()).toBe('ACTA 0');
    conversation.say(RWIN_TWO);
    expect(await winners).toEqual(['30904465', '30876370']);
    await agency.close();
    expect(await conversation.end()).toEqual([]);

    const nameHex = Buffer.from(name!).toString('hex');
    const lengthHex = (11 + name!.length).toString(16).padStart(8, '0');
    expect(Buffer.concat(conversation.chunks).toString('hex')).toBe(
      [
        `48454c4f ${lengthHex} 36353533357c${nameHex}7c62657473`, // HELO 65535|name|bets
        '53424554 0000001a 317c317c 416e617c 50617a7c 317c 313939302d30312d30327c 37', // SBET 1|1|Ana|Paz|1|1990-01-02|7
        '53424554 0000001d 327c317c 4576617c 47696c7c 327c 313939312d30312d30327c 30303038', // SBET 2|1|Eva|Gil|2|…
        '444f4e45 00000003 327c32', // DONE 2|2
        '454e4400', // END
        '41435441 00000001 30', // ACTA 0
      ]
        .join('')
        .replaceAll(' ', ''),
    );
    expect(events.names).toEqual([
      'connected',
      'upload-done',
      'file-closed',
      'waiting-for-draw',
      'winners',
      'socket-closed',
    ]);
    expect(events.of('upload-done')).toEqual([{ event: 'upload-done', batches: 2, bets: 2 }]);
  });
});

describe('the limits that the central grants', () => {
  test.each([
    [3, 64],
    [64, 3],
    [40, 40],
  ])('bound the window: %i configured, %i granted', async (batchWindow, window) => {
    const central = await FakeCentral.listen();
    const { agency } = startResumable(central.port, { batchWindow, batchAmountMax: 1 });
    const batches = 100;
    const upload = uploadFile(agency, await betsFile(batches));
    const conversation = await welcomed(central, 1, { window });
    for (let answered = 0; answered < batches; answered += 1) {
      // With a full window the agency sends only after an answer, so that batch arrives last.
      const inFlightMax = Math.min(batchWindow, window, 8 + answered);
      const sent = Math.min(answered + inFlightMax, batches);
      await conversation.messages(sent - (conversation.received - 1 - conversation.waiting.length));
      expect(conversation.received - 1).toBe(sent);
      conversation.say(OK);
    }
    expect(await conversation.message()).toBe(`DONE ${batches}|${batches}`);
    conversation.say(OK);
    expect(await upload).toBe(batches);
  });

  test.each([
    [2_000, 2_000, 100_000],
    // A larger limit than the protocol's has no effect: a packet never exceeds 8 kB.
    [60_000, 8_184, 100_000],
    [8_184, 8_184, 130],
    [8_184, 8_184, 7],
  ])(
    'bound the payload: %i bytes granted (%i used), at most %i bets',
    async (maxPayload, payloadMax, amountMax) => {
      const central = await FakeCentral.listen();
      const { agency } = startResumable(central.port, {
        batchWindow: 32,
        batchAmountMax: amountMax,
      });
      const upload = uploadFile(agency, await betsFile(1_000));
      const conversation = await welcomed(central, 1, { maxPayload });
      const counts: number[] = [];
      const lengths: number[] = [];
      for (;;) {
        const message = await conversation.message();
        conversation.say(OK);
        if (message.startsWith('DONE ')) break;
        counts.push(Number(message.split('|')[1]));
        lengths.push(Buffer.byteLength(message) - 'SBET '.length);
      }
      expect(await upload).toBe(1_000);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(payloadMax);
      expect(Math.max(...counts)).toBeLessThanOrEqual(amountMax);
      // Each batch is full: by its number of bets, or without room for one more.
      for (const [index, count] of counts.slice(0, -1).entries()) {
        if (count < amountMax) expect(lengths[index]).toBeGreaterThan(payloadMax - 70);
      }
    },
  );

  test('end the upload when no bet fits', async () => {
    const central = await FakeCentral.listen();
    const upload = failureOf(uploadFile(startResumable(central.port).agency, await betsFile(3)));
    await welcomed(central, 1, { maxPayload: 10 });
    expect(await upload).toBeInstanceOf(AgencyError);
  });
});

describe('a refused batch', () => {
  test('is reported and skipped, and the upload continues', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port, { batchWindow: 2 });
    const upload = uploadFile(agency, await betsFile(5));
    const conversation = await welcomed(central);
    await conversation.messages(2);
    conversation.say(OK + fail('invalid-bet', 0, 3, 1, 'birthdate', 'not-a-date'));
    expect(await conversation.message()).toBe(numberedText(5));
    conversation.say(OK);
    expect(await conversation.message()).toBe('DONE 2|3');
    conversation.say(OK);
    expect(await upload).toBe(3);
    expect(events.of('batch-refused')).toEqual([
      {
        event: 'batch-refused',
        seq: 3,
        count: 2,
        firstLine: 3,
        index: 1,
        field: 'birthdate',
        reason: 'not-a-date',
      },
    ]);
    expect(central.conversations).toHaveLength(1);
  });

  test('with another sequence number than expected causes a reconnect and a resend', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port, { batchWindow: 2 });
    const upload = uploadFile(agency, await betsFile(3));
    const first = await welcomed(central);
    await first.messages(2);
    first.say(fail('invalid-bet', 0, 3, 0, 'number', 'not-digits'));
    const second = await welcomed(central);
    expect(await second.messages(2)).toEqual([numberedText(1, 2), numberedText(3)]);
    second.say(OK + OK);
    expect(await second.message()).toBe('DONE 2|3');
    second.say(OK);
    expect(await upload).toBe(3);
    expect(events.of('batch-refused')).toEqual([]);
  });
});

describe('the wait for the draw', () => {
  test('has no time limit while pings arrive', async () => {
    const central = await FakeCentral.listen();
    const answerTimeoutMs = 150;
    const { agency, events } = startResumable(central.port, { limits: { answerTimeoutMs } });
    const { conversation, winners } = await untilWait(central, agency);
    const startedAt = performance.now();
    while (performance.now() - startedAt < 3 * answerTimeoutMs) {
      conversation.say(PING);
      await new Promise(resolve => setTimeout(resolve, answerTimeoutMs / 5));
    }
    conversation.say(RWIN_NONE);
    expect(await winners).toEqual([]);
    expect(events.names).not.toContain('reconnecting');
    // A question is sent once, and a PING has no answer.
    expect(conversation.waiting).toEqual([]);
  });

  test('is repeated over a new connection when the central is silent', async () => {
    const central = await FakeCentral.listen();
    const { agency, events } = startResumable(central.port, { limits: { answerTimeoutMs: 60 } });
    const { conversation, winners } = await untilWait(central, agency);
    conversation.say(PING);
    const second = await welcomed(central);
    expect(await second.message()).toBe('ACTA 0');
    second.say(RWIN_TWO);
    expect(await winners).toHaveLength(2);
    expect(events.of('reconnecting').map(({ error }) => error)).toEqual(['no answer within 60 ms']);
    expect(events.of('waiting-for-draw')).toEqual([{ event: 'waiting-for-draw' }]);
  });
});
