import { describe, expect, test } from 'vitest';
import { bet, done, END, frame, row, sbet } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';

/** Uploads of agencies that number bets instead of batches. */

const BAD = bet('x');
const FULL_DISK = 'FAIL storage|1|cannot write bets.csv, the disk is full (ENOSPC)';

async function open(options: { held?: boolean } = {}) {
  const store = new GatedStore(options);
  return { store, central: await TestCentral.open({ store }) };
}

/** Stores three bets, refuses two, stores one: the next number is 7. */
async function openWithSix() {
  const opened = await open();
  const peer = await opened.central.betUploader(1);
  const batches = [sbet(1, bet(1), bet(2), bet(3)), sbet(4, bet(4), BAD), sbet(6, bet(6))];
  expect(await peer.ask(...batches)).toEqual([
    'OK',
    'FAIL invalid-bet|0|4|1|document|not-digits',
    'OK',
  ]);
  return { ...opened, peer };
}

describe('HELO with bets', () => {
  test('is answered in the documented bytes', async () => {
    const { central } = await open();
    const peer = await central.connect();
    peer.send(frame('HELO', '1|5d78|bets'));
    expect(await peer.receive(8 + 11)).toBe(frame('WELC', '1|64|8184|0').toString('hex'));
  });

  test('is answered with the next bet and the number of refused bets', async () => {
    const { central } = await openWithSix();
    await central.betUploader(1, 'u', 7, 2);
    expect(central.of('upload-resumed')).toEqual([
      { event: 'upload-resumed', agency: 1, upload: 'u', bets: 4 },
    ]);
  });

  test('resumes an upload that numbers batches, and vice versa', async () => {
    const { store, central } = await open();
    expect(
      await (await central.uploader(1)).ask(sbet(1, bet(1), bet(2)), sbet(2, BAD)),
    ).toHaveLength(2);
    const newer = await central.betUploader(1, 'u', 4, 1);
    expect(await newer.ask(sbet(4, bet(4)), sbet(5, bet(5), bet(6)))).toEqual(['OK', 'OK']);
    const older = await central.uploader(1, 'u', 5);
    expect(await older.ask(sbet(5, bet(7)), done(4, 6), END)).toEqual(['OK', 'OK', 'OK']);
    expect(store.rows).toBe([1, 2, 4, 5, 6, 7].map(document => row(1, document)).join(''));
  });
});

describe('a batch numbered by its first bet', () => {
  test.each([
    ['within a batch', 2],
    ['the refused batch', 4],
    ['one bet back', 6],
    ['one bet ahead', 8],
  ])('out of sequence (%s) is refused with the expected bet', async (_, number) => {
    const { store, central, peer } = await openWithSix();
    const { rows } = store;
    peer.send(Buffer.concat([sbet(number, bet(9)), sbet(7, bet(7))]));
    expect(await peer.lastFrames()).toEqual([
      `FAIL sequence-gap|1|bet 7 is expected, this is bet ${number}`,
    ]);
    expect(store.rows).toBe(rows);
    expect(central.of('batch-repeated')).toEqual([]);
    const again = await central.betUploader(1, 'u', 7, 2);
    expect(await again.ask(sbet(7, bet(7)))).toEqual(['OK']);
  });

  test('that overlaps pending ones of another process is refused', async () => {
    const { store, central } = await open({ held: true });
    const [peer, other] = [await central.betUploader(1), await central.betUploader(1)];
    peer.send(Buffer.concat([sbet(1, bet(1), bet(2)), sbet(3, bet(3), bet(4))]));
    await until(() => store.appended.length === 2, 'two batches at the store');
    other.send(sbet(1, bet(1), bet(2), bet(3)));
    expect(await other.lastFrames()).toEqual([
      'FAIL sequence-gap|1|bet 5 is expected, this is bet 1',
    ]);
    store.open();
    expect(await peer.frames(2)).toEqual(['OK', 'OK']);
    expect(store.rows).toBe([1, 2, 3, 4].map(document => row(1, document)).join(''));
  });

  test('without bets is accepted, and takes no number', async () => {
    const { central } = await open();
    const peer = await central.betUploader(1);
    expect(await peer.ask(frame('SBET', '1|0|'), sbet(1, bet(1)), done(0, 1))).toEqual([
      'OK',
      'OK',
      'OK',
    ]);
    await central.betUploader(1, 'u', 2);
  });

  test('on a full disk is refused with all later ones, and the upload resumes there', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.betUploader(1);
    const batches = [
      sbet(1, bet(1), bet(2)),
      sbet(3, BAD),
      sbet(4, bet(4)),
      sbet(5, bet(5), bet(6)),
    ];
    peer.send(Buffer.concat(batches));
    await until(
      () => store.appended.length + store.noted.length === 4,
      'four batches at the store',
    );
    store.letIn(2);
    store.refuse();
    expect(await peer.lastFrames()).toEqual([
      'OK',
      'FAIL invalid-bet|0|3|0|document|not-digits',
      FULL_DISK,
    ]);
    store.open();
    const again = await central.betUploader(1, 'u', 4, 1);
    expect(await again.ask(sbet(4, bet(4), bet(5), bet(6)), done(2, 5), END)).toEqual([
      'OK',
      'OK',
      'OK',
    ]);
    expect(store.rows).toBe([1, 2, 4, 5, 6].map(document => row(1, document)).join(''));
  });
});

describe('DONE of an agency that numbers bets', () => {
  test.each([0, 999])('compares the bets only, and accepts %i batches', async batches => {
    const { peer } = await openWithSix();
    expect(await peer.ask(done(batches, 4), END)).toEqual(['OK', 'OK']);
  });

  test.each([3, 5])(
    'with %i bets is refused with both counts, and the agency is unfinished',
    async bets => {
      const { central, peer } = await openWithSix();
      peer.send(Buffer.concat([done(7, bets), END]));
      expect(await peer.lastFrames()).toEqual([
        `FAIL count-mismatch|1|2 batches with 4 bets are stored, the agency counts 2 with ${bets}`,
      ]);
      expect(central.of('agency-finished')).toEqual([]);
    },
  );
});
