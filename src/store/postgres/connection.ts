import { StoreError, type StoreWatch } from '../store.ts';
import type { Log, LoggedRecord } from './log.ts';
import type { LogState } from './log-state.ts';
import { expectDurable, expectPrimary, findPrimary, type SyncMode } from './primary.ts';
import { expectSchema } from './schema.ts';
import { type Access, EngineError, Session } from './session.ts';
import { FACTS_PAGE, WAITS } from './waits.ts';

export interface ConnectionParts {
  readonly access: Access;
  readonly sync: SyncMode;
  readonly log: Log;
  /** Name of this process in the log. */
  readonly server: string;
  readonly state: LogState;
  readonly watch?: StoreWatch | undefined;
}

/** Two sessions on one primary, until one of them fails: one appends, the other one reads what other servers have written. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #reader: Session;
  readonly #writer: Session;
  #reading: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isNotified = false;
  #lookNow: () => void = () => {};

  private constructor(parts: ConnectionParts, reader: Session) {
    this.#parts = parts;
    this.#reader = reader;
    this.#writer = new Session(reader.host, parts.access);
  }

  /**
   * Connects to the primary and reads its log to the end.
   *
   * @throws EngineError (as a rejection) when there is none; StoreError `unusable` when the tables are not this lottery's, `failed`
   *   when the log is not the one that was read before
   */
  static async open(parts: ConnectionParts): Promise<Connection> {
    const { access, sync, log, server } = parts;
    const reader = await findPrimary(access, session => expectPrimary(session, access, sync));
    const connection = new Connection(parts, reader);
    try {
      await connection.#writer.connect();
      await expectSchema(reader, true);
      await log.make(reader);
      await log.find(reader);
      await log.listen(reader, server, () => connection.#notify());
      await connection.#expectSameLog();
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
    this.#reading = this.#reading.then(() => this.#read());
    return this.#reading;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#parts.state.wake();
    this.#lookNow();
    await Promise.all([this.#reader.close(), this.#writer.close()]);
  }

  async #expectSameLog(): Promise<void> {
    const { log, state } = this.#parts;
    if (await log.has(this.#reader, state.end)) return;
    throw new StoreError(
      'failed',
      `the log of ${this.#reader.name} is not the one that was read up to record ${state.end.position}: it was restored, or another ` +
        'server took over that lacks what was durable; the next start follows the log that is there',
    );
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

  /** Looks at the log when another server has notified, and every now and then in case that got lost. */
  async #look(): Promise<void> {
    while (!this.#isClosed) {
      this.#isNotified = false;
      await this.readToEnd();
      if (this.#isNotified || this.#isClosed) continue;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, WAITS.lookMs);
        this.#lookNow = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #notify(): void {
    this.#isNotified = true;
    this.#lookNow();
  }

  async #write(): Promise<void> {
    const { state, sync, watch } = this.#parts;
    while (!this.#isClosed) {
      await state.gathered();
      if (this.#isClosed) return;
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
    const { log, state } = this.#parts;
    const record = state.record();
    const end = record && (await log.append(this.#writer, state.end, record));
    return end && { ...end, ...record };
  }

  /** Reads what others have written, and appends before they write more: the lock gives each server its turn, however busy the others are. */
  async #appendInTurn(): Promise<LoggedRecord | undefined> {
    const { log, state } = this.#parts;
    await log.lock(this.#writer);
    await this.readToEnd();
    const written = await this.#append();
    if (written === undefined && state.record() !== undefined) {
      throw new EngineError('the end of the log is not where it was read');
    }
    await this.#writer.commit('COMMIT');
    return written;
  }
}
