import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { BetsDigest, Counted } from '../lottery/acta.ts';
import { AgencyDigests } from '../lottery/agency-digests.ts';
import type { Bet } from '../lottery/bet.ts';
import { AGENCY_MAX, findFault } from '../lottery/bet-rules.ts';
import { CsvReader } from '../lottery/csv-reader.ts';
import { betOf, ROW_BYTES_MAX, ROW_FIELDS } from '../lottery/row-decoder.ts';

const CHUNK_BYTES = 256 * 1024;

/** The content of a `bets.csv`. */
export interface Recount extends BetsDigest {
  readonly bets: ReadonlyMap<number, number>;
  readonly winners: ReadonlyMap<number, Counted>;
  /** The first invalid row. Later rows count in `bytes` and `sha256` only. */
  readonly fault: string | undefined;
}

/** Counts the rows of a `bets.csv` in constant memory. */
export async function recount(path: string, hasWon: (bet: Bet) => boolean): Promise<Recount> {
  const rows = new RowCounter(hasWon);
  const agencies = new AgencyDigests();
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, {
    highWaterMark: CHUNK_BYTES,
  }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    rows.push(chunk);
    // Invalid lines can have any length and any number of agencies.
    if (rows.fault === undefined) agencies.push(chunk);
  }
  rows.end();
  return {
    bytes,
    sha256: hash.digest('hex'),
    agencies: agencies.sha256s,
    bets: rows.bets,
    winners: rows.winners,
    fault: rows.fault,
  };
}

class RowCounter {
  readonly bets = new Map<number, number>();
  fault: string | undefined;
  readonly #hasWon: (bet: Bet) => boolean;
  readonly #reader = new CsvReader({ recordBytesMax: ROW_BYTES_MAX });
  readonly #winners = new Map<number, { count: number; readonly hash: Hash }>();
  /** Of the fields after the agency. */
  readonly #starts = this.#reader.starts.subarray(1);
  readonly #ends = this.#reader.ends.subarray(1);

  constructor(hasWon: (bet: Bet) => boolean) {
    this.#hasWon = hasWon;
  }

  get winners(): ReadonlyMap<number, Counted> {
    return new Map(
      [...this.#winners].map(([agency, { count, hash }]) => [
        agency,
        { count, sha256: hash.copy().digest('hex') },
      ]),
    );
  }

  push(chunk: Uint8Array): void {
    if (this.fault !== undefined) return;
    this.#reader.push(chunk);
    this.#count();
  }

  end(): void {
    if (this.fault !== undefined) return;
    this.#reader.end();
    this.#count();
  }

  #count(): void {
    const reader = this.#reader;
    for (let step = reader.next(); step === 'record' || step === 'broken'; step = reader.next()) {
      const bet = step === 'record' && reader.fieldCount === ROW_FIELDS ? betOf(reader) : undefined;
      if (bet === undefined || bet.agency < 1 || bet.agency > AGENCY_MAX) {
        this.fault = `line ${reader.line} is not a row of bets.csv`;
        return;
      }
      const fault = findFault({ bytes: reader.bytes, starts: this.#starts, ends: this.#ends });
      if (fault !== undefined) {
        this.fault = `line ${reader.line} is no valid bet, ${fault.field} ${fault.reason}`;
        return;
      }
      this.bets.set(bet.agency, (this.bets.get(bet.agency) ?? 0) + 1);
      if (this.#hasWon(bet)) this.#addWinner(bet);
    }
  }

  #addWinner({ agency, document }: Bet): void {
    let winners = this.#winners.get(agency);
    if (winners === undefined)
      this.#winners.set(agency, (winners = { count: 0, hash: createHash('sha256') }));
    winners.count += 1;
    winners.hash.update(`${document}\n`);
  }
}
