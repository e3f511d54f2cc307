import { createHash } from 'node:crypto';
import { StoreError } from '../store.ts';
import type { Session } from './session.ts';
import { FACTS_PAGE, ROWS_PAGE } from './waits.ts';

/** A place in the log, and what tells the log up to there from any other. */
export interface LogEnd {
  /** Number of records up to there. */
  readonly position: number;
  /** SHA-256 over the chain before, the SHA-256 of the record's facts and that of its rows; empty before the first record. */
  readonly chain: Uint8Array;
}

export const LOG_START: LogEnd = { position: 0, chain: new Uint8Array() };

export interface LoggedRecord extends LogEnd {
  /** Name of the server process that wrote it. */
  readonly server: string;
  readonly facts: string;
  readonly rows: Uint8Array;
}

/** Columns as the client has them: a bigint is a text. */
type Row = Omit<LoggedRecord, 'position'> & { readonly position: string };

/**
 * Compare-and-append: writes a record after `end`, if that is still the end of the log. The row of the lottery stays locked until
 * the commit is durable, so records become durable in their order.
 */
const APPEND = `
  WITH moved AS (
    UPDATE lottery SET head = head + 1, chain = sha256(chain || sha256(convert_to($4, 'UTF8')) || sha256($5))
    WHERE id = $1 AND head = $2 AND chain = $3 RETURNING head, chain
  ), kept AS (
    INSERT INTO log (lottery, position, server, facts, rows, chain)
    SELECT $1, head, $6, $4, $5, chain FROM moved RETURNING position, chain
  )
  SELECT position, chain, pg_notify('loteria', $6 || ' ' || $1) FROM kept`;

/** The statements about one lottery, on whatever connection. All throw EngineError (as a rejection). */
export class Log {
  readonly #lottery: string;
  readonly #agencies: string;

  /** @param agencies those that the draw waits for, in the form `1-5,7` */
  constructor(lottery: string, agencies: string) {
    this.#lottery = lottery;
    this.#agencies = agencies;
  }

  /** Makes the lottery, unless there is one of that name; otherwise as `find`. */
  async make(session: Session): Promise<void> {
    const values = [this.#lottery, this.#agencies];
    await session.commit('INSERT INTO lottery (id, agencies) VALUES ($1, $2) ON CONFLICT DO NOTHING', values);
    await this.find(session);
  }

  /**
   * @returns number of its records, and when it was begun
   * @throws StoreError `unusable` (as a rejection) when there is no such lottery, or it is one of other agencies
   */
  async find(session: Session): Promise<{ readonly head: number; readonly begun: Date }> {
    const [found] = await session.query<{ agencies: string; begun: Date; head: string }>(
      'SELECT agencies, begun, head FROM lottery WHERE id = $1',
      [this.#lottery],
    );
    if (found === undefined) {
      throw this.#unusable('is not in the database; STORE_LOTTERY names it, and the first server makes it');
    }
    if (found.agencies !== this.#agencies) {
      throw this.#unusable(
        `is one of the agencies ${found.agencies}, this configuration has ${this.#agencies}; ` +
          'all servers of a lottery have the same agencies, and another lottery has another STORE_LOTTERY',
      );
    }
    return { head: Number(found.head), begun: found.begun };
  }

  /** @returns whether the log has the same records up to there */
  async has(session: Session, { position, chain }: LogEnd): Promise<boolean> {
    if (position === 0) return true;
    const text = 'SELECT 1 FROM log WHERE lottery = $1 AND position = $2 AND chain = $3';
    return (await session.query(text, [this.#lottery, position, chain])).length === 1;
  }

  /** Calls `onRecord` when another process than `server` has written a record. */
  async listen(session: Session, server: string, onRecord: () => void): Promise<void> {
    session.onNotification = payload => {
      if (payload.endsWith(` ${this.#lottery}`) && !payload.startsWith(`${server} `)) onRecord();
    };
    await session.query('LISTEN loteria');
  }

  /** @returns where the record is; undefined when `end` is not the end of the log any more */
  async append(
    session: Session,
    { position, chain }: LogEnd,
    { server, facts, rows }: Omit<LoggedRecord, keyof LogEnd>,
  ): Promise<LogEnd | undefined> {
    const values = [this.#lottery, position, chain, facts, rows, server];
    const [row] = await session.commit<Row>(APPEND, values);
    return row && { position: Number(row.position), chain: row.chain };
  }

  /** Locks the end of the log until the end of the transaction that it begins: no other server appends meanwhile. */
  async lock(session: Session): Promise<void> {
    await session.query('BEGIN');
    await session.query('SELECT 1 FROM lottery WHERE id = $1 FOR UPDATE', [this.#lottery]);
  }

  /** The records after a position without their rows, as many as one statement reads. */
  async after(session: Session, position: number): Promise<Omit<LoggedRecord, 'rows'>[]> {
    const rows = await session.query<Row>(
      `SELECT position, server, facts, chain FROM log
       WHERE lottery = $1 AND position > $2 ORDER BY position LIMIT ${FACTS_PAGE}`,
      [this.#lottery, position],
    );
    return rows.map(row => ({ ...row, position: Number(row.position) }));
  }

  /**
   * The records up to `last`, each held against the chain. Page by page along the primary key: what is in the log does not change, and the
   * server keeps no snapshot for it.
   *
   * @throws StoreError `unusable` (as a rejection) when one is missing or changed
   */
  async *records(session: Session, last: number): AsyncGenerator<LoggedRecord> {
    let end = LOG_START;
    while (end.position < last) {
      const page = await session.query<Row>(
        `SELECT position, server, facts, rows, chain FROM log
         WHERE lottery = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT ${ROWS_PAGE}`,
        [this.#lottery, end.position, last],
      );
      if (page.length === 0) throw this.#unusable(`lacks record ${end.position + 1}`);
      for (const row of page) {
        const position = Number(row.position);
        const chain = sha256(Buffer.concat([end.chain, sha256(row.facts), sha256(row.rows)]));
        if (position !== end.position + 1 || !chain.equals(row.chain)) {
          throw this.#unusable(`is damaged: record ${end.position + 1} is not what its chain says`);
        }
        end = { position, chain };
        yield { ...row, position };
      }
    }
  }

  #unusable(what: string): StoreError {
    return new StoreError('unusable', `the lottery ${this.#lottery} ${what}`);
  }
}

function sha256(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}
