import { setTimeout as pause } from 'node:timers/promises';
import { StoreError, type StoreWatch } from '../store.ts';
import type { Log, LoggedRecord } from './log.ts';
import type { LogState } from './log-state.ts';
import { expectDurable, findPrimary, type SyncMode } from './primary.ts';
import { expectSchema } from './schema.ts';
import { type Access, EngineError, Session } from './session.ts';
import { FACTS_PAGE, WAITS } from './waits.ts';

export interface ConnectionParts {
  readonly access: Access;
  /** Of this process, among the connections of a server and in the log. */
  readonly name: string;
  readonly sync: SyncMode;
  readonly log: Log;
  readonly state: LogState;
  readonly watch?: StoreWatch | undefined;
}

/** Two sessions on one primary, until one of them fails: one appends, the other one reads what other servers have written. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #reader: Session;
  readonly #writer: Session;
  readonly #closing = new AbortController();
  #reading: Promise<void> = Promise.resolve();
  /** The reading that has not begun yet. */
  #nextReading: Promise<void> | undefined;

  private constructor(parts: ConnectionParts, reader: Session) {
    this.#parts = parts;
    this.#reader = reader;
    this.#writer = new Session(reader.host, parts.access, parts.name);
  }

  /**
   * Connects to the primary and reads its log to the end.
   *
   * @throws EngineError (as a rejection) when there is none; StoreError `unusable` when the tables are not this lottery's,
   *   `failed` when the log is not the one that was read before
   */
  static async open(parts: ConnectionParts): Promise<Connection> {
    const { access, name, sync, log, state } = parts;
    const reader = await findPrimary(access, name, sync);
    const connection = new Connection(parts, reader);
    try {
      await connection.#writer.connect();
      await expectSchema(reader, true);
      await log.make(reader);
      if (!(await log.has(reader, state.end))) throw otherLog(reader, state);
      await log.listen(reader, name, () => void connection.readToEnd().catch(() => {}));
      await connection.readToEnd();
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /**
   * Appends and reads until the connection is closed.
   *
   * @throws EngineError (as a rejection) when it is lost, or a commit is not durable any more
   */
  async run(): Promise<void> {
    const loops = [this.#write(), this.#look()];
    try {
      await Promise.all(loops);
    } finally {
      await this.close();
      await Promise.allSettled(loops);
    }
  }

  /** Applies what others have written up to now. */
  readToEnd(): Promise<void> {
    this.#nextReading ??= this.#reading.then(() => {
      this.#nextReading = undefined;
      return this.#read();
    });
    this.#reading = this.#nextReading;
    return this.#reading;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#parts.state.wake();
    await Promise.all([this.#reader.close(), this.#writer.close()]);
  }

  async #read(): Promise<void> {
    const { log, state, sync } = this.#parts;
    for (;;) {
      const records = await log.after(this.#reader, state.end.position);
      if (records.length > 0) await this.#reader.barrier();
      await expectDurable(this.#reader, sync);
      for (const record of records) state.advance(record);
      if (records.length < FACTS_PAGE) return;
    }
  }

  /** A notification may get lost, and settings change without one. */
  async #look(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.readToEnd();
      await pause(WAITS.lookMs, undefined, { signal }).catch(() => {});
    }
  }

  async #write(): Promise<void> {
    const { state, sync, watch } = this.#parts;
    for (;;) {
      await state.gathered();
      if (this.#closing.signal.aborted) return;
      const startedAt = watch?.now() ?? 0;
      const written = (await this.#append()) ?? (await this.#appendInTurn());
      if (written === undefined) continue;
      await expectDurable(this.#writer, sync);
      watch?.onDurable(watch.now() - startedAt, written.rows.length);
      state.advance(written);
    }
  }

  /** @returns undefined when another server was first, or there is nothing to append */
  async #append(): Promise<LoggedRecord | undefined> {
    const { log, state, name: server } = this.#parts;
    const record = state.record();
    const end = record && (await log.append(this.#writer, state.end, { ...record, server }));
    return end && { ...end, ...record, server };
  }

  /** Reads what others have written and appends before they write more: the lock gives each server its turn. */
  async #appendInTurn(): Promise<LoggedRecord | undefined> {
    const { log, state } = this.#parts;
    await log.lock(this.#writer);
    await this.readToEnd();
    const written = await this.#append();
    if (written === undefined && state.record() !== undefined)
      throw new EngineError('the log has moved under its lock');
    await this.#writer.commit('COMMIT');
    return written;
  }
}

function otherLog({ name }: Session, { end }: LogState): StoreError {
  const why = 'it was restored, or a server took over that lacks what was durable';
  const next = 'the next start follows the log that is there';
  const message = `the log of ${name} is not the one that was read up to record ${end.position}: ${why}; ${next}`;
  return new StoreError('failed', message);
}
