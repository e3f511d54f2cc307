import type { Draw } from './draw.ts';

export type LotteryState = 'open' | 'complete' | 'drawn';

/** Why the lottery does not take bets of an agency. Codes of the protocol, explained in `docs/ERRORS.md`. */
export type BetsRefusal = 'unauthorized' | 'agency-finished' | 'draw-closed';

/**
 * The rules of the lottery, as a state machine without any input or output:
 *
 *     open ── every expected agency finished ──▶ complete ── draw held ──▶ drawn
 *
 * Bets are taken while open, of expected agencies that have not finished. Winners exist only when drawn.
 * Whoever uses it has made each fact durable before telling it here ("log, apply, answer").
 */
export class Lottery {
  readonly #expected: ReadonlySet<number>;
  readonly #finished = new Set<number>();
  #draw: Draw | undefined;

  constructor(expected: Iterable<number>) {
    this.#expected = new Set(expected);
  }

  get state(): LotteryState {
    if (this.#draw !== undefined) return 'drawn';
    return this.#expected.size > 0 && this.missing.length === 0 ? 'complete' : 'open';
  }

  /** The expected agencies that have not finished, in ascending order. */
  get missing(): number[] {
    return [...this.#expected].filter(agency => !this.#finished.has(agency)).toSorted((a, b) => a - b);
  }

  expects(agency: number): boolean {
    return this.#expected.has(agency);
  }

  /** Why bets of this agency are not taken now; undefined when they are. */
  refusalOfBets(agency: number): BetsRefusal | undefined {
    if (!this.#expected.has(agency)) return 'unauthorized';
    if (this.#draw !== undefined) return 'draw-closed';
    return this.#finished.has(agency) ? 'agency-finished' : undefined;
  }

  hasFinished(agency: number): boolean {
    return this.#finished.has(agency);
  }

  /** The agency has sent all its bets. Saying it again changes nothing. */
  finish(agency: number): void {
    if (!this.#expected.has(agency)) throw new Error(`agency ${agency} is not expected`);
    this.#finished.add(agency);
  }

  /** The draw has been held. It is held once, when every expected agency has finished. */
  close(draw: Draw): void {
    if (this.state !== 'complete') throw new Error(`a draw cannot be held when the lottery is ${this.state}`);
    this.#draw = draw;
  }

  /** The documents of the agency's own winners in stored order; undefined before the draw. */
  winnersOf(agency: number): readonly string[] | undefined {
    if (this.#draw === undefined) return undefined;
    return this.#draw.winners.get(agency) ?? [];
  }
}
