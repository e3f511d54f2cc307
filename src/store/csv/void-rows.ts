import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { formatRow } from '../../lottery/bet-row.ts';
import type { Fact } from '../../lottery/fact.ts';
import { RowDecoder } from '../../lottery/row-decoder.ts';
import { AppendFile } from './append-file.ts';
import { copyOver, createCopy } from './file-copy.ts';
import type { Files, ReadableFile } from './files.ts';
import {
  type Adopt,
  encodeRecord,
  type Group,
  hex32,
  type JournalRecord,
  type RefusedBatch,
  type StoredBatch,
} from './journal-record.ts';
import { finishVoid, NEXT_BETS, NEXT_JOURNAL, renameBets } from './interrupted-void.ts';
import { JournalReader } from './journal-reader.ts';
import { SequentialReader } from './sequential-reader.ts';
import { BETS_FILE, JOURNAL_FILE } from './store-walk.ts';

export type Voided = Extract<Fact, { kind: 'voided' }>;

/**
 * Rewrites both files without the rows of an agency or an upload, and keeps copies. Crash-safe: see
 * `interrupted-void.ts`.
 *
 * @returns the names of the copies
 */
export async function voidRows(
  directory: string,
  { bets, journal }: Readonly<Record<'bets' | 'journal', AppendFile>>,
  fact: Voided,
  files: Files,
): Promise<string[]> {
  const stamp = fact.intervention.time.replaceAll(/[-:.]/g, '');
  const [nextJournal, nextBets] = [join(directory, NEXT_JOURNAL), join(directory, NEXT_BETS)];
  const kept: string[] = [];
  try {
    for (const { path, file, end } of [bets, journal]) {
      const copy = await createCopy(files, `${path}.before-${stamp}`);
      kept.push(copy.path);
      try {
        await copyOver(file, end, copy);
      } finally {
        await copy.file.close();
      }
    }
    await writeWhole(files, nextJournal, async next => {
      await files.syncDirectory(directory);
      const rewriting = new Rewriting(fact, next);
      await writeWhole(files, nextBets, rows => rewriting.run(journal.file, bets.file, rows));
    });
    await files.syncDirectory(directory);
  } catch (error) {
    // Disk full: free what was written.
    await finishVoid(directory, files).catch(() => {});
    for (const path of kept) await files.remove(path).catch(() => {});
    throw error;
  }
  await files.rename(nextJournal, join(directory, JOURNAL_FILE));
  await files.syncDirectory(directory);
  await renameBets(directory, files);
  return kept.map(path => basename(path));
}

/** Copies journal and rows without what is void. */
class Rewriting {
  readonly #fact: Voided;
  readonly #journal: AppendFile;
  #lines = 0;
  #end = 0;
  #removedBytes = 0;

  constructor(fact: Voided, journal: AppendFile) {
    this.#fact = fact;
    this.#journal = journal;
  }

  async run(journal: ReadableFile, bets: ReadableFile, into: AppendFile): Promise<void> {
    const rows = new SequentialReader(bets);
    for await (const { record } of new JournalReader(JOURNAL_FILE, journal).read()) {
      if (record.type === 'adopt') await this.#adopt(record, rows, into);
      else if (record.type === 'group') await this.#group(record, rows, into);
      else if (record.type === 'close') await this.#add({ ...record, withdrawn: true });
      else if (record.type !== 'checkpoint') await this.#add(record);
    }
    const { agency, upload, uploads, bets: count, intervention } = this.#fact;
    await this.#add({
      type: 'void',
      agency,
      upload,
      uploads,
      bets: count,
      bytes: this.#removedBytes,
      ...intervention,
    });
  }

  async #adopt(record: Adopt, rows: SequentialReader, into: AppendFile): Promise<void> {
    const { agency, upload } = this.#fact;
    const decoder = new RowDecoder(BETS_FILE);
    const isKept = upload !== undefined || !record.bets.some(([adopted]) => adopted === agency);
    let checksum = 0;
    const start = this.#end;
    const write = async (piece: Uint8Array): Promise<void> => {
      checksum = crc32(piece, checksum);
      this.#end += piece.length;
      await into.write([piece]);
    };
    for (let left = record.end; left > 0; ) {
      const piece = await rows.read(left);
      left -= piece.length;
      let text = '';
      decoder.push(piece);
      if (left === 0) decoder.end();
      if (!isKept) decoder.visit(bet => (text += bet.agency === agency ? '' : formatRow(bet)));
      await write(isKept ? piece : Buffer.from(text));
    }
    this.#removedBytes += record.end - (this.#end - start);
    const bets = isKept ? record.bets : record.bets.filter(([adopted]) => adopted !== agency);
    await this.#add({ type: 'adopt', end: this.#end, crc32: hex32(checksum), bets });
  }

  async #group(record: Group, rows: SequentialReader, into: AppendFile): Promise<void> {
    const batches: (StoredBatch | RefusedBatch)[] = [];
    let checksum = 0;
    for (const batch of record.batches) {
      const bytes = 'reason' in batch ? 0 : batch[2];
      const isVoid = this.#isVoid(batch);
      if (isVoid) this.#removedBytes += bytes;
      else batches.push(batch);
      for (let left = bytes; left > 0; ) {
        const piece = await rows.read(left);
        left -= piece.length;
        if (isVoid) continue;
        checksum = crc32(piece, checksum);
        this.#end += piece.length;
        await into.write([piece]);
      }
    }
    if (batches.length > 0)
      await this.#add({ type: 'group', end: this.#end, crc32: hex32(checksum), batches });
  }

  #isVoid(batch: StoredBatch | RefusedBatch): boolean {
    const [agency, upload] =
      'reason' in batch ? [batch.agency, batch.upload] : [batch[0], batch[3]];
    return agency === this.#fact.agency && [undefined, upload].includes(this.#fact.upload);
  }

  async #add(record: JournalRecord): Promise<void> {
    this.#lines += 1;
    await this.#journal.write([encodeRecord(this.#lines, record)]);
  }
}

/** Creates a file, fills and syncs it. */
async function writeWhole(
  files: Files,
  path: string,
  fill: (file: AppendFile) => Promise<void>,
): Promise<void> {
  const file = await files.open(path);
  try {
    await file.truncate(0);
    const written = new AppendFile(path, file, 0);
    await fill(written);
    await written.sync();
  } finally {
    await file.close();
  }
}
