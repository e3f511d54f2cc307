import type { CentralStatus } from '../observe/status.ts';
import type { SnapshotSecond } from './snapshot.ts';

const HISTORY_SECONDS = 300;
const SECOND_MS = 1000;

interface Sample {
  readonly elapsedMs: number;
  readonly bets: number;
  readonly byAgency: ReadonlyMap<number, number>;
}

/** Bets per second, from samples of the totals once a second, in monotonic time. */
export class BetRates {
  #last: Sample | undefined;
  #perSecond = 0;
  #perSecondByAgency: ReadonlyMap<number, number> = new Map();
  /** Bets of the last seconds, oldest first. */
  readonly #history: number[] = [];
  /** The second after the last one of the history. */
  #end = 0;

  get perSecond(): number {
    return this.#perSecond;
  }

  /**
   * Bets of the last 300 seconds, oldest first; after the close, of the 300 seconds before it.
   *
   * @param beginMs Unix time at which the monotonic time was 0, by the present wall clock
   */
  history(beginMs: number): SnapshotSecond[] {
    const first = Math.round(beginMs / SECOND_MS) + this.#end - this.#history.length;
    return this.#history.map((bets, index) => ({ second: first + index, bets }));
  }

  perSecondOf(agency: number): number {
    return this.#perSecondByAgency.get(agency) ?? 0;
  }

  /** Call once after the end of each second. The first call sets the base. */
  sample(elapsedMs: number, status: Pick<CentralStatus, 'bets' | 'agencies' | 'state'>): void {
    const { bets, agencies, state } = status;
    const byAgency = new Map(agencies.map(each => [each.agency, each.bets]));
    const last = this.#last;
    this.#last = { elapsedMs, bets, byAgency };
    const second = Math.floor(elapsedMs / SECOND_MS);
    if (last === undefined) {
      this.#end = second;
      return;
    }
    // A shorter interval, before the first full second, gives no useful rate.
    const seconds = Math.max(SECOND_MS, elapsedMs - last.elapsedMs) / SECOND_MS;
    // A database that was restored to an earlier time has fewer bets.
    const more = (now: number, before = 0): number => Math.max(0, now - before);
    const rate = (now: number, before = 0): number => Math.round(more(now, before) / seconds);
    this.#perSecond = rate(bets, last.bets);
    this.#perSecondByAgency = new Map(
      [...byAgency].map(([agency, now]) => [agency, rate(now, last.byAgency.get(agency))]),
    );
    const added = more(bets, last.bets);
    if (state === 'open' || added > 0) this.#remember(second, added);
  }

  /** Adds the bets since the last sample, evenly to the seconds that have ended since. */
  #remember(end: number, bets: number): void {
    const count = end - this.#end;
    const before = (part: number): number => Math.floor((bets * part) / count);
    for (let part = 0; part < count; part += 1) this.#history.push(before(part + 1) - before(part));
    this.#history.splice(0, this.#history.length - HISTORY_SECONDS);
    this.#end = end;
  }
}
