import { describe, expect, test } from 'vitest';
import { Outbox, type OutboxOptions } from '../../../src/store/jetstream/outbox.ts';
import { FaultyFiles, systemError } from '../faulty-files.ts';
import { DIRECTORY, numbersIn, outboxFilesOf, recordNumbered, recordsNumbered } from './outbox-disk.ts';

/** An outbox on a disk that does what the test says; the first record is there. */
async function outboxOn(disk: FaultyFiles, options: OutboxOptions = {}): Promise<Outbox> {
  const { outbox } = await Outbox.open(DIRECTORY, { ...options, files: outboxFilesOf(disk) });
  await outbox.append([recordNumbered(1)]);
  return outbox;
}

/** What the next process finds. */
async function nextOn(disk: FaultyFiles): Promise<number[]> {
  const copy = new FaultyFiles();
  for (const path of disk.state.paths) copy.state.put(path, disk.state.find(path)!.now);
  const { outbox, cuts } = await Outbox.open(DIRECTORY, { files: outboxFilesOf(copy) });
  expect(cuts).toEqual([]);
  return numbersIn(outbox);
}

const fail = (code: string, syscall: string) => (): never => {
  throw systemError(code, syscall);
};

describe('a full disk', () => {
  test.each(['ENOSPC', 'EDQUOT'])(
    '(%s) refuses an append, of which nothing is kept, and the next one may succeed',
    async code => {
      const disk = new FaultyFiles();
      const outbox = await outboxOn(disk);
      const before = outbox.bytes;
      let writes = 0;
      disk.onWrite = () =>
        (writes += 1) === 1 ? { bytes: 700 } : { bytes: 10, error: systemError(code, 'write') };
      await expect(outbox.append(recordsNumbered(2, 9))).rejects.toMatchObject({
        code: 'full',
        message: `cannot write /data/outbox-00000001.log, ${code} on write`,
      });
      expect(disk.calls.slice(-2)).toEqual([
        `truncate outbox-00000001.log ${before}`,
        'sync outbox-00000001.log',
      ]);
      expect([outbox.bytes, outbox.last?.n, disk.contentOf('outbox-00000001.log').length]).toEqual([
        before,
        1,
        before,
      ]);
      disk.onWrite = undefined;
      await outbox.append(recordsNumbered(2, 3));
      expect(await numbersIn(outbox)).toEqual([1, 2, 3]);
      expect(await nextOn(disk)).toEqual([1, 2, 3]);
    },
  );

  test('refuses what was handed over meanwhile, so that nothing is left out', async () => {
    const disk = new FaultyFiles();
    const outbox = await outboxOn(disk);
    let writes = 0;
    disk.onWrite = () =>
      (writes += 1) === 1 ? { bytes: 0, error: systemError('ENOSPC', 'write') } : undefined;
    const outcomes = await Promise.allSettled([2, 3].map(n => outbox.append([recordNumbered(n)])));
    expect(outcomes).toMatchObject([{ reason: { code: 'full' } }, { reason: { code: 'full' } }]);
    await outbox.append([recordNumbered(2)]);
    expect(await numbersIn(outbox)).toEqual([1, 2]);
  });

  test('may refuse a new segment, or the first append to it', async () => {
    const disk = new FaultyFiles();
    const outbox = await outboxOn(disk, { segmentBytesMax: 1 });
    disk.onOpen = fail('ENOSPC', 'open');
    await expect(outbox.append([recordNumbered(2)])).rejects.toMatchObject({ code: 'full' });
    disk.onOpen = undefined;
    disk.onWrite = () => ({ bytes: 0, error: systemError('ENOSPC', 'write') });
    await expect(outbox.append([recordNumbered(2)])).rejects.toMatchObject({ code: 'full' });
    disk.onWrite = undefined;
    expect(outbox.last).toMatchObject({ n: 1 });
    expect(await nextOn(disk)).toEqual([1]);
    await outbox.append([recordNumbered(2)]);
    await outbox.append([recordNumbered(3)]);
    expect(await nextOn(disk)).toEqual([1, 2, 3]);
  });

  test('never takes the newest record away for a newer segment that is empty', async () => {
    const disk = new FaultyFiles();
    const outbox = await outboxOn(disk, { segmentBytesMax: 1, keepMs: 10 });
    disk.onWrite = () => ({ bytes: 0, error: systemError('ENOSPC', 'write') });
    await expect(outbox.append([recordNumbered(2)])).rejects.toMatchObject({ code: 'full' });
    for (let time = 0; time < 5; time += 1) await outbox.aged(1000);
    expect([outbox.first?.n, outbox.last?.n]).toEqual([1, 1]);
    expect(await nextOn(disk)).toEqual([1]);
  });

  test('that leaves no room for a removal has it tried again', async () => {
    const disk = new FaultyFiles();
    const outbox = await outboxOn(disk, { segmentBytesMax: 1, keepMs: 10 });
    await outbox.append([recordNumbered(2)]);
    await outbox.aged(0);
    disk.onRename = fail('ENOSPC', 'unlink');
    await expect(outbox.aged(10)).rejects.toMatchObject({ code: 'full' });
    expect(await numbersIn(outbox)).toEqual([1, 2]);
    disk.onRename = undefined;
    await outbox.aged(0);
    expect(await numbersIn(outbox)).toEqual([2]);
  });

  test('that leaves no room for clearing an empty segment has it written on', async () => {
    const disk = new FaultyFiles();
    const outbox = await outboxOn(disk, { segmentBytesMax: 1 });
    disk.onWrite = () => ({ bytes: 0, error: systemError('ENOSPC', 'write') });
    await expect(outbox.append([recordNumbered(2)])).rejects.toMatchObject({ code: 'full' });
    disk.onRename = fail('ENOSPC', 'unlink');
    await expect(outbox.clear()).rejects.toMatchObject({ code: 'full' });
    disk.onWrite = undefined;
    await outbox.append([recordNumbered(2)]);
    expect(await nextOn(disk)).toEqual([1, 2]);
  });
});

describe('a fault of the disk is for good:', () => {
  const FAULTS: [string, (disk: FaultyFiles) => void, RegExp][] = [
    ['a failed sync', disk => (disk.onSync = fail('EIO', 'fdatasync')), /^cannot sync .*, EIO on fdatasync$/],
    [
      'a full disk told by a sync',
      disk => (disk.onSync = fail('ENOSPC', 'fdatasync')),
      /^cannot sync .*, ENOSPC on/,
    ],
    [
      'a failed write',
      disk => (disk.onWrite = () => ({ bytes: 3, error: systemError('EIO', 'write') })),
      /^cannot write/,
    ],
    [
      'a failed cut',
      disk => {
        disk.onWrite = () => ({ bytes: 3, error: systemError('ENOSPC', 'write') });
        disk.onTruncate = fail('EIO', 'ftruncate');
      },
      /^cannot cut .* back to/,
    ],
    [
      'a segment that cannot be made',
      disk => (disk.onOpen = fail('EMFILE', 'open')),
      /^cannot create .*, EMFILE on open$/,
    ],
    [
      'a folder that cannot be synced',
      disk => (disk.onSyncDirectory = fail('EIO', 'fsync')),
      /^cannot sync \/data, EIO/,
    ],
  ];

  test.each(FAULTS)('%s', async (_, prepare, message) => {
    const disk = new FaultyFiles();
    const outbox = await outboxOn(disk, { segmentBytesMax: 1 });
    prepare(disk);
    const failed = { code: 'failed', message: expect.stringMatching(message) };
    await expect(outbox.append([recordNumbered(2)])).rejects.toMatchObject(failed);
    Object.assign(disk, { onSync: undefined, onWrite: undefined, onTruncate: undefined });
    Object.assign(disk, { onOpen: undefined, onSyncDirectory: undefined });
    await expect(outbox.append([recordNumbered(2)])).rejects.toMatchObject(failed);
    await expect(outbox.aged(1)).rejects.toMatchObject(failed);
    await expect(outbox.clear()).rejects.toMatchObject(failed);
    expect(await numbersIn(outbox)).toEqual([1]);
    await outbox.close();
    expect([disk.openCount, disk.isLocked]).toEqual([0, false]);
  });

  test('a removal that fails', async () => {
    const disk = new FaultyFiles();
    const outbox = await outboxOn(disk);
    disk.onRename = fail('EIO', 'unlink');
    await expect(outbox.clear()).rejects.toMatchObject({ code: 'failed' });
    disk.onRename = undefined;
    await expect(outbox.append([recordNumbered(2)])).rejects.toMatchObject({ code: 'failed' });
    expect(await numbersIn(outbox)).toEqual([1]);
  });
});

describe('what makes an opening fail', () => {
  const FAULTS: [string, (disk: FaultyFiles) => void][] = [
    ['a segment that cannot be opened', disk => (disk.onOpen = fail('EACCES', 'open'))],
    ['a failed sync', disk => (disk.onSync = fail('EIO', 'fdatasync'))],
    ['a folder that cannot be synced', disk => (disk.onSyncDirectory = fail('EIO', 'fsync'))],
  ];

  test.each(FAULTS)('%s: the folder is named and let go', async (_, prepare) => {
    const disk = new FaultyFiles();
    await (await outboxOn(disk)).close();
    prepare(disk);
    await expect(Outbox.open(DIRECTORY, { files: outboxFilesOf(disk) })).rejects.toMatchObject({
      code: 'unusable',
      message: expect.stringMatching(/^cannot use \/data, /),
    });
    expect([disk.openCount, disk.isLocked]).toEqual([0, false]);
  });
});

test('one append of many records is one sync', async () => {
  const disk = new FaultyFiles();
  const outbox = await outboxOn(disk);
  disk.calls.length = 0;
  await outbox.append(recordsNumbered(2, 1500));
  expect(disk.count(/^sync/)).toBe(1);
  expect(await numbersIn(outbox)).toHaveLength(1500);
});

test('a disk that reads a few bytes at a time is read as well', async () => {
  const disk = new FaultyFiles();
  const outbox = await outboxOn(disk);
  await outbox.append(recordsNumbered(2, 5));
  disk.readBytesMax = 7;
  expect(await nextOn(disk)).toEqual([1, 2, 3, 4, 5]);
  expect(await numbersIn(outbox)).toEqual([1, 2, 3, 4, 5]);
});
