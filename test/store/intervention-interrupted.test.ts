import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import type { Fact } from '../../src/lottery/fact.ts';
import { Lottery } from '../../src/lottery/lottery.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { intervene } from '../../src/store/csv/intervention.ts';
import type { OnStoreEvent } from '../../src/store/store.ts';
import { describeStep, FaultyFiles, systemError } from './faulty-files.ts';
import { AGENCIES, fill, filledFolder, REOPENED, voided } from './interventions.ts';
import { type Crash, DiskState, SimulatedDisk } from './simulated-disk.ts';
import {
  betsPath,
  drawIn,
  journalPath,
  readFiles,
  type StoreFiles,
  writeFiles,
} from './store-folder.ts';

/** The same seed repeats the same crashes. */
const SEED = Number(process.env['CRASH_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));

/** A void of agency 2, killed between its two renames. */
async function halfVoidedFolder(): Promise<{ folder: string; before: StoreFiles }> {
  const folder = await filledFolder();
  const before = readFiles(folder);
  await intervene(folder, '1-2', () => voided(2));
  renameSync(betsPath(folder), `${betsPath(folder)}.next`);
  writeFiles(folder, { bets: before.bets });
  return { folder, before };
}

async function warningsOfStart(folder: string): Promise<string[]> {
  const warnings: string[] = [];
  const onEvent: OnStoreEvent = event => {
    if (event.event === 'store-warning') warnings.push(`${event.file}: ${event.warning}`);
  };
  await (await CsvStore.open(folder, { onEvent })).store.close();
  return warnings;
}

describe('an interrupted void', () => {
  test('before its first rename is undone and logged by the next start', async () => {
    const folder = await filledFolder();
    const before = readFiles(folder);
    writeFileSync(`${journalPath(folder)}.next`, before.journal.subarray(0, 10));
    writeFileSync(`${betsPath(folder)}.next`, 'half');
    expect(await warningsOfStart(folder)).toEqual([
      `${journalPath(folder)}.next: a void was interrupted before it took effect; it was undone`,
    ]);
    expect(readdirSync(folder).filter(name => name.endsWith('.next'))).toEqual([]);
    expect(readFiles(folder).bets).toEqual(before.bets);
  });

  const notWritten =
    /\.next is not what the last void in bets\.journal has written; compare it .*, and move it away/;

  test.each<[string, RegExp, (folder: string) => Promise<void> | void]>([
    [
      'a bets.csv.next left after the void was undone',
      notWritten,
      async folder => {
        const { folder: half, before } = await halfVoidedFolder();
        copyFileSync(`${betsPath(half)}.next`, `${betsPath(folder)}.next`);
        writeFiles(folder, before);
      },
    ],
    ['an empty bets.csv.next', notWritten, folder => writeFileSync(`${betsPath(folder)}.next`, '')],
    [
      'a bets.journal.next from another program',
      notWritten,
      folder => writeFileSync(`${journalPath(folder)}.next`, 'notes'),
    ],
    [
      'a bets.csv.next beside the files of another void',
      notWritten,
      async folder => {
        const { folder: half } = await halfVoidedFolder();
        await intervene(folder, '1-2', () => voided(2, 'two'));
        copyFileSync(`${betsPath(half)}.next`, `${betsPath(folder)}.next`);
      },
    ],
    [
      'a bets.csv.next after the draw',
      notWritten,
      async folder => {
        await drawIn(folder);
        copyFileSync(betsPath(folder), `${betsPath(folder)}.next`);
      },
    ],
    [
      'a symbolic link named bets.csv.next',
      /bets\.csv\.next, it is a symbolic link/,
      async folder => {
        const { folder: half } = await halfVoidedFolder();
        symlinkSync(`${betsPath(half)}.next`, `${betsPath(folder)}.next`);
      },
    ],
    [
      'a folder named bets.csv.next',
      /bets\.csv\.next, it is a folder/,
      folder => mkdirSync(`${betsPath(folder)}.next`),
    ],
  ])(
    'is not assumed for %s: the start is refused and changes nothing',
    async (_, refusal, spoil) => {
      const folder = await filledFolder();
      await spoil(folder);
      const files = readFiles(folder);
      await expect(CsvStore.open(folder)).rejects.toThrow(refusal);
      await expect(intervene(folder, '1-2', () => voided(2))).rejects.toThrow(refusal);
      expect(readFiles(folder)).toEqual(files);
      expect(readdirSync(folder).filter(name => name.endsWith('.next'))).toHaveLength(1);
    },
  );

  test('by a full disk leaves all files unchanged and no partial copy', async () => {
    for (const failing of [
      'bets.csv.before',
      'bets.journal.before',
      'bets.journal.next',
      'bets.csv.next',
    ]) {
      const disk = new FaultyFiles();
      const { store } = await CsvStore.open('/data', { files: disk, agencies: '1-2' });
      await fill(store);
      await store.close();
      const before = new Map(disk.state.paths.map(path => [path, disk.state.find(path)!.now]));
      disk.onWrite = (_, file) =>
        file.startsWith(failing) ? { bytes: 3, error: systemError('ENOSPC', 'write') } : undefined;
      await expect(intervene('/data', '1-2', () => voided(2), disk)).rejects.toThrow('ENOSPC');
      expect(new Map(disk.state.paths.map(path => [path, disk.state.find(path)!.now]))).toEqual(
        before,
      );
    }
  });
});

const CRASHES: readonly Crash[] = ['kill', 'lost', 'kept', 'torn', 'torn', 'torn'];

describe(`an intervention with a crash at any step (CRASH_SEED=${SEED})`, {
  timeout: 120_000,
}, () => {
  test.each([
    ['void of an agency', voided(2)],
    ['void of an upload', voided(2, 'two')],
    ['reopen', REOPENED],
    ['agencies set', AGENCIES],
  ])('%s is atomic and can be repeated', async (_, fact) => {
    const random = new SeededRandom(SEED);
    const start = new DiskState();
    const { store } = await CsvStore.open('/data', {
      files: new SimulatedDisk(start),
      agencies: '1-2',
    });
    await fill(store);
    await store.close();
    const moments: [string, DiskState][] = [];
    const disk = new SimulatedDisk(start.copy());
    disk.rule = step => {
      moments.push([describeStep(step), disk.state.copy()]);
      return undefined;
    };
    await intervene('/data', '1-2', () => fact, disk);
    const done = await found(disk.state);
    for (const [step, state] of moments) {
      for (const crash of CRASHES) {
        const crashed = state.after(crash, random);
        const after = await found(crashed);
        const isDone = after.byHand.length > 0;
        expect(after, `${crash} before ${step}`).toEqual(isDone ? done : await found(start.copy()));
        if (!isDone) await intervene('/data', '1-2', () => fact, new SimulatedDisk(crashed));
        expect(await found(crashed), `again after ${crash} before ${step}`).toEqual(done);
      }
    }
    expect(moments.length).toBeGreaterThan(3);
  });
});

/** The rows and the lottery state that the next process reads. */
interface Found {
  readonly rows: string;
  readonly byHand: readonly Fact[];
  readonly missing: readonly number[];
  readonly betsInAll: number;
}

async function found(state: DiskState): Promise<Found> {
  const disk = new SimulatedDisk(state);
  const lottery = new Lottery([]);
  const { store } = await CsvStore.open('/data', {
    files: disk,
    onFact: fact => lottery.apply(fact),
  });
  await store.close();
  const names = state.paths.filter(path => path.endsWith('.next'));
  expect(names).toEqual([]);
  const { interventions: byHand, missing, betsInAll } = lottery;
  const rows = state.find('/data/bets.csv')!.now.toString();
  return { rows, byHand, missing, betsInAll };
}
