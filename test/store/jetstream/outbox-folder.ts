import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { KeptRecord } from '../../../src/store/jetstream/outbox-record.ts';
import { Outbox, type OutboxOptions } from '../../../src/store/jetstream/outbox.ts';
import { temporaryFolder } from '../../support/temp-folder.ts';
import { recordNumbered } from './outbox-disk.ts';

/** The name of the first segment. */
export const FIRST = 'outbox-00000001.log';

/** Opens an outbox that is closed when the test ends, if not before. */
export async function opened(directory: string, options: OutboxOptions = {}): Promise<Outbox> {
  const { outbox, cuts } = await Outbox.open(directory, options);
  expect(cuts).toEqual([]);
  onTestFinished(() => outbox.close().catch(() => {}));
  return outbox;
}

/** The folder of an outbox to which these appends were made, closed. */
export async function folderWith(
  appends: readonly KeptRecord[][],
  options: OutboxOptions = {},
): Promise<string> {
  const directory = join(await temporaryFolder(), 'outbox');
  const outbox = await opened(directory, options);
  for (const records of appends) await outbox.append(records);
  await outbox.close();
  return directory;
}

/** The names of the segments in a folder. */
export async function segmentsIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter(name => name.endsWith('.log')).toSorted();
}

/** What opening a folder throws. */
export async function refusalOf(directory: string): Promise<unknown> {
  const outcome = await Outbox.open(directory).catch((error: unknown) => error);
  if (outcome instanceof Error) return outcome;
  throw new Error('it was opened');
}

/** Which record that is, as an outbox tells of its first and its last one. */
export const placeOf = (n: number): object => {
  const { position, writer } = recordNumbered(n);
  return { position, writer, n };
};
