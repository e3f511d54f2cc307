import type { CentralStatus } from '../observe/status.ts';
import type { SnapshotSecond } from './snapshot.ts';

const HISTORY_SECONDS = 300;
const SECOND_MS = 1000;

interface Sample {
  readonly timeMs: number;
  readonly bets: number;
  readonly byAgency: ReadonlyMap<number, number>;
}

/** Bets per second, from samples of the totals once a second. */
export class BetRates {
  #last: Sample | undefined;
  #perSecond = 0;
  #perSecondByAgency: ReadonlyMap<number, number> = new Map();
  readonly #history: SnapshotSecond[] = [];

  get perSecond(): number {
    return this.#perSecond;
  }

  /** Bets of the last 300 seconds, oldest first. */
  get history(): readonly SnapshotSecond[] {
    return this.#history;
  }

  perSecondOf(agency: number): number {
    return this.#perSecondByAgency.get(agency) ?? 0;
  }

  /** Call just after the end of each second. The first call sets the base. */
  sample(timeMs: number, { bets, agencies }: Pick<CentralStatus, 'bets' | 'agencies'>): void {
    const byAgency = new Map(agencies.map(each => [each.agency, each.bets]));
    const last = this.#last;
    this.#last = { timeMs, bets, byAgency };
    if (last === undefined) return;
    // A shorter interval, before the first full second, gives no useful rate.
    const seconds = Math.max(SECOND_MS, timeMs - last.timeMs) / SECOND_MS;
    // A database that was restored to an earlier time has fewer bets.
    const more = (now: number, before = 0): number => Math.max(0, now - before);
    const rate = (now: number, before = 0): number => Math.round(more(now, before) / seconds);
    this.#perSecond = rate(bets, last.bets);
    this.#perSecondByAgency = new Map(
      [...byAgency].map(([agency, now]) => [agency, rate(now, last.byAgency.get(agency))]),
    );
    this.#remember(Math.floor(timeMs / SECOND_MS) - 1, more(bets, last.bets));
  }

  #remember(second: number, bets: number): void {
    const newest = this.#history.at(-1);
    // The clock was set back, or the timer fired early.
    if (newest !== undefined && newest.second >= second) {
      this.#history[this.#history.length - 1] = { second: newest.second, bets: newest.bets + bets };
      return;
    }
    this.#history.push({ second, bets });
    if (this.#history.length > HISTORY_SECONDS) this.#history.shift();
  }
}
