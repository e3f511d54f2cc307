import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batchNamed, betsNamed } from '../contract/store-contract.ts';
import { batchOf, rowsOf } from '../lottery/bets.ts';
import { codeOf, follow, holdSyncs, idle, openFaulty, outcomes } from './faulty-store.ts';

describe('a group', () => {
  test('is what was appended while the one before it was written: one write and one sync for all', async () => {
    const { store, files } = await openFaulty();
    const syncs = holdSyncs(files);
    const first = follow(store, batchNamed(0));
    const rest = Array.from({ length: 100 }, (_, index) => follow(store, batchNamed(index + 1)));
    await idle();
    expect(files.count(/^write/)).toBe(1);
    syncs.release();
    await idle();
    expect(first.outcome).toBe('stored');
    expect(new Set(outcomes(rest))).toEqual(new Set(['waiting']));
    expect([files.count(/^write/), files.count(/^sync/)]).toEqual([2, 2]);
    syncs.release();
    await idle();
    expect(new Set(outcomes(rest))).toEqual(new Set(['stored']));
    const rows = rowsOf(Array.from({ length: 101 }, (_, name) => betsNamed(name)).flat());
    expect(files.content.equals(rows)).toBe(true);
    const ofFirst = rowsOf(betsNamed(0)).length;
    expect(files.calls).toEqual([
      `write ${ofFirst} of 1 at 0`,
      'sync',
      `write ${rows.length - ofFirst} of 100 at ${ofFirst}`,
      'sync',
    ]);
  });

  test('is answered only after its sync, not after its write', async () => {
    const { store, files } = await openFaulty();
    const syncs = holdSyncs(files);
    const append = follow(store, batchNamed(1));
    await idle();
    expect(files.content.equals(rowsOf(betsNamed(1)))).toBe(true);
    expect([syncs.held(), append.outcome]).toEqual([1, 'waiting']);
    syncs.release();
    await idle();
    expect(append.outcome).toBe('stored');
  });

  test('counts as unsynced until its sync, with the one that gathers', async () => {
    const { store, files } = await openFaulty();
    const syncs = holdSyncs(files);
    const [first, second] = [batchNamed(1, 3), batchNamed(2, 5)];
    follow(store, first);
    expect(store.unsyncedBytes).toBe(first.rows.length);
    follow(store, second);
    expect(store.unsyncedBytes).toBe(first.rows.length + second.rows.length);
    await idle();
    syncs.release();
    await idle();
    expect(store.unsyncedBytes).toBe(second.rows.length);
    syncs.release();
    await idle();
    expect(store.unsyncedBytes).toBe(0);
  });

  test('is waited for by settled and by close, with the one that gathers', async () => {
    for (const wait of ['settled', 'close'] as const) {
      const { store, files } = await openFaulty();
      const syncs = holdSyncs(files);
      const appends = [follow(store, batchNamed(1)), follow(store, batchNamed(2))];
      let done = false;
      const waiting = store[wait]().then(() => {
        done = true;
      });
      await idle();
      syncs.release();
      await idle();
      expect([done, ...outcomes(appends)]).toEqual([false, 'stored', 'waiting']);
      syncs.release();
      await waiting;
      expect(outcomes(appends)).toEqual(['stored', 'stored']);
    }
  });

  test('of more buffers than the system takes at once is written in several, and synced once', async () => {
    const { store, files } = await openFaulty();
    const appends = Array.from({ length: 2501 }, (_, name) => store.append(batchNamed(name)));
    await Promise.all(appends);
    expect(files.calls.map(call => call.replace(/^write \d+ (of \d+) at \d+$/, '$1'))).toEqual([
      'of 1',
      'sync',
      'of 1024',
      'of 1024',
      'of 452',
      'sync',
    ]);
    expect(
      files.content.equals(rowsOf(Array.from({ length: 2501 }, (_, name) => betsNamed(name)).flat())),
    ).toBe(true);
  });

  test('of many batches without bets before one with bets is stored', async () => {
    const { store, files } = await openFaulty();
    const empty = Array.from({ length: 1100 }, () => follow(store, batchOf([], 1)));
    const last = follow(store, batchNamed(1));
    await store.settled();
    await idle();
    expect(new Set(outcomes(empty))).toEqual(new Set(['stored']));
    expect(last.outcome).toBe('stored');
    expect(files.content.equals(rowsOf(betsNamed(1)))).toBe(true);
  });

  test('whose writes take less than they are given is written to its end, wherever the writes stop', async () => {
    const take = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 });
    const counts = fc.array(fc.nat(3), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(take, counts, async (lengths, betCounts) => {
        const { store, files } = await openFaulty();
        let writes = 0;
        files.onWrite = length => ({ bytes: Math.min(length, lengths[(writes += 1) % lengths.length]!) });
        await Promise.all(betCounts.map((count, name) => store.append(batchNamed(name, count))));
        expect(files.content.equals(rowsOf(betCounts.flatMap((count, name) => betsNamed(name, count))))).toBe(
          true,
        );
        expect(files.count(/^sync/)).toBeLessThanOrEqual(2);
      }),
    );
  });
});

describe('a closed store', () => {
  test('takes nothing any more', async () => {
    const { store, files } = await openFaulty();
    await store.append(batchNamed(1));
    await store.close();
    const { length } = files.calls;
    expect(await codeOf(store.append(batchNamed(2)))).toBe('failed');
    expect(files.calls.slice(length)).toEqual([]);
    expect(files.content.equals(rowsOf(betsNamed(1)))).toBe(true);
  });

  test('has not touched its file after closing it, however late an append came while it closed', async () => {
    for (let ticks = 0; ticks < 30; ticks += 1) {
      const { store, files } = await openFaulty();
      const first = follow(store, batchNamed(1));
      const closing = store.close();
      const late = (async () => {
        for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
        return codeOf(store.append(batchNamed(2)));
      })();
      await closing;
      const outcome = await late;
      await idle();
      expect(first.outcome).toBe('stored');
      expect(files.calls.at(-1)).toBe('close');
      expect(
        files.content.equals(rowsOf([...betsNamed(1), ...(outcome === 'fulfilled' ? betsNamed(2) : [])])),
      ).toBe(true);
      expect(['fulfilled', 'failed']).toContain(outcome);
    }
  });

  test('is no failure: the process need not stop for it', async () => {
    const { store } = await openFaulty();
    await store.close();
    await codeOf(store.append(batchNamed(2)));
    expect(await Promise.race([store.failure, idle()])).toBeUndefined();
  });
});
