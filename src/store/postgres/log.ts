import { createHash } from 'node:crypto';
import type { Fact } from '../../lottery/fact.ts';
import { StoreError } from '../store.ts';
import { FACTS_PAGE, PAGE_BYTES } from './limits.ts';
import { BARRIER, type Session, type Statement } from './session.ts';

/** A position in the log, and the hash chain up to it. */
export interface LogEnd {
  /** Number of records up to there. */
  readonly position: number;
  /** SHA-256 over the chain before and the SHA-256 of facts and of rows; empty at the start. */
  readonly chain: Uint8Array;
}

export const LOG_START: LogEnd = { position: 0, chain: new Uint8Array() };

export interface NewRecord {
  /** Name of the server process that appends it. */
  readonly server: string;
  readonly facts: readonly Fact[];
  readonly rows: Uint8Array;
}

/** A record without its rows. */
export type LoggedRecord = LogEnd & Omit<NewRecord, 'rows'>;

/** Columns as the client returns them: a bigint is text. */
export type Row = Readonly<
  Record<'position' | 'server' | 'facts', string> & Record<'rows' | 'chain', Buffer>
>;

const ROW_END = '\r\n';

interface FoundLottery {
  /** The expected ones, until a fact changes them. */
  readonly agencies: string;
  readonly begun: Date;
  readonly head: string;
}

/** Compare-and-append: writes a record if the log ends where it is expected to. */
const APPEND = `
  WITH moved AS (
    UPDATE lottery SET head = head + 1, chain = sha256(chain || sha256(convert_to($4, 'UTF8')) || sha256($5))
    WHERE id = $1 AND head = $2 AND chain = $3 RETURNING head, chain
  ), kept AS (
    INSERT INTO log (lottery, position, server, facts, rows, chain)
    SELECT $1, head, $6, $4, $5, chain FROM moved RETURNING position, chain
  )
  SELECT position, chain, CASE WHEN $7 THEN pg_notify('loteria', $6) END FROM kept`;

const AFTER = `
  SELECT position, server, facts, chain FROM log
  WHERE lottery = $1 AND position > $2 ORDER BY position LIMIT ${FACTS_PAGE}`;

const WITH_ROWS = `
  SELECT position, server, facts, rows, chain FROM (
    SELECT *, sum(octet_length(rows)) OVER (ORDER BY position) - octet_length(rows) AS before FROM log
    WHERE lottery = $1 AND position > $2 AND position <= least($2 + ${FACTS_PAGE}, $3)
  ) AS page WHERE before < ${PAGE_BYTES} ORDER BY position`;

const VOIDS = `
  SELECT position, server, facts, chain FROM log
  WHERE lottery = $1 AND position <= $2 AND facts LIKE '%"kind":"voided"%' ORDER BY position`;

/** The statements about one lottery. */
export class Log {
  readonly #id: string;

  constructor(id: string) {
    this.#id = id;
  }

  /** Creates the lottery unless it exists. @param agencies the expected ones, such as `1-5,7` */
  make(agencies: string): Statement {
    const text = 'INSERT INTO lottery (id, agencies) VALUES ($1, $2) ON CONFLICT DO NOTHING';
    return { text, values: [this.#id, agencies] };
  }

  /** Appends after an end, and returns the record; nothing when the log has moved. */
  append({ position, chain }: LogEnd, { server, facts, rows }: NewRecord): Statement {
    // Others read bets each second, or when they append.
    const isNews = facts.some(({ kind }) => kind !== 'stored');
    const values = [this.#id, position, chain, encodeFacts(facts), rows, server, isNews];
    return { name: 'append', text: APPEND, values };
  }

  /** A page of the records after a position, which may not be durable before the next commit. */
  after(position: number): Statement {
    return { name: 'after', text: AFTER, values: [this.#id, position] };
  }

  /** A row if the log has the same records up to an end; a committed barrier makes them durable. */
  check({ position, chain }: LogEnd, isBarrier: boolean): Statement {
    const text = `${isBarrier ? BARRIER : 'SELECT'} WHERE $2 = 0 OR EXISTS (SELECT FROM log WHERE lottery = $1 AND position = $2 AND chain = $3)`;
    return { name: isBarrier ? 'barrier' : 'check', text, values: [this.#id, position, chain] };
  }

  /** Keeps others from appending until the end of the transaction. */
  lock(): Statement {
    return {
      name: 'lock',
      text: 'SELECT 1 FROM lottery WHERE id = $1 FOR UPDATE',
      values: [this.#id],
    };
  }

  /** @throws StoreError `unusable` (as a rejection) when there is no such lottery */
  async find(session: Session): Promise<FoundLottery> {
    const text = 'SELECT agencies, begun, head FROM lottery WHERE id = $1';
    const [found] = await session.query<FoundLottery>(text, [this.#id]);
    if (found !== undefined) return found;
    throw this.#unusable(
      'is not in the database; STORE_LOTTERY names it, and the first server makes it',
    );
  }

  /**
   * The records up to `last`, without void rows.
   *
   * @throws StoreError `unusable` (as a rejection) when the chain does not match
   */
  async *records(session: Session, last: number): AsyncGenerator<LoggedRecord & NewRecord> {
    const voids = (await session.query<Row>(VOIDS, [this.#id, last])).map(decode);
    let end = LOG_START;
    while (end.position < last) {
      const page = await session.query<Row>(WITH_ROWS, [this.#id, end.position, last]);
      if (page.length === 0) throw this.#unusable(`lacks record ${end.position + 1}`);
      for (const row of page) {
        const record = decode(row);
        const chain = sha256(Buffer.concat([end.chain, sha256(row.facts), sha256(row.rows)]));
        if (record.position !== end.position + 1 || !chain.equals(row.chain))
          throw this.#unusable(`is damaged: record ${end.position + 1} is not what its chain says`);
        end = record;
        yield { ...record, rows: keptRows(record, row.rows, voids) };
      }
    }
  }

  #unusable(what: string): StoreError {
    return new StoreError('unusable', `the lottery ${this.#id} ${what}`);
  }
}

export function decode({ position, server, facts, chain }: Row): LoggedRecord {
  return { position: Number(position), server, facts: decodeFacts(facts), chain };
}

/** The rows of a record without those voided later. Fields have no line ends. */
function keptRows(
  { position, facts }: LoggedRecord,
  rows: Buffer,
  voids: readonly LoggedRecord[],
): Buffer {
  const later = voids.filter(record => record.position > position).flatMap(record => record.facts);
  const takesBack = (fact: Fact, agency: number, upload: string | undefined): boolean =>
    fact.kind === 'voided' && fact.agency === agency && [undefined, upload].includes(fact.upload);
  if (later.length === 0) return rows;
  const kept: Buffer[] = [];
  let start = 0;
  for (const fact of facts) {
    if (fact.kind !== 'stored') continue;
    let end = start;
    for (let left = fact.count; left > 0; left -= 1)
      end = rows.indexOf(ROW_END, end) + ROW_END.length;
    if (!later.some(other => takesBack(other, fact.agency, fact.place?.upload)))
      kept.push(rows.subarray(start, end));
    start = end;
  }
  return Buffer.concat(kept);
}

function sha256(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

/** Facts as a JSON array, winners as pairs. */
function encodeFacts(facts: readonly Fact[]): string {
  return JSON.stringify(facts, (_, value: unknown) => (value instanceof Map ? [...value] : value));
}

function decodeFacts(text: string): Fact[] {
  return (JSON.parse(text) as Fact[]).map(fact =>
    fact.kind === 'drawn'
      ? { ...fact, draw: { ...fact.draw, winners: new Map(fact.draw.winners) } }
      : fact,
  );
}
