import { describe, expect, test } from 'vitest';
import type { UploadPlace } from '../../src/lottery/fact.ts';
import { batchNamed, betsNamed, refusalOf } from '../contract/store-contract.ts';
import { batchOf, rowsOf } from '../lottery/bets.ts';
import type { FaultyFiles } from './faulty-files.ts';
import { codeOf, factsOf, follow, holdSyncs, idle, openFaulty, outcomes } from './faulty-store.ts';
import { sealDraw } from '../support/seal-draw.ts';

/** The calls without the lengths of journal lines, which these tests do not check. */
function callsOf(files: FaultyFiles): string[] {
  return files.calls.map(call =>
    call.replace(/^write bets\.journal \d+ of 1 at \d+$/, 'write bets.journal'),
  );
}

const placed = (seq: number): UploadPlace => ({ upload: 'a-Z_0.9', seq });

describe('group commit', () => {
  test('writes and syncs all batches appended during the previous group at once', async () => {
    const { store, files } = await openFaulty();
    const syncs = holdSyncs(files, 'bets.csv');
    const first = follow(store.append(batchNamed(0)));
    const rest = Array.from({ length: 100 }, (_, index) =>
      follow(store.append(batchNamed(index + 1))),
    );
    await idle();
    expect(files.count(/^write bets.csv/)).toBe(1);
    syncs.release();
    await idle();
    expect(first.outcome).toBe('stored');
    expect(new Set(outcomes(rest))).toEqual(new Set(['waiting']));
    syncs.release();
    await idle();
    expect(new Set(outcomes(rest))).toEqual(new Set(['stored']));
    const rows = rowsOf(Array.from({ length: 101 }, (_, name) => betsNamed(name)).flat());
    expect(files.bets.equals(rows)).toBe(true);
    const ofFirst = rowsOf(betsNamed(0)).length;
    const calls = callsOf(files);
    expect(calls.filter(call => call.includes('bets.csv'))).toEqual([
      `write bets.csv ${ofFirst} of 1 at 0`,
      'sync bets.csv',
      `write bets.csv ${rows.length - ofFirst} of 1 at ${ofFirst}`,
      'sync bets.csv',
    ]);
    const ofLines = ['write bets.journal', 'sync bets.journal'];
    expect(calls.filter(call => call.includes('bets.journal'))).toEqual([...ofLines, ...ofLines]);
  });

  test.each(['bets.csv', 'bets.journal'])(
    'writes both files of a group at once, and starts no other before %s is synced',
    async last => {
      const { store, files } = await openFaulty();
      const lines = (): number => files.contentOf('bets.journal').toString().split('\n').length - 1;
      const linesBefore = lines();
      const syncs = holdSyncs(files, last);
      const appends = [1, 2].map(name => follow(store.append(batchNamed(name))));
      await idle();
      expect(files.bets.equals(rowsOf(betsNamed(1)))).toBe(true);
      expect([lines() - linesBefore, ...outcomes(appends)]).toEqual([1, 'waiting', 'waiting']);
      syncs.release();
      await idle();
      expect(files.bets.equals(rowsOf([...betsNamed(1), ...betsNamed(2)]))).toBe(true);
      expect([lines() - linesBefore, ...outcomes(appends)]).toEqual([2, 'stored', 'waiting']);
      syncs.release();
      await idle();
      expect(outcomes(appends)).toEqual(['stored', 'stored']);
    },
  );

  test('counts the current and the next group as unsynced until acknowledged', async () => {
    const { store, files } = await openFaulty();
    const syncs = holdSyncs(files);
    const [first, second] = [batchNamed(1, 3), batchNamed(2, 5)];
    follow(store.append(first));
    expect(store.unsyncedBytes).toBe(first.rows.length);
    follow(store.append(second));
    expect(store.unsyncedBytes).toBe(first.rows.length + second.rows.length);
    await idle();
    syncs.release();
    await idle();
    expect(store.unsyncedBytes).toBe(second.rows.length);
    syncs.release();
    await idle();
    expect(store.unsyncedBytes).toBe(0);
  });

  test('takes refusals and batches without rows, writing only the journal for them', async () => {
    const { store, files } = await openFaulty();
    await Promise.all([
      store.append(batchOf([], 1), placed(1)),
      store.note(refusalOf(2)),
      store.append(batchOf([], 1), placed(3)),
      store.note(refusalOf(4)),
    ]);
    expect(callsOf(files)).toEqual([
      'write bets.journal',
      'sync bets.journal',
      'write bets.journal',
      'sync bets.journal',
    ]);
    await store.close();
    expect(await factsOf(files)).toEqual([
      { kind: 'stored', agency: 1, count: 0, place: placed(1) },
      refusalOf(2),
      { kind: 'stored', agency: 1, count: 0, place: placed(3) },
      refusalOf(4),
    ]);
  });

  test('ends a group where an agency finishes; later batches get a later line', async () => {
    const { store, files } = await openFaulty();
    const syncs = holdSyncs(files);
    const finished = { kind: 'finished', agency: 1, upload: 'one' } as const;
    const handed = [
      follow(store.append(batchNamed(0))),
      follow(store.append(batchNamed(1))),
      follow(store.note(finished)),
      follow(store.append(batchNamed(2, 1, 2))),
      follow(store.append(batchNamed(3, 1, 2))),
    ];
    const answered: string[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      await idle();
      syncs.release();
      await idle();
      answered.push(outcomes(handed).join(' '));
    }
    expect(answered).toEqual([
      'stored waiting waiting waiting waiting',
      'stored stored waiting waiting waiting',
      'stored stored stored waiting waiting',
      'stored stored stored stored stored',
    ]);
    files.onSync = undefined;
    await store.close();
    expect((await factsOf(files)).map(({ kind }) => kind)).toEqual([
      'stored',
      'stored',
      'finished',
      'stored',
      'stored',
    ]);
  });

  test('writes groups larger than a memory chunk completely and in order', async () => {
    const { store, files } = await openFaulty();
    const names = Array.from({ length: 12 }, (_, name) => name);
    // Cycles through 60 kB, 0.6 MB and 1.8 MB: buffers are full, half empty, and of the exact size.
    const sizeOf = (name: number): number => [1_000, 10_000, 30_000][name % 3]!;
    for (let round = 0; round < 2; round += 1) {
      await Promise.all(names.map(name => store.append(batchNamed(name, sizeOf(name)))));
    }
    const rows = rowsOf(names.flatMap(name => betsNamed(name, sizeOf(name))));
    expect(files.bets.equals(Buffer.concat([rows, rows]))).toBe(true);
  });

  test('stores many batches without bets before one with bets', async () => {
    const { store, files } = await openFaulty();
    const empty = Array.from({ length: 1100 }, () => follow(store.append(batchOf([], 1))));
    const last = follow(store.append(batchNamed(1)));
    await store.settled();
    await idle();
    expect(new Set(outcomes(empty))).toEqual(new Set(['stored']));
    expect(last.outcome).toBe('stored');
    expect(files.bets.equals(rowsOf(betsNamed(1)))).toBe(true);
  });
});

describe('CsvStore after close', () => {
  test('refuses all entries and touches no file', async () => {
    const { store, files } = await openFaulty();
    await store.append(batchNamed(1));
    await store.close();
    const { length } = files.calls;
    const draw = { bets: 1, winners: new Map() };
    const late = [
      store.append(batchNamed(2)),
      store.note(refusalOf(1)),
      store.note({ kind: 'finished', agency: 1, upload: undefined }),
      sealDraw(store, draw),
    ];
    expect(await Promise.all(late.map(codeOf))).toEqual(['failed', 'failed', 'failed', 'failed']);
    expect(files.calls.slice(length)).toEqual([]);
    expect(files.bets.equals(rowsOf(betsNamed(1)))).toBe(true);
  });

  test('does not touch the closed files, whenever an append arrives during close', async () => {
    const seen = new Set<string>();
    for (let ticks = 0; ticks < 60; ticks += 1) {
      const { store, files } = await openFaulty();
      const first = follow(store.append(batchNamed(1)));
      const closing = store.close();
      const late = (async () => {
        for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
        return codeOf(store.append(batchNamed(2)));
      })();
      await closing;
      const outcome = await late;
      seen.add(outcome);
      await idle();
      expect(first.outcome).toBe('stored');
      expect(files.calls.slice(-2)).toEqual(['close bets.csv', 'close bets.journal']);
      const stored = outcome === 'fulfilled' ? [batchNamed(1), batchNamed(2)] : [batchNamed(1)];
      expect(files.bets.equals(Buffer.concat(stored.map(({ rows }) => rows)))).toBe(true);
      expect(await factsOf(files)).toHaveLength(stored.length);
    }
    expect(seen).toEqual(new Set(['fulfilled', 'failed']));
  });

  test('reports no failure', async () => {
    const { store } = await openFaulty();
    await store.close();
    await codeOf(store.append(batchNamed(2)));
    expect(await Promise.race([store.failure, idle()])).toBeUndefined();
  });
});
