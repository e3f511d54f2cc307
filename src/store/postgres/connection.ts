import { StoreError } from '../store.ts';
import { FACTS_PAGE, WAITS } from './limits.ts';
import { decode, Log, type LoggedRecord, type NewRecord, type Row } from './log.ts';
import type { LogState } from './log-state.ts';
import { expectSchema } from './schema.ts';
import { type Access, BARRIER, EngineError, findPrimary, type Session, type SyncMode } from './session.ts';

export interface ConnectionParts {
  readonly access: Access;
  readonly lottery: string;
  /** The agencies that the draw waits for, in the form `1-5,7`. */
  readonly agencies: string;
  readonly sync: SyncMode;
}

/** Appends what was handed over and reads what other servers have appended, on one session, until that fails. */
export class Connection {
  readonly #session: Session;
  readonly #log: Log;
  readonly #state: LogState;
  /** Another server has appended since the last record of this one. */
  #isContended = false;
  #isClosed = false;

  private constructor(session: Session, log: Log, state: LogState) {
    this.#session = session;
    this.#log = log;
    this.#state = state;
  }

  /**
   * Connects to the primary and reads its log to the end.
   *
   * @throws EngineError (as a rejection); StoreError `unusable` when the tables are not this lottery's, `failed` when the log
   *   is not the one that was read before
   */
  static async open(parts: ConnectionParts, state: LogState): Promise<Connection> {
    const session = await findPrimary(parts.access, state.name, parts.sync);
    try {
      await expectSchema(session, true);
      const log = new Log(parts.lottery, parts.agencies);
      session.onNotification = server => server !== state.name && state.wake();
      await session.commit(log.make(), { text: 'LISTEN loteria' });
      await log.find(session);
      if (!(await log.has(session, state.end))) throw otherLog(session, state);
      const connection = new Connection(session, log, state);
      await connection.#read();
      return connection;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** @throws EngineError (as a rejection) when the session is lost, or a commit is not durable any more */
  async run(): Promise<void> {
    try {
      for (;;) {
        await this.#state.rest(WAITS.lookMs);
        if (this.#isClosed) return;
        const record = this.#state.record();
        if (record === undefined) await this.#read();
        else await this.#append(record);
      }
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#state.wake();
    await this.#session.close();
  }

  /** The rows of all records up to the end of the log, record by record. */
  async *rows(): AsyncGenerator<Uint8Array> {
    for await (const { rows } of this.#log.records(this.#session, this.#state.end.position)) yield rows;
  }

  async #read(): Promise<void> {
    for (;;) {
      const [rows] = await this.#session.commit<Row>(this.#log.after(this.#state.end.position));
      if (rows!.length > 0) await this.#session.commit(BARRIER);
      for (const row of rows!) this.#state.advance(decode(row));
      if (rows!.length < FACTS_PAGE) return;
    }
  }

  async #append(record: NewRecord): Promise<void> {
    if (this.#isContended || record.facts.length === 0) return this.#appendInTurn();
    const [rows] = await this.#session.commit<Row>(this.#log.append(this.#state.end, record));
    if (rows!.length === 0) await this.#appendInTurn();
    else this.#state.advance(appended(record, rows!));
  }

  /** Reads what others have appended, and appends before they append more: the lock gives each server its turn. */
  async #appendInTurn(): Promise<void> {
    const [state, log] = [this.#state, this.#log];
    const { position } = state.end;
    const results = await this.#session.exchange<Row>({ text: 'BEGIN' }, log.lock(), log.after(position));
    const others = results[2]!.map(decode);
    // There may be more to read, and an append whose answer was lost may have been late.
    const isBehind = others.length === FACTS_PAGE || others.some(({ server }) => server === state.name);
    const record = isBehind ? undefined : state.record(others);
    const isEmpty = record === undefined || record.facts.length === 0;
    const write = isEmpty ? BARRIER : log.append(others.at(-1) ?? state.end, record);
    const [rows] = await this.#session.commit<Row>(write, { text: 'COMMIT' });
    for (const other of others) state.advance(other);
    this.#isContended = others.length > 0;
    if (!isEmpty) state.advance(appended(record, rows!));
    else if (record !== undefined) state.land();
  }
}

function appended(record: NewRecord, [row]: readonly Row[]): LoggedRecord {
  if (row === undefined) throw new EngineError('the log has moved under its lock');
  return { ...record, position: Number(row.position), chain: row.chain };
}

function otherLog({ name }: Session, { end }: LogState): StoreError {
  const why =
    'it was restored, or a server took over that lacks what was durable; the next start follows the log that is there';
  const message = `the log of ${name} is not the one that was read up to record ${end.position}: ${why}`;
  return new StoreError('failed', message);
}
