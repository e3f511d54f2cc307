import { RowDecoder } from '../../lottery/bet-row.ts';
import type { Bet } from '../../lottery/bet.ts';
import type { Adopt, Drawn, Group, JournalRecord } from './journal-record.ts';
import { BETS_FILE } from './store-walk.ts';

/** Counts the rows of `bets.csv` against its journal, bet by bet. Throws Errors that say what is wrong. */
export class Auditor {
  readonly #hasWon: (bet: Bet) => boolean;
  readonly #finished = new Set<number>();
  readonly #winners = new Map<number, string[]>();
  #bets = 0;
  /** End of the rows so far, as the journal says. */
  #end = 0;
  #decoder = new RowDecoder(BETS_FILE);
  /** The bets that the journal speaks of and that were not seen yet: in the order of their batches, or in any. */
  #due: { readonly agency: number; count: number }[] = [];
  #dueInOrder = true;

  constructor(hasWon: (bet: Bet) => boolean) {
    this.#hasWon = hasWon;
  }

  /** Takes a record, whose rows come next. */
  onRecord(record: JournalRecord): void {
    this.#decoder = new RowDecoder(BETS_FILE);
    if (record.type === 'adopt') this.#expectAdopted(record);
    if (record.type === 'group') this.#expectGroup(record);
    if (record.type === 'finished') this.#finished.add(record.agency);
    if (record.type === 'draw') this.#compareDraw(record);
  }

  onRows(piece: Uint8Array): void {
    for (const bet of this.#decoder.push(piece)) this.#count(bet);
  }

  onRowsEnd(): void {
    for (const bet of this.#decoder.end()) this.#count(bet);
    const missing = this.#due.reduce((sum, { count }) => sum + count, 0);
    if (missing > 0) throw new Error(`${missing} bets fewer than the journal says`);
  }

  #expectAdopted({ bets, end }: Adopt): void {
    this.#due = bets.map(([agency, count]) => ({ agency, count }));
    this.#dueInOrder = false;
    this.#end = end;
  }

  #expectGroup({ batches, end }: Group): void {
    this.#due = [];
    this.#dueInOrder = true;
    for (const batch of batches) {
      const [agency, count, bytes] = 'reason' in batch ? [batch.agency, 0, 0] : batch;
      if (this.#finished.has(agency)) throw new Error(`a batch of agency ${agency}, which had finished`);
      this.#due.push({ agency, count });
      this.#end += bytes;
    }
    if (this.#end !== end) throw new Error(`its batches end at ${this.#end}, it says ${end}`);
  }

  #count(bet: Bet): void {
    const { agency, document } = bet;
    if (this.#dueInOrder) while (this.#due[0]?.count === 0) this.#due.shift();
    const due = this.#dueInOrder ? this.#due[0] : this.#due.find(one => one.agency === agency);
    if (due?.agency !== agency || due.count === 0) {
      throw new Error(`a bet of agency ${agency} where the journal has none`);
    }
    due.count -= 1;
    this.#bets += 1;
    if (!this.#hasWon(bet)) return;
    const documents = this.#winners.get(agency);
    if (documents === undefined) this.#winners.set(agency, [document]);
    else documents.push(document);
  }

  #compareDraw({ bets, winners }: Drawn): void {
    if (bets !== this.#bets) throw new Error(`a draw over ${bets} bets, ${this.#bets} are there`);
    const told = new Map(winners);
    for (const agency of new Set([...told.keys(), ...this.#winners.keys()])) {
      if (told.get(agency)?.join() !== this.#winners.get(agency)?.join()) {
        throw new Error(`the winners of agency ${agency} are not those of its bets`);
      }
    }
  }
}
