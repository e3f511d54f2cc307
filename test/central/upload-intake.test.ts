import { describe, expect, test } from 'vitest';
import { bet, frame, helo, range, row, sbet, welc } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { takeTurns, TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';

const BAD = bet('x');
const failBet = (seq: number, index = 0): string =>
  `FAIL invalid-bet|0|${seq}|${index}|document|not-digits`;
const FULL_DISK = 'FAIL storage|1|cannot write bets.csv, the disk is full (ENOSPC)';

async function open(options: { held?: boolean } = {}) {
  const store = new GatedStore(options);
  const central = await TestCentral.open({ store });
  return { store, central, bystander: await central.agency(2) };
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

  test('of a pending one waits for it, and is stored once', async () => {
    const { store, central, bystander } = await open({ held: true });
    const [peer, other] = [await central.uploader(1), await central.uploader(1)];
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(2, bet(2)), sbet(1, bet(1))]));
    await until(() => store.appended.length === 2, 'both batches at the store');
    other.send(Buffer.concat([sbet(1, bet(1)), sbet(2, bet(2)), sbet(3, bet(3))]));
    await until(() => store.appended.length === 3, 'three batches at the store');
    const welcomes = [peer, other].map(({ socket }) => socket.bytesRead);
    await takeTurns(bystander);
    expect([peer, other].map(({ socket }) => socket.bytesRead)).toEqual(welcomes);
    store.letIn(1);
    expect(await other.frame()).toBe('OK');
    expect(await peer.frame()).toBe('OK');
    store.open();
    expect(await peer.frames(2)).toEqual(['OK', 'OK']);
    expect(await other.frames(2)).toEqual(['OK', 'OK']);
    expect(store.rows).toBe(row(1, 1) + row(1, 2) + row(1, 3));
    expect(central.of('batch-stored')).toHaveLength(3);
    expect(central.of('batch-repeated')).toHaveLength(3);
  });

  test('of a pending one is refused with it by a full disk', async () => {
    const { store, central } = await open({ held: true });
    const [peer, other] = [await central.uploader(1), await central.uploader(1)];
    peer.send(sbet(1, bet(1)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    const { bytesRead } = central.sockets[2]!;
    other.send(sbet(1, bet(1)));
    await until(() => central.sockets[2]!.bytesRead > bytesRead, 'the repeat being read');
    store.refuse();
    expect(await peer.lastFrames()).toEqual([FULL_DISK]);
    expect(await other.lastFrames()).toEqual([FULL_DISK]);
    expect(store.appended).toHaveLength(1);
  });
});

describe('a batch after a sequence gap', () => {
  test.each([
    ['at the start', [], 2, 1],
    ['after stored ones', [1, 2], 4, 3],
    ['far beyond', [1], 999_999_999_999_999, 2],
  ])(
    '(%s) is refused with the expected number, and the connection closed',
    async (_, before, seq, expected) => {
      const { store, central, bystander } = await open();
      const peer = await central.uploader(1);
      peer.send(
        Buffer.concat([...before.map(number => sbet(number, bet(number))), sbet(seq, bet(9))]),
      );
      peer.send(sbet(expected, bet(expected)));
      expect(await peer.lastFrames()).toEqual([
        ...before.map(() => 'OK'),
        `FAIL sequence-gap|1|batch ${expected} is expected, this is batch ${seq}`,
      ]);
      expect(store.appended).toHaveLength(before.length);
      expect(central.of('bets-refused')).toEqual([
        { event: 'bets-refused', agency: 1, single: false, count: 1 },
      ]);
      await takeTurns(bystander);
    },
  );
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

  test('is refused the same when repeated, also elsewhere or with other bets', async () => {
    const { store, central } = await open();
    const peer = await central.uploader(1);
    const bad = sbet(1, bet(1), BAD);
    peer.send(Buffer.concat([bad, bad, sbet(1, bet(1))]));
    expect(await peer.frames(3)).toEqual([failBet(1, 1), failBet(1, 1), failBet(1, 1)]);
    const other = await central.uploader(1, 'u', 2);
    other.send(Buffer.concat([bad, sbet(2, bet(2))]));
    expect(await other.frames(2)).toEqual([failBet(1, 1), 'OK']);
    expect(store.rows).toBe(row(1, 2));
    expect(store.noted).toHaveLength(1);
    expect(central.of('bets-refused')).toHaveLength(1);
    expect(central.of('batch-repeated').map(({ seq }) => seq)).toEqual([1, 1, 1]);
  });

  test('is refused only when the refusal is durable, and so is its repeat', async () => {
    const { store, central, bystander } = await open({ held: true });
    const peer = await central.uploader(1);
    const before = peer.socket.bytesRead;
    peer.send(Buffer.concat([sbet(1, BAD), sbet(1, BAD), sbet(2, bet(2))]));
    await until(() => store.appended.length === 1, 'the batch behind it at the store');
    await takeTurns(bystander);
    expect(peer.socket.bytesRead).toBe(before);
    expect(central.of('bets-refused')).toEqual([]);
    store.letIn();
    expect(await peer.frames(3)).toEqual([failBet(1), failBet(1), 'OK']);
    expect(store.noted).toHaveLength(1);
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

describe('a disk that is full within a window', () => {
  test('refuses every later batch, and the upload resumes exactly there', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.uploader(1);
    const batch = (seq: number): Buffer => (seq % 3 === 0 ? sbet(seq, BAD) : sbet(seq, bet(seq)));
    const answer = (seq: number): string => (seq % 3 === 0 ? failBet(seq) : 'OK');
    const all = range(12).map(index => index + 1);
    peer.send(Buffer.concat(all.map(batch)));
    await until(() => store.appended.length + store.noted.length === 12, 'the window at the store');
    store.letIn(4);
    store.refuse();
    expect(await peer.lastFrames()).toEqual(['OK', 'OK', failBet(3), 'OK', FULL_DISK]);
    expect(store.facts).toHaveLength(4);
    const other = await central.uploader(1, 'u', 5);
    other.send(batch(6));
    expect((await other.lastFrames())[0]).toContain('sequence-gap');
    store.open();
    const again = await central.uploader(1, 'u', 5);
    again.send(Buffer.concat(all.slice(3).map(batch)));
    expect(await again.frames(9)).toEqual(all.slice(3).map(answer));
    expect(store.rows).toBe(
      all
        .filter(seq => seq % 3 !== 0)
        .map(seq => row(1, seq))
        .join(''),
    );
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

  test('that resume on a second connection wait for pending batches of the first', async () => {
    const { store, central, bystander } = await open({ held: true });
    const peer = await central.uploader(1);
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(2, bet(2)), sbet(3, bet(3))]));
    await until(() => store.appended.length === 3, 'three batches at the store');
    peer.socket.resetAndDestroy();
    const again = await central.connect();
    again.send(helo(1));
    await central.seen('agency-identified', 3);
    await takeTurns(bystander);
    expect(again.socket.bytesRead).toBe(0);
    store.letIn(2);
    await takeTurns(bystander);
    expect(again.socket.bytesRead).toBe(0);
    store.refuse();
    expect(await again.frame()).toBe(welc(3));
    expect(central.of('upload-resumed')).toEqual([
      { event: 'upload-resumed', agency: 1, upload: 'u', bets: 2 },
    ]);
  });
});
