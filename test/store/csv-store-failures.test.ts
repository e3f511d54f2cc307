import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StoreError } from '../../src/store/store.ts';
import { batchNamed, betsNamed } from '../contract/store-contract.ts';
import { rowsOf } from '../lottery/bets.ts';
import { type FaultyFiles, systemError } from './faulty-files.ts';
import { codeOf, follow, holdSyncs, idle, openFaulty, outcomes } from './faulty-store.ts';

describe('a full disk', () => {
  test.each(['ENOSPC', 'EDQUOT'])('(%s) refuses exactly the group that it had no room for', async code => {
    const before = rowsOf(betsNamed(9, 2));
    const { store, files } = await openFaulty(before.toString());
    files.onWrite = () => ({ bytes: 10, error: systemError(code, 'write') });
    const refused = follow(store, batchNamed(0, 2));
    const next = [follow(store, batchNamed(1)), follow(store, batchNamed(2))];
    files.onTruncate = () => {
      files.onWrite = undefined;
    };
    await idle();
    expect(refused.outcome).toBe('full');
    expect(outcomes(next)).toEqual(['stored', 'stored']);
    const rows = Buffer.concat([before, rowsOf(betsNamed(1)), rowsOf(betsNamed(2))]);
    expect(files.content.equals(rows)).toBe(true);
    expect(files.calls).toContain(`truncate ${before.length}`);
    await expect(store.settled()).resolves.toBeUndefined();
  });

  test('refuses with the file and the reason', async () => {
    const { store, files } = await openFaulty();
    const cause = systemError('ENOSPC', 'writev');
    files.onWrite = () => ({ bytes: 0, error: cause });
    const error = await store.append(batchNamed(1)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      code: 'full',
      message: 'cannot write /data/bets.csv, ENOSPC on writev',
      cause,
    });
  });

  test('leaves no row behind when it comes after part of the group was written', async () => {
    const { store, files } = await openFaulty();
    const group = [batchNamed(1), batchNamed(2), batchNamed(3)];
    await store.append(batchNamed(0));
    const durable = files.content.length;
    let writes = 0;
    files.onWrite = length => {
      writes += 1;
      if (writes === 1) return { bytes: length };
      if (writes === 2) return { bytes: group[1]!.rows.length + 5 };
      return { bytes: 3, error: systemError('ENOSPC', 'writev') };
    };
    const first = follow(store, batchNamed(8));
    const appends = group.map(batch => follow(store, batch));
    await idle();
    expect(first.outcome).toBe('stored');
    expect(outcomes(appends)).toEqual(['full', 'full', 'full']);
    const rows = rowsOf([...betsNamed(0), ...betsNamed(8)]);
    expect(files.content.equals(rows)).toBe(true);
    expect(rows.length).toBeGreaterThan(durable);
    files.onWrite = undefined;
    await store.append(batchNamed(4));
    expect(files.content.equals(rowsOf([...betsNamed(0), ...betsNamed(8), ...betsNamed(4)]))).toBe(true);
  });

  test('is no failure of the store: nothing is unsynced, settled is fulfilled, closing is quiet', async () => {
    const { store, files } = await openFaulty();
    files.onWrite = () => ({ bytes: 1, error: systemError('ENOSPC', 'writev') });
    expect(await codeOf(store.append(batchNamed(1)))).toBe('full');
    expect(store.unsyncedBytes).toBe(0);
    expect(await codeOf(store.settled())).toBe('fulfilled');
    expect(await Promise.race([store.failure, idle()])).toBeUndefined();
    expect(await codeOf(store.append(batchNamed(1)))).toBe('full');
    expect(files.content).toHaveLength(0);
    await store.close();
    expect(files.openCount).toBe(0);
  });

  test('at any time, for any group, leaves exactly the rows of the batches that were acknowledged', async () => {
    const outcome = fc.oneof(
      { weight: 3, arbitrary: fc.constant('all' as const) },
      {
        weight: 2,
        arbitrary: fc.record({ take: fc.integer({ min: 1, max: 150 }), full: fc.constant(false) }),
      },
      { weight: 2, arbitrary: fc.record({ take: fc.nat(150), full: fc.constant(true) }) },
    );
    const step = fc.record({ bets: fc.nat(3), turns: fc.nat(2) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(outcome, { maxLength: 20 }),
        fc.array(step, { maxLength: 20 }),
        async (plan, steps) => {
          const { store, files } = await openFaulty();
          const left = [...plan];
          files.onWrite = length => {
            const what = left.shift() ?? 'all';
            if (what === 'all') return undefined;
            const bytes = Math.min(what.take, length);
            return what.full ? { bytes, error: systemError('ENOSPC', 'writev') } : { bytes };
          };
          const appends: { outcome: string }[] = [];
          for (const [name, { bets, turns }] of steps.entries()) {
            appends.push(follow(store, batchNamed(name, bets)));
            for (let turn = 0; turn < turns; turn += 1) await idle();
          }
          await store.settled();
          await idle();
          const acknowledged = steps.flatMap(({ bets }, name) =>
            appends[name]!.outcome === 'stored' ? betsNamed(name, bets) : [],
          );
          expect(files.content.toString()).toBe(rowsOf(acknowledged).toString());
          expect(outcomes(appends).filter(seen => seen !== 'stored' && seen !== 'full')).toEqual([]);
          expect(store.unsyncedBytes).toBe(0);
        },
      ),
    );
  });
});

describe('a disk that fails', () => {
  const FAILURES: [string, (files: FaultyFiles) => void, string][] = [
    [
      'a write',
      files => {
        files.onWrite = () => ({ bytes: 5, error: systemError('EIO', 'writev') });
      },
      'cannot write /data/bets.csv, EIO on writev',
    ],
    [
      'a write that takes nothing',
      files => {
        files.onWrite = () => ({ bytes: 0 });
      },
      'cannot write /data/bets.csv, nothing was written',
    ],
    [
      'a sync',
      files => {
        files.onSync = () => {
          throw systemError('EIO', 'fdatasync');
        };
      },
      'cannot sync /data/bets.csv, EIO on fdatasync',
    ],
    [
      'a sync for want of room',
      files => {
        files.onSync = () => {
          throw systemError('ENOSPC', 'fdatasync');
        };
      },
      'cannot sync /data/bets.csv, ENOSPC on fdatasync',
    ],
    [
      'the cut after a full disk',
      files => {
        files.onWrite = () => ({ bytes: 5, error: systemError('ENOSPC', 'writev') });
        files.onTruncate = () => {
          throw systemError('EIO', 'ftruncate');
        };
      },
      'cannot cut /data/bets.csv back to 0 bytes, EIO on ftruncate',
    ],
  ];

  describe.each(FAILURES)('in %s', (_, breakDisk, message) => {
    test('rejects the group and what gathered behind it, and says so once and for all', async () => {
      const { store, files } = await openFaulty();
      breakDisk(files);
      const group = follow(store, batchNamed(0));
      const gathered = [follow(store, batchNamed(1)), follow(store, batchNamed(2))];
      const failure = await store.failure;
      await idle();
      expect(failure).toBeInstanceOf(StoreError);
      expect([failure.code, failure.message]).toEqual(['failed', message]);
      expect(outcomes([group, ...gathered])).toEqual(['failed', 'failed', 'failed']);
    });

    test('takes nothing any more, not even when the disk is well again', async () => {
      const { store, files } = await openFaulty();
      breakDisk(files);
      expect(await codeOf(store.append(batchNamed(0)))).toBe('failed');
      files.onWrite = undefined;
      files.onSync = undefined;
      files.onTruncate = undefined;
      const { length } = files.calls;
      expect(await codeOf(store.append(batchNamed(1)))).toBe('failed');
      expect(await codeOf(store.settled())).toBe('failed');
      await idle();
      expect(files.calls.slice(length)).toEqual([]);
    });

    test('never syncs again, also when it is closed, and lets go of the file', async () => {
      const { store, files } = await openFaulty();
      breakDisk(files);
      const appends = Array.from({ length: 20 }, (__, name) => follow(store, batchNamed(name)));
      await store.failure;
      await idle();
      const syncs = files.count(/^sync/);
      expect(syncs).toBe(message.startsWith('cannot sync') ? 1 : 0);
      await store.close();
      expect(files.count(/^sync/)).toBe(syncs);
      expect(files.count(/^write/)).toBe(1);
      expect(files.openCount).toBe(0);
      expect(new Set(outcomes(appends))).toEqual(new Set(['failed']));
    });

    test('leaves what was acknowledged before', async () => {
      const { store, files } = await openFaulty();
      await store.append(batchNamed(7));
      const rows = Buffer.from(files.content);
      breakDisk(files);
      expect(await codeOf(store.append(batchNamed(8)))).toBe('failed');
      expect(files.content.subarray(0, rows.length).equals(rows)).toBe(true);
    });
  });

  test('in a sync rejects only from that group on', async () => {
    const { store, files } = await openFaulty();
    const syncs = holdSyncs(files);
    const appends = [follow(store, batchNamed(0))];
    await idle();
    appends.push(follow(store, batchNamed(1)));
    syncs.release();
    await idle();
    appends.push(follow(store, batchNamed(2)));
    syncs.release(systemError('EIO', 'fdatasync'));
    await idle();
    expect(outcomes(appends)).toEqual(['stored', 'failed', 'failed']);
    expect(syncs.held()).toBe(0);
  });
});
