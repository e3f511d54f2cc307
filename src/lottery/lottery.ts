import type { Draw } from './draw.ts';
import { type Acta, type ByHand, type Fact, isByHand, type Seal } from './fact.ts';
import { parseAgencies } from './agency-ranges.ts';
import { Uploads } from './uploads.ts';

export type LotteryState = 'open' | 'complete' | 'closed' | 'drawn';

/**
 * Why the lottery does not take bets of an agency. Codes of the protocol, explained in
 * `docs/ERRORS.md`.
 */
export type BetsRefusal = 'unauthorized' | 'agency-finished' | 'draw-closed';

/**
 * The rules of the lottery, as a state machine without any input or output:
 *
 *     open ── every expected agency finished ──▶ complete ── acta ──▶ closed ── draw held ──▶ drawn
 *      ▲                                                                │
 *      └──────────────── something is done by hand ◀────────────────────┘
 *
 * Bets are taken while open, of expected agencies that have not finished. Winners exist only when
 * drawn. The caller makes each fact durable before applying it ("log, apply, answer"); replay in
 * the same order leads to the same state.
 */
export class Lottery {
  /** The resumable uploads. */
  readonly uploads = new Uploads();
  #expected: ReadonlySet<number> = new Set();
  /** In ascending order. */
  #missing = new Set<number>();
  readonly #finished = new Set<number>();
  readonly #bets = new Map<number, number>();
  /** Agencies with bets that are not expected. */
  #others = new Set<number>();
  #betsInAll = 0;
  /** Of no upload, of agencies that have not finished since. */
  readonly #betsOutsideUploads = new Map<number, number>();
  readonly #interventions: ByHand[] = [];
  #acta: Acta | undefined;
  readonly #withdrawn: Acta[] = [];
  #draw: Draw | undefined;
  #seal: Seal | undefined;
  #onChange: (fact: Fact) => void = () => {};
  /** Number of facts that were applied: a version, to notice changes. */
  applied = 0;

  /** @param expected the agencies that the draw waits for, until a fact says which */
  constructor(expected: Iterable<number>) {
    this.#expect(expected);
  }

  get state(): LotteryState {
    if (this.#draw !== undefined) return 'drawn';
    if (this.#acta !== undefined) return 'closed';
    return this.#expected.size > 0 && this.#missing.size === 0 ? 'complete' : 'open';
  }

  get expected(): ReadonlySet<number> {
    return this.#expected;
  }

  /** Interventions of operators, in order. */
  get interventions(): readonly ByHand[] {
    return this.#interventions;
  }

  /** The expected agencies that have not finished, in ascending order. */
  get missing(): number[] {
    return [...this.#missing];
  }

  get missingCount(): number {
    return this.#missing.size;
  }

  /** The first of `missing`, at no cost that grows with their number. */
  firstMissing(max: number): number[] {
    return [...this.#missing.values().take(max)];
  }

  /** The agencies that have finished, in ascending order. */
  get finished(): number[] {
    return [...this.#finished].toSorted((a, b) => a - b);
  }

  /** Every expected agency and every other one with bets, in ascending order. */
  get agencies(): number[] {
    return this.firstAgencies(Infinity);
  }

  /**
   * The first of `agencies`, at a cost that grows with the number of those that are not expected.
   */
  firstAgencies(max: number): number[] {
    const expected = this.#expected.values().take(max);
    return [...expected, ...this.#others].toSorted((a, b) => a - b).slice(0, max);
  }

  get agenciesInAll(): number {
    return this.#expected.size + this.#others.size;
  }

  /** Number of bets that are stored, of each agency that has any. */
  get bets(): ReadonlyMap<number, number> {
    return this.#bets;
  }

  /**
   * Number of bets of no upload that an agency has stored and not finished. The base protocol
   * cannot resume: a file that is sent after them may hold the same bets.
   */
  betsOutsideUploads(agency: number): number {
    return this.#betsOutsideUploads.get(agency) ?? 0;
  }

  /** Number of bets that are stored in all. */
  get betsInAll(): number {
    return this.#betsInAll;
  }

  /** The acta de cierre; undefined before the close. */
  get acta(): Acta | undefined {
    return this.#acta;
  }

  /** The withdrawn actas, in order. */
  get withdrawnActas(): readonly Acta[] {
    return this.#withdrawn;
  }

  /** Undefined before the draw. */
  get draw(): Draw | undefined {
    return this.#draw;
  }

  /** The seal of the bets; undefined before the draw. */
  get seal(): Seal | undefined {
    return this.#seal;
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

  /** Calls `onChange` after each fact that is applied. */
  watch(onChange: (fact: Fact) => void): void {
    this.#onChange = onChange;
  }

  /**
   * Applies what is durable. Facts of agencies that are not expected (any more) are kept and change
   * nothing else.
   */
  apply(fact: Fact): void {
    this.#apply(fact);
    this.applied += 1;
    this.#onChange(fact);
  }

  #apply(fact: Fact): void {
    if (isByHand(fact)) this.#intervene(fact);
    switch (fact.kind) {
      case 'agencies':
        this.#expect(parseAgencies(fact.agencies) as number[]);
        return;
      case 'adopted':
        for (const [agency, count] of fact.bets) this.#count(agency, count);
        return;
      case 'stored':
        this.#count(fact.agency, fact.count);
        if (fact.place === undefined) add(this.#betsOutsideUploads, fact.agency, fact.count);
        else this.uploads.stored(fact.agency, fact.place, fact.count);
        return;
      case 'refused':
        this.uploads.refused(fact.agency, fact.place, fact.fault);
        return;
      case 'finished':
        this.#finished.add(fact.agency);
        this.#missing.delete(fact.agency);
        this.#betsOutsideUploads.delete(fact.agency);
        if (fact.upload !== undefined) this.uploads.complete(fact.agency, fact.upload);
        return;
      case 'reopened':
        this.#finished.delete(fact.agency);
        this.uploads.allowVoided(fact.agency);
        this.#expect(this.#expected);
        return;
      case 'voided': {
        const { agency, upload, uploads } = fact;
        const ofUploads = this.uploads.void(agency, upload, uploads);
        this.#count(agency, upload === undefined ? -(this.#bets.get(agency) ?? 0) : -ofUploads);
        if (upload === undefined) {
          this.#bets.delete(agency);
          this.#betsOutsideUploads.delete(agency);
        }
        this.#finished.delete(agency);
        this.#expect(this.#expected);
        return;
      }
      case 'closed':
        if (this.#acta !== undefined) throw new Error('a lottery is closed once');
        this.#acta = fact.acta;
        return;
      case 'drawn':
        if (this.#draw !== undefined) throw new Error('a draw is held once');
        this.#draw = fact.draw;
        this.#seal = fact.seal;
    }
  }

  /** The documents of the agency's own winners in stored order; undefined before the draw. */
  winnersOf(agency: number): readonly string[] | undefined {
    if (this.#draw === undefined) return undefined;
    return this.#draw.winners.get(agency) ?? [];
  }

  /** Until the draw a close can be undone. */
  #intervene(fact: ByHand): void {
    this.#interventions.push(fact);
    if (this.#acta !== undefined) this.#withdrawn.push(this.#acta);
    this.#acta = undefined;
  }

  #expect(agencies: Iterable<number>): void {
    this.#expected = new Set([...agencies].toSorted((a, b) => a - b));
    this.#others = new Set(this.#bets.keys()).difference(this.#expected);
    const missing = [...this.#expected].filter(agency => !this.#finished.has(agency));
    this.#missing = new Set(missing);
  }

  #count(agency: number, bets: number): void {
    this.#betsInAll += bets;
    add(this.#bets, agency, bets);
    if (!this.#expected.has(agency)) this.#others.add(agency);
  }
}

function add(counts: Map<number, number>, agency: number, bets: number): void {
  counts.set(agency, (counts.get(agency) ?? 0) + bets);
}
