import { describe, expect, test } from 'vitest';
import {
  bet,
  conn,
  done,
  END,
  frame,
  GWIN,
  helo,
  nbet,
  NOK,
  row,
  sbet,
  WAIT,
  welc,
  failFinished,
} from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { takeTurns, TestCentral } from '../support/test-central.ts';
import { ManualClock, until } from '../support/until.ts';

async function open(options: { held?: boolean; agencies?: readonly number[] } = {}) {
  const { held = false, agencies = [1, 2] } = options;
  const store = new GatedStore({ held });
  return { store, central: await TestCentral.open({ store, agencies }) };
}

describe('HELO', () => {
  test('of a new upload is answered with batch 1, the window and the payload limit', async () => {
    const limits = { unansweredMax: 7, payloadBytesMax: 2000 };
    const central = await TestCentral.open({ limits });
    const peer = await central.connect();
    peer.send(helo(2, '9f86d081.Ag-1_x'));
    expect(await peer.receive(8 + 8)).toBe(frame('WELC', '1|7|2000').toString('hex'));
    expect(central.of('agency-identified')).toEqual([
      { event: 'agency-identified', ip: '127.0.0.1', agency: 2 },
    ]);
    expect(central.of('upload-resumed')).toEqual([]);
  });

  test('of a known upload is answered with the next batch, and logged', async () => {
    const { central } = await open();
    const peer = await central.uploader(1);
    expect(await peer.ask(sbet(1, bet(1)))).toEqual(['OK']);
    await central.uploader(1, 'u', 2);
    expect(await peer.ask(sbet(2, bet('x')), sbet(3, bet(3)))).toHaveLength(2);
    await central.uploader(1, 'u', 4);
    expect(central.of('upload-resumed')).toEqual(
      [1, 2].map(bets => ({ event: 'upload-resumed', agency: 1, upload: 'u', bets })),
    );
  });

  test('does not register an upload by itself', async () => {
    const { central } = await open();
    await central.uploader(1);
    await central.uploader(1);
    expect(central.lottery.uploads.of(1)).toEqual([]);
  });

  test.each([
    ['HELO twice', [helo(1), helo(1)], 'malformed'],
    ['HELO of two uploads', [helo(1), helo(1, 'v')], 'malformed'],
    ['HELO of another agency', [helo(1), helo(2)], 'malformed'],
    ['CONN after HELO', [helo(1), conn(1)], 'malformed'],
    ['an unknown message type', [helo(1), Buffer.from('XXXX')], 'unknown-message'],
    ['an invalid NBET', [helo(1), nbet(bet('x'))], 'invalid-bet'],
  ])(
    'and then an illegal message (%s) leads to a FAIL with its code, and a close',
    async (_, says, code) => {
      const { store, central } = await open();
      const bystander = await central.agency(2);
      const peer = await central.connect();
      peer.send(Buffer.concat([...says, sbet(1, bet(1))]));
      expect(await peer.lastFrames()).toEqual([
        welc(1),
        expect.stringMatching(new RegExp(`^FAIL ${code}\\|1\\|`)),
      ]);
      expect(central.refusalCodes).toEqual([code]);
      expect(store.appended).toEqual([]);
      await takeTurns(bystander);
    },
  );

  test.each([
    ['an unexpected agency', [helo(3)], 'unauthorized'],
    ['an invalid name', [helo(1, 'a b')], 'malformed'],
    ['SBET before HELO', [sbet(1, bet(1)), helo(1)], 'not-identified'],
    ['DONE before HELO', [done(0, 0), helo(1)], 'not-identified'],
    ['WAIT before HELO', [WAIT, helo(1)], 'not-identified'],
    ['CONN before HELO', [conn(1), helo(1)], 'malformed'],
    ['CONN and SBET without HELO', [conn(1), sbet(1, bet(1))], 'not-identified'],
    ['CONN and DONE without HELO', [conn(1), done(0, 0)], 'not-identified'],
  ])('(%s) is refused with FAIL and a close', async (_, says, code) => {
    const { store, central } = await open();
    const peer = await central.connect();
    peer.send(Buffer.concat([...says, nbet(bet(1))]));
    expect(await peer.lastFrames()).toEqual([
      expect.stringMatching(new RegExp(`^FAIL ${code}\\|1\\|`)),
    ]);
    expect(store.appended).toEqual([]);
    peer.end();
    await central.seen('connection-closed');
    // Its connection slot of the agency is free again.
    for (let count = 0; count < 16; count += 1) await central.uploader(1);
  });

  test('makes a passed deadline a FAIL, which is a NOK for a silent peer', async () => {
    const clock = new ManualClock();
    const limits = { firstMessageTimeoutMs: 50, messageTimeoutMs: 200, idleTimeoutMs: 400 };
    const central = await TestCentral.open({ limits, now: clock.now });
    const [idle, slow] = [await central.uploader(1), await central.uploader(1)];
    const before = central.sockets[1]!.bytesRead;
    slow.send(sbet(1, bet(1)).subarray(0, 20));
    await until(
      () => central.sockets[1]!.bytesRead === before + 20,
      'a part of a batch being read',
    );
    clock.time += 200;
    expect(await slow.lastFrames()).toEqual(['FAIL closing|1|message-timeout']);
    const silent = await central.connect();
    await central.seen('connection-accepted', 3);
    clock.time += 200;
    expect(await idle.lastFrames()).toEqual(['FAIL closing|1|idle']);
    expect(await silent.rest()).toBe(NOK);
  });
});

describe('HELO of a finished agency', () => {
  test('is accepted for a known upload, and refused for a new one', async () => {
    const { store, central } = await open();
    const peer = await central.uploader(1);
    expect(await peer.ask(sbet(1, bet(1)), END)).toEqual(['OK', 'OK']);
    const again = await central.uploader(1, 'u', 2);
    expect(await again.ask(sbet(1, bet(1)), done(1, 1), END, GWIN)).toEqual([
      'OK',
      'OK',
      'OK',
      'NEND',
    ]);
    again.send(sbet(2, bet(2)));
    expect(await again.lastFrames()).toEqual([failFinished(1)]);
    const other = await central.connect();
    other.send(helo(1, 'v'));
    expect(await other.lastFrames()).toEqual([failFinished(1)]);
    expect(store.rows).toBe(row(1, 1));
    expect(central.of('agency-finished')).toHaveLength(1);
    expect(central.of('upload-resumed')).toEqual([]);
  });
});

describe('DONE', () => {
  test('is acknowledged when both sides count the same, without refused batches', async () => {
    const { central } = await open();
    const peer = await central.uploader(1);
    const answers = await peer.ask(
      sbet(1, bet(1), bet(2)),
      sbet(2, bet('x')),
      frame('SBET', '3|0|'),
      done(2, 2),
      END,
    );
    expect(answers).toEqual(['OK', 'FAIL invalid-bet|0|2|0|document|not-digits', 'OK', 'OK', 'OK']);
    expect(central.of('agency-finished')).toHaveLength(1);
    expect(central.of('upload-resumed')).toEqual([]);
  });

  test.each([
    ['a missing batch', 1, 3],
    ['an extra bet', 2, 4],
    ['the refused batch too', 3, 4],
  ])(
    'that counts %s is refused with both counts, and the agency is unfinished',
    async (_, batches, bets) => {
      const { central } = await open();
      const peer = await central.uploader(1);
      await peer.ask(sbet(1, bet(1), bet(2)), sbet(2, bet('x')), sbet(3, bet(3)));
      peer.send(Buffer.concat([done(batches, bets), END]));
      expect(await peer.lastFrames()).toEqual([
        `FAIL count-mismatch|1|2 batches with 3 bets are stored, the agency counts ${batches} with ${bets}`,
      ]);
      expect(central.of('agency-finished')).toEqual([]);
      const again = await central.uploader(1, 'u', 4);
      expect(await again.ask(done(2, 3), END)).toEqual(['OK', 'OK']);
    },
  );

  test('counts this upload alone, without other agencies or earlier NBETs', async () => {
    const { central } = await open();
    const [own, other] = [await central.uploader(1), await central.uploader(2)];
    expect(await own.ask(nbet(bet(2), bet(3)), sbet(1, bet(1)))).toEqual(['OK', 'OK']);
    expect(await other.ask(sbet(1, bet(4)), sbet(2, bet(5)))).toEqual(['OK', 'OK']);
    expect(await own.ask(done(1, 1))).toEqual(['OK']);
    expect(await other.ask(done(2, 2))).toEqual(['OK']);
  });

  test('waits for the pending batches before it', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.uploader(1);
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(2, bet(2)), done(2, 2)]));
    await until(() => store.appended.length === 2, 'both batches at the store');
    store.open();
    expect(await peer.frames(3)).toEqual(['OK', 'OK', 'OK']);
  });
});

describe('END of an upload', () => {
  test('closes the uploads of the agency on every connection', async () => {
    const { store, central } = await open({ held: true });
    const [peer, other] = [await central.uploader(1), await central.uploader(1, 'v')];
    peer.send(END);
    await until(() => store.noted.length === 1, 'the end of the bets at the store');
    other.send(sbet(1, bet(1)));
    expect(await other.lastFrames()).toEqual([failFinished(1)]);
    store.open();
    expect(await peer.frame()).toBe('OK');
    expect(store.appended).toEqual([]);
  });
});

test('base messages are accepted after HELO, without sequence numbers', async () => {
  const { store, central } = await open();
  const peer = await central.uploader(1);
  const answers = await peer.ask(
    nbet(bet(1)),
    GWIN,
    frame('BET', bet(3).join('|')),
    nbet(bet(1)),
    sbet(1, bet(2)),
    GWIN,
    sbet(2, bet(4)),
  );
  expect(answers).toEqual(['OK', 'NEND', 'OK', 'OK', 'OK', 'NEND', 'OK']);
  expect(store.rows).toBe(row(1, 1) + row(1, 3) + row(1, 1) + row(1, 2) + row(1, 4));
  await central.uploader(1, 'u', 3);
});
