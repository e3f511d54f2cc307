import { basename } from 'node:path';
import type { OutboxFiles } from '../../../src/store/jetstream/outbox-files.ts';
import type { KeptRecord } from '../../../src/store/jetstream/outbox-record.ts';
import type { Outbox } from '../../../src/store/jetstream/outbox.ts';
import type { SimulatedDisk } from '../simulated-disk.ts';

/** The folder of an outbox on a simulated disk, whose files are all in one. */
export const DIRECTORY = '/data';

const REMOVED = /^removed-/;

/** A simulated disk as an outbox sees it. The removal of a file is, on disk, a rename to where nobody looks. */
export function outboxFilesOf(disk: SimulatedDisk): OutboxFiles {
  let removed = disk.state.paths.length;
  return {
    exists: path => disk.exists(path),
    open: path => disk.open(path),
    openToRead: path => disk.openToRead(path),
    rename: (from, to) => disk.rename(from, to),
    lock: path => disk.lock(path),
    // The directory above is another one.
    syncDirectory: async path => {
      if (path === DIRECTORY) await disk.syncDirectory(path);
    },
    createDirectory: async () => {},
    list: async () => disk.state.paths.map(path => basename(path)).filter(name => !REMOVED.test(name)),
    remove: path => disk.rename(path, `${DIRECTORY}/removed-${(removed += 1)}-${basename(path)}`),
  };
}

/** A record whose bytes follow from its number: rows of another length each time, and sometimes none. */
export function recordNumbered(n: number, rowBytes = (n % 5) * 150): KeptRecord {
  const rows = Buffer.from(`${n},Luis Alberto,Peña,30904465,1999-03-17,7574\r\n`.repeat(100));
  return {
    position: 1000 + n * 3,
    writer: n % 2 === 0 ? 'central-a' : 'central-b',
    n,
    facts: JSON.stringify([{ kind: 'stored', upload: `carga-${n}`, note: 'ñ'.repeat(n % 3) }]),
    rows: rows.subarray(0, rowBytes),
  };
}

/** Records from one number to another. */
export function recordsNumbered(from: number, to: number, rowBytes?: number): KeptRecord[] {
  return Array.from({ length: to - from + 1 }, (_, index) => recordNumbered(from + index, rowBytes));
}

/** All records that an outbox gives back. Buffers become plain bytes, to be compared. */
export async function keptIn(outbox: Outbox): Promise<KeptRecord[]> {
  const kept: KeptRecord[] = [];
  for await (const record of outbox.records()) kept.push({ ...record, rows: Buffer.from(record.rows) });
  return kept;
}

/** The numbers of all records that an outbox gives back. */
export async function numbersIn(outbox: Outbox): Promise<number[]> {
  return (await keptIn(outbox)).map(({ n }) => n);
}
