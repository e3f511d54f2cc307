import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CsvStore } from '../../src/store/csv/csv-store.ts';
import { StoreError } from '../../src/store/store.ts';
import { batchNamed, betsNamed } from '../contract/store-contract.ts';
import { rowsOf } from '../lottery/bets.ts';
import { type FaultyFiles, systemError } from './faulty-files.ts';
import { codeOf, factsOf, follow, holdSyncs, idle, openFaulty, outcomes } from './faulty-store.ts';
import { sealDraw } from '../support/seal-draw.ts';

const FILES = ['bets.csv', 'bets.journal'] as const;
const FINISHED = { kind: 'finished', agency: 1, upload: undefined } as const;

/**
 * Every write of one file fails with a full disk after some bytes; other writes succeed.
 */
function fill(files: FaultyFiles, full: string, { bytes = 10, code = 'ENOSPC' } = {}): void {
  files.onWrite = (length, file) =>
    file === full
      ? { bytes: Math.min(bytes, length), error: systemError(code, 'writev') }
      : undefined;
}

describe.each(FILES)('CsvStore when %s is full during the sync of the other file', full => {
  /** A group for which one file has no room, while the other is being synced. */
  async function begun() {
    const opened = await openFaulty();
    const { store, files } = opened;
    await store.append(batchNamed(0));
    const before = FILES.map(file => Buffer.from(files.contentOf(file)));
    const syncs = holdSyncs(files, full === 'bets.csv' ? 'bets.journal' : 'bets.csv');
    fill(files, full);
    const handed = follow(store.append(batchNamed(1)));
    await idle();
    return { ...opened, before, syncs, handed };
  }

  test('truncates both files after the pending sync has completed', async () => {
    const { store, files, before, syncs, handed } = await begun();
    expect([files.count(/^truncate/), handed.outcome]).toEqual([0, 'waiting']);
    files.onSync = undefined;
    syncs.release();
    await idle();
    expect(handed.outcome).toBe('full');
    expect(FILES.map(file => Buffer.from(files.contentOf(file)))).toEqual(before);
    files.onWrite = undefined;
    await store.append(batchNamed(3));
    expect(files.bets.equals(rowsOf([...betsNamed(0), ...betsNamed(3)]))).toBe(true);
    await store.close();
  });

  test('fails for good when the pending sync fails', async () => {
    const { store, syncs, handed } = await begun();
    syncs.release(systemError('EIO', 'fdatasync'));
    await idle();
    expect(handed.outcome).toBe('failed');
    expect((await store.failure).code).toBe('failed');
    expect(await codeOf(store.append(batchNamed(3)))).toBe('failed');
  });
});

describe.each(FILES)('CsvStore when %s is full', full => {
  test.each(['ENOSPC', 'EDQUOT'])('refuses the group and every queued entry (%s)', async code => {
    const { store, files } = await openFaulty();
    await store.append(batchNamed(0));
    fill(files, full, { code });
    const handed = [
      follow(store.append(batchNamed(1))),
      follow(store.append(batchNamed(2))),
      follow(store.note(FINISHED)),
      follow(store.append(batchNamed(3))),
    ];
    await idle();
    expect(outcomes(handed)).toEqual(['full', 'full', 'full', 'full']);
    expect(store.unsyncedBytes).toBe(0);
    await store.close();
    files.onWrite = undefined;
    expect(await factsOf(files)).toEqual([
      { kind: 'stored', agency: 1, count: 1, place: undefined },
    ]);
  });

  test('names the file and the cause in the error', async () => {
    const { store, files } = await openFaulty();
    fill(files, full, { bytes: 0 });
    const error = await store.append(batchNamed(1)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      code: 'full',
      message: `cannot write /data/${full}, the disk is full (ENOSPC)`,
      cause: { code: 'ENOSPC' },
    });
  });

  test('truncates and syncs both files before it refuses the group', async () => {
    const { store, files } = await openFaulty();
    await store.append(batchNamed(0));
    const [bets, journal] = FILES.map(file => Buffer.from(files.contentOf(file)));
    fill(files, full, { bytes: 30 });
    const cut = holdSyncs(files, 'bets.csv');
    const refused = follow(store.append(batchNamed(1)));
    await idle();
    // Rows and line are synced concurrently.
    if (full === 'bets.journal') {
      cut.release();
      await idle();
    }
    expect([cut.held(), refused.outcome]).toEqual([1, 'waiting']);
    expect(files.contentOf('bets.csv').equals(bets!)).toBe(true);
    expect(files.contentOf('bets.journal').equals(journal!)).toBe(true);
    expect(files.calls.slice(-4)).toEqual([
      `truncate bets.journal ${journal!.length}`,
      'sync bets.journal',
      `truncate bets.csv ${bets!.length}`,
      'sync bets.csv',
    ]);
    cut.release();
    await idle();
    expect(refused.outcome).toBe('full');
  });

  test('does not fail: settled resolves and close succeeds', async () => {
    const { store, files } = await openFaulty();
    fill(files, full);
    expect(await codeOf(store.append(batchNamed(1)))).toBe('full');
    expect(await codeOf(store.settled())).toBe('fulfilled');
    expect(await codeOf(store.append(batchNamed(1)))).toBe('full');
    expect(await codeOf(store.close())).toBe('fulfilled');
    expect(await Promise.race([store.failure, idle()])).toBeUndefined();
    expect(files.openCount).toBe(0);
  });
});

describe('CsvStore on a full disk', () => {
  test('postpones the draw, which can be sealed once there is room', async () => {
    const { store, files } = await openFaulty();
    await store.append(batchNamed(1));
    const draw = { bets: 1, winners: new Map([[1, ['7']]]) };
    fill(files, 'bets.journal');
    expect(await codeOf(sealDraw(store, draw))).toBe('full');
    expect(files.bets.equals(rowsOf(betsNamed(1)))).toBe(true);
    files.onWrite = undefined;
    const seal = await sealDraw(store, draw);
    await store.close();
    expect((await factsOf(files)).at(-1)).toEqual({ kind: 'drawn', draw, seal });
  });

  test('closes without the final checkpoint', async () => {
    const { store, files } = await openFaulty();
    await store.append(batchNamed(1));
    const journal = Buffer.from(files.contentOf('bets.journal'));
    fill(files, 'bets.journal');
    await store.close();
    expect(files.contentOf('bets.journal').equals(journal)).toBe(true);
    expect(await Promise.race([store.failure, idle()])).toBeUndefined();
  });

  test('stores exactly the acknowledged batches, whichever writes fail', async () => {
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
            appends.push(follow(store.append(batchNamed(name, bets, 1 + name))));
            for (let turn = 0; turn < turns; turn += 1) await idle();
          }
          await store.close();
          await idle();
          const stored = [...steps.entries()].filter(
            ([name]) => appends[name]!.outcome === 'stored',
          );
          const rows = stored.map(([name, { bets }]) => rowsOf(betsNamed(name, bets, 1 + name)));
          expect(files.bets.toString()).toBe(Buffer.concat(rows).toString());
          expect(outcomes(appends).filter(seen => seen !== 'stored' && seen !== 'full')).toEqual(
            [],
          );
          files.onWrite = undefined;
          expect(await factsOf(files)).toEqual(
            stored.map(([name, { bets: count }]) => ({
              kind: 'stored',
              agency: 1 + name,
              count,
              place: undefined,
            })),
          );
        },
      ),
    );
  });
});

/** A permanent failure: its name, how the disk fails, the failing call and the error message. */
type Failure = [string, (files: FaultyFiles) => void, RegExp, string];

const hook =
  (of: string, code: string, syscall: string) =>
  (file: string): void => {
    if (file === of) throw systemError(code, syscall);
  };

function failuresOf(file: (typeof FILES)[number]): Failure[] {
  return [
    [
      `a write of ${file}`,
      files => fill(files, file, { code: 'EIO' }),
      new RegExp(`^write ${file}`),
      `cannot write /data/${file}, the disk reports an error (EIO)`,
    ],
    [
      `a write of ${file} that writes 0 bytes`,
      files => {
        files.onWrite = (_, written) => (written === file ? { bytes: 0 } : undefined);
      },
      new RegExp(`^write ${file}`),
      `cannot write /data/${file}, nothing was written`,
    ],
    [
      `a sync of ${file}`,
      files => {
        files.onSync = hook(file, 'EIO', 'fdatasync');
      },
      new RegExp(`^sync ${file}$`),
      `cannot sync /data/${file}, the disk reports an error (EIO)`,
    ],
    [
      `a sync of ${file} with ENOSPC`,
      files => {
        files.onSync = hook(file, 'ENOSPC', 'fdatasync');
      },
      new RegExp(`^sync ${file}$`),
      `cannot sync /data/${file}, the disk is full (ENOSPC)`,
    ],
    [
      `the truncation of ${file} after a full disk`,
      files => {
        fill(files, file);
        files.onTruncate = hook(file, 'EIO', 'ftruncate');
      },
      new RegExp(`^truncate ${file}`),
      `cannot cut /data/${file} back to END bytes, the disk reports an error (EIO)`,
    ],
    [
      `the sync of the truncated ${file} after a full disk`,
      files => {
        fill(files, file);
        files.onTruncate = () => {
          files.onSync = hook(file, 'EIO', 'fdatasync');
        };
      },
      new RegExp(`^sync ${file}$`),
      `cannot cut /data/${file} back to END bytes, the disk reports an error (EIO)`,
    ],
  ];
}

describe.each(FILES.flatMap(failuresOf))(
  'CsvStore after a failure in %s',
  (where, breakDisk, failedCall, message) => {
    /** A store whose disk is broken after one batch. */
    const openBroken = async (): Promise<{
      store: CsvStore;
      files: FaultyFiles;
      message: string;
    }> => {
      const { store, files } = await openFaulty();
      await store.append(batchNamed(0));
      const end = files.contentOf(
        message.includes('bets.csv') ? 'bets.csv' : 'bets.journal',
      ).length;
      breakDisk(files);
      return { store, files, message: message.replace('END', String(end)) };
    };

    test('rejects all pending entries and reports the failure', async () => {
      const { store, message: said } = await openBroken();
      const handed = [
        follow(store.append(batchNamed(1))),
        follow(store.append(batchNamed(2))),
        follow(store.note(FINISHED)),
        follow(store.append(batchNamed(3))),
      ];
      const failure = await store.failure;
      await idle();
      expect(failure).toBeInstanceOf(StoreError);
      expect([failure.code, failure.message]).toEqual(['failed', said]);
      expect(outcomes(handed)).toEqual(['failed', 'failed', 'failed', 'failed']);
      expect(store.unsyncedBytes).toBe(0);
    });

    test('afterwards only closes the files, even when the disk works again', async () => {
      const { store, files } = await openBroken();
      expect(await codeOf(store.append(batchNamed(1)))).toBe('failed');
      files.onWrite = undefined;
      files.onSync = undefined;
      files.onTruncate = undefined;
      const { length } = files.calls;
      expect(files.count(failedCall)).toBeGreaterThan(0);
      const late = [
        store.append(batchNamed(2)),
        store.note(FINISHED),
        sealDraw(store, { bets: 1, winners: new Map() }),
        store.settled(),
      ];
      expect(await Promise.all(late.map(codeOf))).toEqual(['failed', 'failed', 'failed', 'failed']);
      await codeOf(store.close());
      await idle();
      expect(files.calls.slice(length)).toEqual(['close bets.csv', 'close bets.journal']);
      expect(files.isLocked).toBe(false);
    });

    test('keeps the acknowledged batches for the next start', async () => {
      const { store, files } = await openBroken();
      expect(await codeOf(store.append(batchNamed(1)))).toBe('failed');
      await codeOf(store.close());
      files.onWrite = undefined;
      files.onSync = undefined;
      files.onTruncate = undefined;
      const facts = await factsOf(files);
      // When only a sync has failed, the rejected batch is in the files completely.
      const names = where.startsWith('a sync of') ? [0, 1] : [0];
      expect(facts).toEqual(
        names.map(() => ({ kind: 'stored', agency: 1, count: 1, place: undefined })),
      );
      expect(files.bets.equals(rowsOf(names.flatMap(name => betsNamed(name))))).toBe(true);
    });
  },
);

test('CsvStore rejects the group of a failed sync and later ones, none before it', async () => {
  const { store, files } = await openFaulty();
  const syncs = holdSyncs(files);
  const appends = [follow(store.append(batchNamed(0)))];
  await idle();
  appends.push(follow(store.append(batchNamed(1))));
  syncs.release();
  await idle();
  appends.push(follow(store.append(batchNamed(2))));
  syncs.release(systemError('EIO', 'fdatasync'));
  await idle();
  expect(outcomes(appends)).toEqual(['stored', 'failed', 'failed']);
  expect(syncs.held()).toBe(0);
});
