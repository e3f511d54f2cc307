import { describe, expect, test } from 'vitest';
import { bet, frame, range, row, sbet } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';

const BAD = bet('x');
const failBet = (seq: number, index = 0): string =>
  `FAIL invalid-bet|0|${seq}|${index}|document|not-digits`;

async function open() {
  const store = new GatedStore();
  return { store, central: await TestCentral.open({ store }) };
}

describe('a repeated batch', () => {
  test('is acknowledged and not stored again, on this and on any other connection', async () => {
    const { store, central } = await open();
    const peer = await central.uploader(1);
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(2, bet(2), bet(3))]));
    expect(await peer.frames(2)).toEqual(['OK', 'OK']);
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(2, bet(2), bet(3)), sbet(1, bet(1))]));
    expect(await peer.frames(3)).toEqual(['OK', 'OK', 'OK']);
    const other = await central.uploader(1, 'u', 3);
    other.send(Buffer.concat([sbet(2, bet(2), bet(3)), sbet(3, bet(4))]));
    expect(await other.frames(2)).toEqual(['OK', 'OK']);
    expect(store.rows).toBe(row(1, 1) + row(1, 2) + row(1, 3) + row(1, 4));
    expect(central.of('batch-stored').map(({ count }) => count)).toEqual([1, 2, 1]);
    expect(central.of('batch-repeated').map(({ seq }) => seq)).toEqual([1, 2, 1, 2]);
  });

  test('is identified by its sequence number, whatever its content', async () => {
    const { store, central } = await open();
    const peer = await central.uploader(1);
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(1, bet(2)), sbet(1, BAD), sbet('1')]));
    expect(await peer.frames(4)).toEqual(['OK', 'OK', 'OK', 'OK']);
    expect(store.rows).toBe(row(1, 1));
  });
});

describe('a batch after a sequence gap', () => {
  test('is refused with the expected number, and the connection closed', async () => {
    const { store, central } = await open();
    const peer = await central.uploader(1);
    const seq = 999_999_999_999_999;
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(seq, bet(9)), sbet(2, bet(2))]));
    expect(await peer.lastFrames()).toEqual([
      'OK',
      `FAIL sequence-gap|1|batch 2 is expected, this is batch ${seq}`,
    ]);
    expect(store.appended).toHaveLength(1);
    expect(central.of('bets-refused')).toEqual([
      { event: 'bets-refused', agency: 1, single: false, count: 1 },
    ]);
  });
});

describe('an invalid batch', () => {
  test('is refused and uses its sequence number, and later ones are accepted', async () => {
    const { store, central } = await open();
    const peer = await central.uploader(1);
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(2, bet(2), BAD, bet(3)), sbet(3, bet(4))]));
    expect(await peer.frames(3)).toEqual(['OK', failBet(2, 1), 'OK']);
    expect(store.rows).toBe(row(1, 1) + row(1, 4));
    expect(store.noted).toEqual([
      {
        kind: 'refused',
        agency: 1,
        place: { upload: 'u', seq: 2 },
        fault: { count: 3, index: 1, field: 'document', reason: 'not-digits' },
      },
    ]);
    expect(central.of('bets-refused')).toEqual([
      { event: 'bets-refused', agency: 1, single: false, count: 3 },
    ]);
  });

  test.each([
    ['no bet count', frame('SBET', '1|'), 'count-not-a-number'],
    ['fewer fields than announced', sbet(1, bet(1).slice(1)), 'too-few-fields'],
    ['more fields than announced', sbet(1, [...bet(1), 'x']), 'too-many-fields'],
  ])('with a wrong number of fields is refused as a batch: %s', async (_, bytes, reason) => {
    const { central } = await open();
    const peer = await central.uploader(1);
    peer.send(Buffer.concat([bytes, sbet(2, bet(2))]));
    expect(await peer.frame()).toMatch(
      new RegExp(`^FAIL invalid-bet\\|0\\|1\\|[01]\\|batch\\|${reason}$`),
    );
    expect(await peer.frame()).toBe('OK');
  });
});

describe('uploads', () => {
  test('may have a limited number of invalid batches, pending ones included', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ store, limits: { refusedBatchesMax: 2 } });
    const peer = await central.uploader(1);
    peer.send(Buffer.concat(range(6).map(index => sbet(index + 1, BAD))));
    await until(() => store.noted.length >= 2, 'two refusals at the store');
    store.open();
    const answers = await peer.lastFrames();
    expect(answers.slice(0, 2)).toEqual([failBet(1), failBet(2)]);
    expect(answers.slice(2)).toEqual([expect.stringMatching(/^FAIL invalid-bet\|1\|2 batches/)]);
    expect(store.noted).toHaveLength(2);
    const again = await central.uploader(1, 'u', 3);
    again.send(Buffer.concat([sbet(2, BAD), sbet(3, bet(3))]));
    expect(await again.lastFrames()).toEqual([
      failBet(2),
      expect.stringMatching(/^FAIL invalid-bet\|1\|/),
    ]);
    expect(store.appended).toEqual([]);
  });
});
