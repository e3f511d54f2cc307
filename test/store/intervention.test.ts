import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { OnStoreEvent } from '../../src/store/store.ts';
import { SeededRandom } from '../../src/dataset/random.ts';
import { hasWon } from '../../src/lottery/catedra.ts';
import type { Fact } from '../../src/lottery/fact.ts';
import type { ByHand } from '../../src/lottery/fact.ts';
import { Lottery } from '../../src/lottery/lottery.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { inspectStore, verifyStore } from '../../src/store/csv/inspection.ts';
import { intervene } from '../../src/store/csv/intervention.ts';
import { StoreError } from '../../src/store/store.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { describeStep, FaultyFiles, systemError } from './faulty-files.ts';
import { type Crash, DiskState, SimulatedDisk } from './simulated-disk.ts';
import {
  appendLines,
  betsPath,
  drawIn,
  journalPath,
  readFiles,
  type StoreFiles,
  writeFiles,
} from './store-folder.ts';

/** Given again, the crashes are the same. */
const SEED = Number(process.env['CRASH_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));

const INTERVENTION = { reason: 'wrong file', by: 'ana@central', time: '2026-11-30T10:00:00.000Z' };

const voided = (agency: number, upload?: string): ByHand => ({
  kind: 'voided',
  agency,
  upload,
  bets: 0,
  intervention: INTERVENTION,
});
const REOPENED: ByHand = { kind: 'reopened', agency: 2, intervention: INTERVENTION };
const AGENCIES: ByHand = { kind: 'agencies', agencies: '1-3', intervention: INTERVENTION };

/**
 * Batches of two agencies, in groups; agency 2 has sent two uploads and bets without one. Then the
 * lottery is closed.
 */
const BATCHES = [
  { name: 1, agency: 1, count: 2, place: { upload: 'one', seq: 1 } },
  { name: 2, agency: 2, count: 3, place: undefined },
  { name: 3, agency: 2, count: 1, place: { upload: 'two', seq: 1 } },
  { name: 4, agency: 1, count: 1, place: { upload: 'one', seq: 2 } },
  { name: 5, agency: 2, count: 4, place: { upload: 'other', seq: 1 } },
] as const;

const BETS_IN_ALL = BATCHES.reduce((sum, { count }) => sum + count, 0);

async function fill(store: CsvStore): Promise<void> {
  for (const { name, agency, count, place } of BATCHES) {
    const durable = store.append(batchNamed(name, count, agency), place);
    if (name % 2 === 1) await durable;
  }
  await store.note({ kind: 'finished', agency: 2, upload: 'other' });
  const { bytes, sha256 } = await store.digest();
  const acta = {
    number: 1,
    time: INTERVENTION.time,
    bets: BETS_IN_ALL,
    bytes,
    sha256,
    text: 'acta 1\n',
  };
  await store.note({ kind: 'closed', acta });
}

/** The rows that are left when those of some batches are void. */
function rowsWithout(isVoid: (batch: (typeof BATCHES)[number]) => boolean): string {
  return BATCHES.filter(batch => !isVoid(batch))
    .map(({ name, count, agency }) => Buffer.from(batchNamed(name, count, agency).rows).toString())
    .join('');
}

async function filledFolder(): Promise<string> {
  const folder = await temporaryFolder();
  const { store } = await CsvStore.open(folder, { agencies: '1-2' });
  await fill(store);
  await store.close();
  return folder;
}

async function lotteryIn(folder: string): Promise<Lottery> {
  return (await inspectStore(folder, [])).lottery;
}

describe('what is done by hand, with files', () => {
  test.each([
    ['an agency', voided(2), ({ agency }: (typeof BATCHES)[number]) => agency === 2, 0],
    ['an upload', voided(2, 'two'), ({ name }: (typeof BATCHES)[number]) => name === 3, 7],
    [
      'an agency that has finished nothing',
      voided(1),
      ({ agency }: (typeof BATCHES)[number]) => agency === 1,
      8,
    ],
  ])('void takes back all of %s, and what is left is whole', async (_, fact, isVoid, betsOf2) => {
    const folder = await filledFolder();
    const before = readFiles(folder);
    const kept = await intervene(folder, '1-2', () => fact);
    const { bets } = readFiles(folder);
    expect(bets.toString()).toBe(rowsWithout(isVoid));
    const { lottery } = await verifyStore(folder, hasWon);
    expect([lottery.bets.get(2) ?? 0, lottery.interventions]).toEqual([betsOf2, [fact]]);
    expect([lottery.acta, lottery.withdrawnActas]).toMatchObject([
      undefined,
      [{ number: 1, bets: BETS_IN_ALL }],
    ]);
    expect(kept.map(name => readFileSync(join(folder, name)))).toEqual([
      before.bets,
      before.journal,
    ]);
    expect(readdirSync(folder).toSorted()).toEqual(
      ['bets.csv', 'bets.journal', 'bets.lock', ...kept].toSorted(),
    );
  });

  test.each<[string, (lottery: Lottery) => ByHand, string[]]>([
    ['an upload', () => voided(2, 'two'), ['two']],
    [
      'an agency, also those that were open',
      lottery =>
        ({ ...voided(2), uploads: lottery.uploads.of(2).map(({ name }) => name) }) as ByHand,
      ['two', 'other'],
    ],
  ])('void of %s keeps the names, until a reopen', async (_, decide, names) => {
    const folder = await filledFolder();
    await intervene(folder, '1-2', decide);
    expect((await lotteryIn(folder)).uploads.voidedOf(2)).toEqual(names);
    await intervene(folder, '1-2', () => voided(1));
    expect((await lotteryIn(folder)).uploads.voidedOf(2)).toEqual(names);
    await intervene(folder, '1-2', () => REOPENED);
    expect((await lotteryIn(folder)).uploads.voidedOf(2)).toEqual([]);
  });

  test('an agency that was voided may send an upload anew, and be drawn', async () => {
    const folder = await filledFolder();
    await intervene(folder, '1-2', () => voided(2));
    const lottery = new Lottery([]);
    const { store } = await CsvStore.open(folder, { onFact: fact => lottery.apply(fact) });
    expect([lottery.hasFinished(2), lottery.refusalOfBets(2), lottery.uploads.of(2)]).toEqual([
      false,
      undefined,
      [],
    ]);
    await store.append(batchNamed(9, 2, 2), { upload: 'other', seq: 1 });
    await store.close();
    expect(lottery.uploads.find(2, 'other')).toMatchObject({ bets: 2, next: 2 });
    await drawIn(folder);
    const { draw } = await verifyStore(folder, hasWon);
    expect(draw).toMatchObject({ bets: 5 });
  });

  test('the rows of a bets.csv that was taken over are void for one agency and stay for others', async () => {
    const folder = await temporaryFolder();
    const rows = [
      '1,"a, b",Paz,1,2000-02-29,7',
      '2,Eva,Gil,2,1999-01-01,7574',
      '1,Ana,"x""y",3,2000-01-01,1',
    ];
    await writeFile(betsPath(folder), rows.map(row => `${row}\r\n`).join(''));
    await (await CsvStore.open(folder, { agencies: '1-2' })).store.close();
    await intervene(folder, '1-2', () => voided(2));
    expect(readFiles(folder).bets.toString()).toBe(`${rows[0]}\r\n${rows[2]}\r\n`);
    const { lottery } = await verifyStore(folder, hasWon);
    expect([...lottery.bets]).toEqual([[1, 2]]);
    await intervene(folder, '1-2', () => voided(1));
    expect(readFiles(folder).bets).toHaveLength(0);
    await verifyStore(folder, hasWon);
  });

  test('reopen lets an agency go on, and other agencies are waited for when they are set', async () => {
    const folder = await filledFolder();
    await intervene(folder, '1-2', () => REOPENED);
    expect((await lotteryIn(folder)).missing).toEqual([1, 2]);
    await intervene(folder, '1-2', () => AGENCIES);
    const lottery = await lotteryIn(folder);
    expect([lottery.missing, lottery.interventions]).toEqual([
      [1, 2, 3],
      [REOPENED, AGENCIES],
    ]);
    await verifyStore(folder, hasWon);
  });

  test('what cannot be done changes no byte; a server that runs is not disturbed', async () => {
    const folder = await filledFolder();
    const files = readFiles(folder);
    const refuse = (): never => {
      throw new StoreError('unusable', 'nothing was done');
    };
    await expect(intervene(folder, '1-2', refuse)).rejects.toThrow('nothing was done');
    const { store } = await CsvStore.open(folder);
    await expect(intervene(folder, '1-2', () => voided(2))).rejects.toThrow('another process has');
    await store.close();
    expect(readFiles(folder)).toEqual(files);
    const empty = await temporaryFolder();
    await expect(intervene(empty, '1-2', () => voided(2))).rejects.toThrow(
      'there is no lottery in',
    );
    expect(readdirSync(empty)).toEqual([]);
  });

  test('a journal of version 1 is carried on: it gets the agencies of the configuration, once', async () => {
    const folder = await temporaryFolder();
    const begin = { type: 'begin', version: 1, time: INTERVENTION.time };
    writeFiles(folder, {
      bets: Buffer.alloc(0),
      journal: appendLines(Buffer.alloc(0), begin, { type: 'finished', agency: 1 }),
    });
    for (const agencies of ['1-2', '1-5']) {
      await (await CsvStore.open(folder, { agencies })).store.close();
      expect((await lotteryIn(folder)).missing).toEqual([2]);
    }
    const lines = readFileSync(journalPath(folder), 'utf8').split('\n').slice(0, -1);
    expect(lines.map(line => (JSON.parse(line) as { type: string }).type)).toEqual([
      'begin',
      'finished',
      'agencies',
    ]);
    await verifyStore(folder, hasWon);
  });
});

/** A void of agency 2 that was killed between its two renames. */
async function halfVoidedFolder(): Promise<{
  folder: string;
  before: StoreFiles;
  after: StoreFiles;
}> {
  const folder = await filledFolder();
  const before = readFiles(folder);
  await intervene(folder, '1-2', () => voided(2));
  const after = readFiles(folder);
  renameSync(betsPath(folder), `${betsPath(folder)}.next`);
  writeFiles(folder, { bets: before.bets });
  return { folder, before, after };
}

async function warningsOfStart(folder: string): Promise<string[]> {
  const warnings: string[] = [];
  const onEvent: OnStoreEvent = event => {
    if (event.event === 'store-warning') warnings.push(`${event.file}: ${event.warning}`);
  };
  await (await CsvStore.open(folder, { onEvent })).store.close();
  return warnings;
}

describe('a void that was interrupted', () => {
  test('after its first rename is completed by the next start, which logs it', async () => {
    const { folder, after } = await halfVoidedFolder();
    expect(await warningsOfStart(folder)).toEqual([
      `${betsPath(folder)}.next: a void was interrupted; the file was renamed to bets.csv, which completes the void`,
    ]);
    expect(readFiles(folder).bets).toEqual(after.bets);
    await verifyStore(folder, hasWon);
  });

  test('after its first rename is named by every reader, and is no damage', async () => {
    const { folder } = await halfVoidedFolder();
    const names = readdirSync(folder);
    for (const read of [() => inspectStore(folder, []), () => verifyStore(folder, hasWon)])
      await expect(read()).rejects.toThrow(
        /a void in .* was interrupted after it took effect, .* nothing is damaged/,
      );
    expect(readdirSync(folder)).toEqual(names);
    await intervene(folder, '1-2', () => voided(1));
    expect((await lotteryIn(folder)).interventions).toEqual([voided(2), voided(1)]);
  });

  test('before its first rename is undone by the next start, which logs it', async () => {
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
      'a bets.csv.next that is left after the void was undone',
      notWritten,
      async folder => {
        const { folder: half, before } = await halfVoidedFolder();
        copyFileSync(`${betsPath(half)}.next`, `${betsPath(folder)}.next`);
        writeFiles(folder, before);
      },
    ],
    ['any bets.csv.next', notWritten, folder => writeFileSync(`${betsPath(folder)}.next`, '')],
    [
      'any bets.journal.next',
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
      'a symbolic link',
      /bets\.csv\.next, it is a symbolic link/,
      async folder => {
        const { folder: half } = await halfVoidedFolder();
        symlinkSync(`${betsPath(half)}.next`, `${betsPath(folder)}.next`);
      },
    ],
    ['a folder', /bets\.csv\.next, EISDIR/, folder => mkdirSync(`${betsPath(folder)}.next`)],
  ])('refuses the start with %s, and changes nothing', async (_, refusal, spoil) => {
    const folder = await filledFolder();
    await spoil(folder);
    const files = readFiles(folder);
    await expect(CsvStore.open(folder)).rejects.toThrow(refusal);
    await expect(intervene(folder, '1-2', () => voided(2))).rejects.toThrow(refusal);
    expect(readFiles(folder)).toEqual(files);
    expect(readdirSync(folder).filter(name => name.endsWith('.next'))).toHaveLength(1);
  });

  test('by a full disk leaves the files as they were, and no partial copy', async () => {
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

describe(`what is done by hand and cut off at any step (CRASH_SEED=${SEED})`, {
  timeout: 120_000,
}, () => {
  test.each([
    ['void of an agency', voided(2)],
    ['void of an upload', voided(2, 'two')],
    ['reopen', REOPENED],
    ['agencies set', AGENCIES],
  ])('%s has happened or not, and can be done again', async (_, fact) => {
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

/** What the next process finds: the rows, and what it is told of the lottery. */
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
