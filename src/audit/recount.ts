import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { BetsDigest, Counted } from '../lottery/acta.ts';
import { AgencyDigests } from '../lottery/agency-digests.ts';
import type { Bet } from '../lottery/bet.ts';
import { RowCheck } from '../lottery/row-check.ts';

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
  const counter = new RowCounter(hasWon);
  const rows = new RowCheck(bet => counter.add(bet));
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
    bets: counter.bets,
    winners: counter.winners,
    fault: rows.fault,
  };
}

class RowCounter {
  readonly bets = new Map<number, number>();
  readonly #hasWon: (bet: Bet) => boolean;
  readonly #winners = new Map<number, { count: number; readonly hash: Hash }>();

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

  add(bet: Bet): void {
    this.bets.set(bet.agency, (this.bets.get(bet.agency) ?? 0) + 1);
    if (this.#hasWon(bet)) this.#addWinner(bet);
  }

  #addWinner({ agency, document }: Bet): void {
    let winners = this.#winners.get(agency);
    if (winners === undefined)
      this.#winners.set(agency, (winners = { count: 0, hash: createHash('sha256') }));
    winners.count += 1;
    winners.hash.update(`${document}\n`);
  }
}
