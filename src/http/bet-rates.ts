import type { CentralStatus } from '../observe/status.ts';
import type { SnapshotSecond } from './snapshot.ts';

const HISTORY_SECONDS = 300;
const SECOND_MS = 1000;

/** How many bets there were at a time. */
interface Sample {
  readonly timeMs: number;
  readonly bets: number;
  readonly byAgency: ReadonlyMap<number, number>;
}

/** How fast bets are stored, from looking at their numbers once a second. */
export class BetRates {
  #last: Sample | undefined;
  #perSecond = 0;
  #perSecondByAgency: ReadonlyMap<number, number> = new Map();
  readonly #history: SnapshotSecond[] = [];

  get perSecond(): number {
    return this.#perSecond;
  }

  /** The last seconds that were looked at, oldest first. */
  get history(): readonly SnapshotSecond[] {
    return this.#history;
  }

  perSecondOf(agency: number): number {
    return this.#perSecondByAgency.get(agency) ?? 0;
  }

  /** Looks at the numbers just after a second has ended. The first time is where counting begins. */
  sample(timeMs: number, { bets, agencies }: Pick<CentralStatus, 'bets' | 'agencies'>): void {
    const byAgency = new Map(agencies.map(each => [each.agency, each.bets]));
    const last = this.#last;
    this.#last = { timeMs, bets, byAgency };
    if (last === undefined) return;
    // What came before the first full second is too short to tell a rate from.
    const seconds = Math.max(SECOND_MS, timeMs - last.timeMs) / SECOND_MS;
    // A replicated store that has lost its end has fewer, until they are given back to it: that is no rate.
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
    // The clock may have been set back, or the timer come a little early.
    if (newest !== undefined && newest.second >= second) {
      this.#history[this.#history.length - 1] = { second: newest.second, bets: newest.bets + bets };
      return;
    }
    this.#history.push({ second, bets });
    if (this.#history.length > HISTORY_SECONDS) this.#history.shift();
  }
}
