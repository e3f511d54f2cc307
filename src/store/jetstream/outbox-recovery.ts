import { basename, dirname, join } from 'node:path';
import { StoreError } from '../store.ts';
import { AppendFile, reasonOf } from '../csv/append-file.ts';
import { DamageError } from '../csv/damage.ts';
import type { TailCut } from '../csv/recovery.ts';
import type { OutboxFiles } from './outbox-files.ts';
import { SegmentReader } from './outbox-reader.ts';
import type { RecordPlace } from './outbox-record.ts';

const SEGMENT_NAME = /^outbox-(\d{8,})\.log$/;

/** A file of the outbox. */
export interface Segment {
  readonly number: number;
  readonly path: string;
  /** Its length, as far as it is durable. */
  bytes: number;
  /** Its oldest and its newest record; undefined when it is empty, which only the newest segment can be. */
  first: RecordPlace | undefined;
  last: RecordPlace | undefined;
  /**
   * For how long the engine has certainly run without interruption since the last append to it, in milliseconds. Undefined
   * until time is told for the first time: a part of that had passed before.
   */
  ageMs: number | undefined;
}

/** The segments of a folder, oldest first, and what was found in them. */
export interface RecoveredOutbox {
  readonly segments: readonly Segment[];
  /** The last segment, open to be written on. */
  readonly tail: AppendFile | undefined;
  /** Number of the newest record; 0 when there is none. */
  readonly number: number;
  /** The largest `n` of each writer. */
  readonly newest: Map<string, number>;
  readonly cuts: readonly TailCut[];
}

/** An empty segment. */
export function segmentNumbered(directory: string, number: number): Segment {
  const path = join(directory, `outbox-${String(number).padStart(8, '0')}.log`);
  return { number, path, bytes: 0, first: undefined, last: undefined, ageMs: undefined };
}

/**
 * Makes the folder when it is missing, durably.
 *
 * @throws StoreError `unusable`
 */
export async function createFolder(directory: string, files: OutboxFiles): Promise<void> {
  await usable(directory, async () => {
    await files.createDirectory(directory);
    // Also when it was there: who made it may have died before this.
    await files.syncDirectory(dirname(directory));
  });
}

/**
 * Reads every segment as the last process left it, however it ended, and cuts off what was begun and never acknowledged.
 *
 * @throws DamageError when something is missing that was acknowledged; StoreError `unusable` when it cannot be read
 */
export function recoverOutbox(directory: string, files: OutboxFiles): Promise<RecoveredOutbox> {
  return usable(directory, async () => {
    const names = await files.list(directory);
    const numbers = names.flatMap(name => SEGMENT_NAME.exec(name)?.[1] ?? []).map(Number);
    const segments = numbers.toSorted((a, b) => a - b).map(number => segmentNumbered(directory, number));
    let number = 0;
    const newest = new Map<string, number>();
    for (const segment of segments.slice(0, -1)) number = await checkClosed(files, segment, number, newest);
    const last = segments.at(-1);
    const opened = last === undefined ? undefined : await openTail(files, last, number, newest);
    try {
      await files.syncDirectory(directory);
    } catch (error) {
      await opened?.tail.file.close().catch(() => {});
      throw error;
    }
    return { segments, tail: opened?.tail, number: opened?.number ?? 0, newest, cuts: opened?.cuts ?? [] };
  });
}

/** @returns the number of its last record */
async function checkClosed(
  files: OutboxFiles,
  segment: Segment,
  before: number,
  newest: Map<string, number>,
): Promise<number> {
  const file = await files.openToRead(segment.path);
  try {
    const part = { ...partOf(segment, before), end: await file.size(), mayBeTorn: false };
    const number = await readThrough(new SegmentReader(file, part), segment, before, newest);
    if (segment.bytes === 0) throw new DamageError(part.name, 0, 'it is empty and others come after it');
    return number;
  } finally {
    await file.close();
  }
}

async function openTail(
  files: OutboxFiles,
  segment: Segment,
  before: number,
  newest: Map<string, number>,
): Promise<{ tail: AppendFile; number: number; cuts: TailCut[] }> {
  const file = await files.open(segment.path);
  try {
    const part = { ...partOf(segment, before), end: await file.size(), mayBeTorn: true };
    const reader = new SegmentReader(file, part);
    const number = await readThrough(reader, segment, before, newest);
    if (reader.tornBytes > 0) await file.truncate(reader.end);
    // A process that was killed may have written what it did not sync. From here on it counts as durable.
    await file.sync();
    const cuts = reader.tornBytes > 0 ? [{ file: part.name, bytes: reader.tornBytes }] : [];
    return { tail: new AppendFile(segment.path, file, reader.end), number, cuts };
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

/** @param before number of the record before; 0 when there is none: the first one may have any number then */
function partOf(segment: Segment, before: number): { name: string; number: number | undefined } {
  return { name: basename(segment.path), number: before === 0 ? undefined : before + 1 };
}

/** @returns the number of the last record */
async function readThrough(
  reader: SegmentReader,
  segment: Segment,
  before: number,
  newest: Map<string, number>,
): Promise<number> {
  let last = before;
  for await (const { number, record } of reader.read()) {
    const { position, writer, n } = record;
    segment.first ??= { position, writer, n };
    segment.last = { position, writer, n };
    newest.set(writer, Math.max(n, newest.get(writer) ?? 0));
    last = number;
  }
  segment.bytes = reader.end;
  return last;
}

async function usable<Result>(directory: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('unusable', `cannot use ${directory}, ${reasonOf(error)}`, error);
  }
}
