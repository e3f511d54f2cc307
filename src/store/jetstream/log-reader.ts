import { setTimeout as pause } from 'node:timers/promises';
import { StoreError, type StoreWatch } from '../store.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import type { Following } from './following.ts';
import type { PlacedRecord } from './log-record.ts';
import type { LogEnd } from './log-state.ts';
import type { Outbox } from './outbox.ts';
import { toKept } from './restore.ts';

/** Wait before something that failed is tried again, in milliseconds. */
const RETRY_MS = 500;

/** Bytes of records that were read and are not in the outbox yet, before no more are read. */
const UNKEPT_BYTES_MAX = 8 * 1024 * 1024;

export interface LogReaderParts {
  readonly engine: Engine;
  readonly outbox: Outbox;
  readonly watch: StoreWatch | undefined;
  /** Number of the record of a server process that counts next. */
  readonly nextOf: (writer: string) => number;
  /** Called with every record, in order, when it is in the outbox if it counts. */
  readonly onRecord: (record: PlacedRecord) => void;
  readonly onTrouble: (trouble: 'reading' | 'outbox', why: string) => void;
  readonly onTroubleEnd: (trouble: 'reading' | 'outbox') => void;
  /** It has stopped: the stream cannot be read, or has not got any more what was read from it. */
  readonly onInterrupted: () => void;
  /** It cannot go on. */
  readonly onFailure: (error: unknown) => void;
}

/** Reads what comes to the log, this server's own records and the others', and keeps a copy before anybody hears of it. */
export class LogReader {
  readonly #parts: LogReaderParts;
  #following: Following | undefined;
  #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #keeping: Promise<void> | undefined;
  #unkept: PlacedRecord[] = [];
  #unkeptBytes = 0;

  constructor(parts: LogReaderParts) {
    this.#parts = parts;
  }

  /** Begins behind the record that was read last. */
  start(end: LogEnd): void {
    this.#stopping = new AbortController();
    this.#running = this.#run(end, this.#stopping.signal);
  }

  /** Stops; what was read and is not in the outbox is forgotten, and is read again by whoever starts it there. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#following?.close();
    await this.#running;
    await this.#keeping;
    this.#unkept = [];
    this.#unkeptBytes = 0;
  }

  async #run(end: LogEnd, signal: AbortSignal): Promise<void> {
    const { engine, onTrouble, onTroubleEnd, onInterrupted, onFailure } = this.#parts;
    const following = engine.follow(end.position + 1, {
      after: end,
      onOpen: () => onTroubleEnd('reading'),
    });
    this.#following = following;
    try {
      for await (const record of following.records()) {
        if (signal.aborted) return;
        await this.#take(record, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof EngineError)) {
        onFailure(error);
        return;
      }
      onTrouble('reading', error.message);
    }
    if (!signal.aborted) onInterrupted();
  }

  async #take(record: PlacedRecord, signal: AbortSignal): Promise<void> {
    this.#unkept.push(record);
    this.#unkeptBytes += record.rows.length;
    this.#keeping ??= this.#keepAll(signal);
    if (this.#unkeptBytes >= UNKEPT_BYTES_MAX) await this.#keeping;
  }

  /** While some are being written and synced, the next ones gather. */
  async #keepAll(signal: AbortSignal): Promise<void> {
    const { watch, onRecord, onFailure } = this.#parts;
    try {
      // What has arrived in this turn of the event loop goes together.
      await new Promise(resolve => setImmediate(resolve));
      while (this.#unkept.length > 0 && !signal.aborted) {
        const records = this.#unkept;
        const bytes = this.#unkeptBytes;
        this.#unkept = [];
        this.#unkeptBytes = 0;
        const begunAt = watch?.now() ?? 0;
        if (!(await this.#keep(records, signal))) return;
        watch?.onDurable(watch.now() - begunAt, bytes);
        for (const record of records) onRecord(record);
      }
    } catch (error) {
      onFailure(error);
    } finally {
      // At once: what arrives from now on begins anew.
      this.#keeping = undefined;
    }
  }

  /**
   * Those that count and are not in the outbox. One behind a gap does not count and comes again when the gap is filled: kept here,
   * it would stand in the outbox before what it cannot be offered without.
   */
  #unkeptOf(records: readonly PlacedRecord[]): PlacedRecord[] {
    const { outbox, nextOf } = this.#parts;
    const next = new Map<string, number>();
    return records.filter(({ writer, n }) => {
      if (n !== (next.get(writer) ?? nextOf(writer))) return false;
      next.set(writer, n + 1);
      return n > outbox.newestOf(writer);
    });
  }

  /** @returns whether they are in the outbox: not when it was stopped while the disk was full */
  async #keep(records: readonly PlacedRecord[], signal: AbortSignal): Promise<boolean> {
    const { outbox, watch, onTrouble, onTroubleEnd } = this.#parts;
    const kept = this.#unkeptOf(records).map(toKept);
    while (!signal.aborted) {
      try {
        await outbox.append(kept);
        onTroubleEnd('outbox');
        return true;
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'full') throw error;
        watch?.onFull();
        onTrouble('outbox', error.message);
      }
      await pause(RETRY_MS, undefined, { signal }).catch(() => {});
    }
    return false;
  }
}
