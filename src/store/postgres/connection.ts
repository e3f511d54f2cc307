import { StoreError } from '../store.ts';
import { FACTS_PAGE, OVERLAP_BYTES, WAITS } from './limits.ts';
import { decode, Log, type LoggedRecord, type NewRecord, type Row } from './log.ts';
import type { LogState } from './log-state.ts';
import { expectSchema } from './schema.ts';
import { type Access, EngineError, findPrimary, Session, type SyncMode } from './session.ts';

export interface ConnectionParts {
  readonly access: Access;
  readonly lottery: string;
  /** The expected agencies of a new lottery, such as `1-5,7`. */
  readonly agencies: string;
  readonly sync: SyncMode;
}

/**
 * Two sessions with the primary, until one of them fails. The first appends and reads records; its
 * commits wait neither for the disk nor for a standby. The second makes them durable with barriers,
 * while the first appends the next ones.
 */
export class Connection {
  readonly #writer: Session;
  readonly #syncer: Session;
  readonly #log: Log;
  readonly #state: LogState;
  /** Another server has appended since the last record of this one. */
  #isContended = false;

  private constructor(writer: Session, syncer: Session, log: Log, state: LogState) {
    this.#writer = writer;
    this.#syncer = syncer;
    this.#log = log;
    this.#state = state;
    state.isConnected = true;
  }

  /**
   * Connects to the primary and reads its log to the end.
   *
   * @throws EngineError (as a rejection); StoreError `unusable` when the tables are not this
   *   lottery's, `failed` when the log is not the one that was read before
   */
  static async open(
    { access, lottery, agencies, sync }: ConnectionParts,
    state: LogState,
  ): Promise<Connection> {
    const syncer = await findPrimary(access, state.name, sync);
    const writer = new Session(syncer.host, access, state.name);
    try {
      await expectSchema(syncer, true);
      const log = new Log(lottery);
      const connection = new Connection(writer, syncer, log, state);
      await connection.#sync();
      await syncer.commit(log.make(agencies));
      state.begin(await log.find(syncer));
      await writer.connect();
      writer.onNotification = server => server !== state.name && state.workAlarm.ring();
      await writer.query('LISTEN loteria');
      for (let isWhole = false; !isWhole; await connection.#sync())
        isWhole = !(await connection.#readPage());
      return connection;
    } catch (error) {
      await Promise.all([syncer.close(), writer.close()]);
      state.onDisconnected();
      throw error;
    }
  }

  /**
   * @throws EngineError (as a rejection) when a session is lost, or a commit is not durable any
   * more
   */
  async run(): Promise<void> {
    const loops = [this.#write(), this.#makeDurable()];
    try {
      await Promise.all(loops);
    } finally {
      await this.close();
      await Promise.allSettled(loops);
      this.#state.onDisconnected();
    }
  }

  async close(): Promise<void> {
    this.#state.isConnected = false;
    this.#state.workAlarm.ring();
    this.#state.commitAlarm.ring();
    await Promise.all([this.#writer.close(), this.#syncer.close()]);
  }

  /** The rows of all records that were applied, record by record. */
  async *rows(): AsyncGenerator<Uint8Array> {
    for await (const { rows } of this.#log.records(this.#writer, this.#state.end.position))
      yield rows;
  }

  async #write(): Promise<void> {
    for (;;) {
      await this.#state.waitForWork();
      if (!this.#state.isConnected) return;
      const record = this.#state.nextRecord();
      if (record === undefined) await this.#readAll();
      else await this.#append(record);
    }
  }

  async #makeDurable(): Promise<void> {
    for (;;) {
      const isRung = await this.#state.commitAlarm.rings(WAITS.lookMs);
      if (!this.#state.isConnected) return;
      if (this.#state.hasUncommitted || !isRung) await this.#sync();
    }
  }

  /** Compares the log with what was read, makes that durable, and applies it. */
  async #sync(): Promise<void> {
    const { tail, hasUncommitted } = this.#state;
    const [rows] = await this.#syncer.commit(this.#log.check(tail, hasUncommitted));
    if (hasUncommitted && rows!.length > 0) this.#state.commitUpTo(tail.position);
    if (rows!.length > 0) return;
    const { name } = this.#syncer;
    if (hasUncommitted)
      throw new EngineError(
        `${name} is more than one server: record ${tail.position} is on another`,
      );
    const why = `it was restored, or a server took over that lacks what was durable; the next start follows the log that is there`;
    throw new StoreError(
      'failed',
      `the log of ${name} is not the one that was read up to record ${tail.position}: ${why}`,
    );
  }

  async #readAll(): Promise<void> {
    while (await this.#readPage());
  }

  /** @returns whether there may be more */
  async #readPage(): Promise<boolean> {
    const [rows] = await this.#writer.exchange<Row>(this.#log.after(this.#state.tail.position));
    for (const row of rows!) this.#state.onRead(decode(row));
    return rows!.length === FACTS_PAGE;
  }

  async #append(record: NewRecord): Promise<void> {
    if (this.#isContended) return this.#appendInTurn();
    const append = this.#log.append(this.#state.tail, record);
    // A short record with nothing before it is made durable at once.
    const isAlone = !this.#state.hasUncommitted && record.rows.length < OVERLAP_BYTES;
    const [rows] = await (isAlone
      ? this.#syncer.commit<Row>(append)
      : this.#writer.exchange<Row>(append));
    if (rows!.length === 0) return this.#appendInTurn();
    this.#state.onRead(appended(record, rows!));
    if (isAlone) this.#state.commitUpTo(this.#state.tail.position);
  }

  /** Reads and appends under the lock, which gives each server its turn. */
  async #appendInTurn(): Promise<void> {
    const after = this.#log.after(this.#state.tail.position);
    const read = await this.#writer.exchange<Row>({ text: 'BEGIN' }, this.#log.lock(), after);
    const others = read[2]!.map(decode);
    for (const other of others) this.#state.onRead(other);
    this.#isContended = others.length > 0;
    const record = others.length < FACTS_PAGE ? this.#state.nextRecord() : undefined;
    const append = record && this.#log.append(this.#state.tail, record);
    const [rows] = await this.#writer.exchange<Row>(...(append ? [append] : []), {
      text: 'COMMIT',
    });
    if (record === undefined) await this.#readAll();
    else this.#state.onRead(appended(record, rows!));
  }
}

function appended(record: NewRecord, [row]: readonly Row[]): LoggedRecord {
  if (row === undefined) throw new EngineError('the log has moved under its lock');
  return { ...record, position: Number(row.position), chain: row.chain };
}
