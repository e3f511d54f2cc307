import { expect, test } from 'vitest';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import type { StoreWatch } from '../../src/store/store.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { FaultyFiles, systemError } from './faulty-files.ts';
import { codeOf, holdSyncs, idle } from './faulty-store.ts';

/** A store with a `StoreWatch` that records its calls. */
async function watched() {
  const files = new FaultyFiles();
  const told: string[] = [];
  const clock = { time: 1000 };
  const watch: StoreWatch = {
    now: () => clock.time,
    onDurable: (durationMs, bytes) => told.push(`${bytes} bytes in ${durationMs} ms`),
    onFull: () => told.push('full'),
  };
  const { store } = await CsvStore.open('/data', { files, watch });
  return { store, files, told, clock };
}

test('StoreWatch reports the duration of each group once it is durable', async () => {
  const { store, files, told, clock } = await watched();
  const syncs = holdSyncs(files, 'bets.csv');
  const batch = batchNamed(1);
  const durable = store.append(batch);
  await idle();
  clock.time += 12;
  expect(told).toEqual([]);
  files.onSync = undefined;
  syncs.release();
  await durable;
  await store.note({ kind: 'finished', agency: 1, upload: undefined });
  expect(told).toEqual([`${batch.rows.length} bytes in 12 ms`, '0 bytes in 0 ms']);
  await store.close();
});

test('StoreWatch reports a full disk and the groups that are durable afterwards', async () => {
  const { store, files, told } = await watched();
  files.onWrite = () => ({ bytes: 0, error: systemError('ENOSPC', 'writev') });
  expect(await codeOf(store.append(batchNamed(1)))).toBe('full');
  expect(told).toEqual(['full']);
  files.onWrite = undefined;
  const batch = batchNamed(2);
  await store.append(batch);
  expect(told).toEqual(['full', `${batch.rows.length} bytes in 0 ms`]);
  await store.close();
});
