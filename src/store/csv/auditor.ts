import type { Bet } from '../../lottery/bet.ts';
import { RowDecoder } from '../../lottery/row-decoder.ts';
import type { Drawn, Group, JournalRecord } from './journal-record.ts';

/** The source of its rows in a DamageError, which has file and offset. */
const ROWS = 'the rows from there';

/** Rows of a batch, or of an adopted file. */
interface Section {
  bytesLeft: number;
  /** Bets of each agency that are still expected. */
  readonly betsLeft: Map<number, number>;
}

/**
 * Compares the rows of `bets.csv` with the journal, bet by bet. Throws an Error for each mismatch.
 */
export class Auditor {
  readonly #hasWon: (bet: Bet) => boolean;
  readonly #finished = new Set<number>();
  readonly #winners = new Map<number, string[]>();
  #bets = 0;
  /** End of the rows so far, in the journal. */
  #end = 0;
  /** The rest of the current record. */
  #sections: Section[] = [];
  #decoder = new RowDecoder(ROWS);

  constructor(hasWon: (bet: Bet) => boolean) {
    this.#hasWon = hasWon;
  }

  onRecord(record: JournalRecord): void {
    switch (record.type) {
      case 'adopt':
        this.#sections = [{ bytesLeft: record.end, betsLeft: new Map(record.bets) }];
        this.#end = record.end;
        return;
      case 'group':
        this.#sections = this.#sectionsOf(record);
        return;
      case 'finished':
        this.#finished.add(record.agency);
        return;
      case 'reopened':
      case 'void':
        this.#finished.delete(record.agency);
        return;
      case 'draw':
        this.#compareDraw(record);
        return;
      case 'close':
        if (record.bets !== this.#bets && !record.withdrawn)
          throw new Error(`an acta of ${record.bets} bets, ${this.#bets} are there`);
        return;
      case 'begin':
      case 'agencies':
      case 'checkpoint':
    }
  }

  onRows(piece: Uint8Array): void {
    let at = 0;
    while (at < piece.length) {
      const section = this.#sections[0];
      if (section === undefined) throw new Error('rows that belong to no batch');
      const end = Math.min(piece.length, at + section.bytesLeft);
      this.#decoder.push(piece.subarray(at, end));
      this.#decoder.visit(bet => this.#count(bet, section));
      section.bytesLeft -= end - at;
      at = end;
      if (section.bytesLeft === 0) this.#endSection(section);
    }
  }

  onRowsEnd(): void {
    while (this.#sections.length > 0) this.#endSection(this.#sections[0]!);
  }

  #sectionsOf({ batches, end }: Group): Section[] {
    const sections: Section[] = [];
    for (const batch of batches) {
      const [agency, count, bytes] = 'reason' in batch ? [batch.agency, 0, 0] : batch;
      if (this.#finished.has(agency))
        throw new Error(`a batch of agency ${agency}, which had finished`);
      this.#end += bytes;
      if (bytes > 0 || count > 0)
        sections.push({ bytesLeft: bytes, betsLeft: new Map([[agency, count]]) });
    }
    if (this.#end !== end) throw new Error(`its batches end at ${this.#end}, it says ${end}`);
    return sections;
  }

  #endSection(section: Section): void {
    this.#decoder.end();
    this.#decoder.visit(bet => this.#count(bet, section));
    for (const [agency, bets] of section.betsLeft) {
      if (bets > 0) throw new Error(`${bets} bets of agency ${agency} fewer than the journal says`);
    }
    this.#sections.shift();
    this.#decoder = new RowDecoder(ROWS);
  }

  #count(bet: Bet, { betsLeft }: Section): void {
    const { agency, document } = bet;
    const left = betsLeft.get(agency) ?? 0;
    if (left === 0) throw new Error(`a bet of agency ${agency} where the journal has none`);
    betsLeft.set(agency, left - 1);
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
