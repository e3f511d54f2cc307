import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';
import { winnersInAll } from '../lottery/draw.ts';
import type { Bet } from '../lottery/bet.ts';
import { type Acta, type Fact, isByHand } from '../lottery/fact.ts';
import type { BetsRefusal, Lottery } from '../lottery/lottery.ts';
import { readActa, sha256OfActa } from '../lottery/acta.ts';
import type { Upload } from '../lottery/uploads.ts';
import { AGENCIES_LISTED_MAX, type CentralEvent, type Emit } from '../observe/events.ts';
import { AGENCIES_SHOWN_MAX, type CentralStatus } from '../observe/status.ts';
import { type Store, StoreError } from '../store/store.ts';
import type { Limits } from '../wire/limits.ts';
import type { Refusal } from '../wire/refusal.ts';
import { Backpressure } from './backpressure.ts';
import { type Actas, DrawHolder } from './draw-holder.ts';
import {
  type Classified,
  type NextBatch,
  type NumberedBatch,
  type NumberedOutcome,
  UploadIntake,
} from './upload-intake.ts';

export interface CentralParts {
  /** With every fact applied that the store remembers, and told of each later one by the store. */
  readonly lottery: Lottery;
  readonly store: Store;
  readonly hasWon: (bet: Bet) => boolean;
  readonly limits: Limits;
  readonly emit: Emit<CentralEvent>;
  /** The documents of the close and the draw, and what the draw waits for; without, none are kept and it waits for nothing. */
  readonly actas?: Actas | undefined;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/**
 * The single writer. Everything that changes the lottery comes through here, on one event loop: between two awaits
 * nothing else runs, so no lock is needed (exercise 8). Each change is made durable first, applied to the state then (by the
 * store, which tells the lottery), and answered last.
 */
export class Central {
  /** Fulfilled with the error after which the central cannot go on; the process must stop. */
  readonly failure: Promise<Error>;
  readonly #parts: CentralParts;
  readonly backpressure: Backpressure;
  readonly #uploads: UploadIntake;
  /** Agencies that said that they are done; the last bets of some may still be on their way to the disk. */
  readonly #finishing = new Map<number, Promise<Refusal | undefined>>();
  readonly #connections = new Map<number, number>();
  readonly #waitingForDraw = new Set<() => void>();
  readonly #waitingForActa = new Set<() => void>();
  readonly #draws: DrawHolder;
  /** What agencies say is wrong with the acta. */
  readonly #disputes = new Map<number, string>();

  constructor(parts: CentralParts) {
    this.#parts = parts;
    const { lottery, store, limits } = parts;
    this.backpressure = new Backpressure(store, limits);
    this.#draws = new DrawHolder({ ...parts, onHeld: () => this.#tellWinners() });
    this.failure = Promise.race([parts.store.failure, this.#draws.failure]);
    this.#uploads = new UploadIntake(lottery, store, this.backpressure, limits);
    lottery.watch(fact => this.#onChange(fact));
  }

  /** Goes on where the last process stopped: holds a draw for which everybody had finished. */
  resume(): void {
    void this.#draws.keepActas();
    this.#draws.hold();
  }

  /** What whoever watches may know. */
  status(): CentralStatus {
    const { lottery, store } = this.#parts;
    const { seal, acta } = lottery;
    return {
      state: lottery.state,
      bets: lottery.betsInAll,
      expected: lottery.expected.size,
      finished: lottery.expected.size - lottery.missingCount,
      missing: lottery.firstMissing(AGENCIES_SHOWN_MAX),
      unsyncedBytes: store.unsyncedBytes,
      draw: seal && { time: seal.time, seal: seal.sha256 },
      acta: acta && {
        number: acta.number,
        time: acta.time,
        text: acta.text,
        sha256: sha256OfActa(acta),
        waitsFor: this.#draws.waitsFor,
      },
      withdrawnActas: lottery.withdrawnActas.map(({ number }) => number),
      disputes: [...this.#disputes].map(([agency, detail]) => ({ agency, detail })),
      agenciesInAll: lottery.agenciesInAll,
      winners: lottery.draw && winnersInAll(lottery.draw),
      agencies: lottery.firstAgencies(AGENCIES_SHOWN_MAX).map(agency => ({
        agency,
        expected: lottery.expects(agency),
        bets: lottery.bets.get(agency) ?? 0,
        connections: this.#connections.get(agency) ?? 0,
        finished: lottery.hasFinished(agency),
        winners: lottery.winnersOf(agency)?.length,
      })),
    };
  }

  /** Counts a connection of an agency in, until `disconnect`; or says why it is not welcome. */
  connect(agency: number): Refusal | undefined {
    const { lottery, limits } = this.#parts;
    if (!lottery.expects(agency)) {
      return { code: 'unauthorized', detail: `agency ${agency} is not one of the expected agencies` };
    }
    const open = this.#connections.get(agency) ?? 0;
    if (open >= limits.agencyConnectionsMax) {
      return { code: 'busy', detail: `agency ${agency} has ${open} connections already` };
    }
    this.#connections.set(agency, open + 1);
    return undefined;
  }

  disconnect(agency: number): void {
    const open = this.#connections.get(agency) ?? 0;
    if (open > 1) this.#connections.set(agency, open - 1);
    else this.#connections.delete(agency);
  }

  /**
   * Why bets of the agency are not taken now; undefined when they are.
   *
   * @param upload that they belong to, if any
   */
  refusalOfBets(agency: number, upload?: string): Refusal | undefined {
    const ofState = this.#parts.lottery.refusalOfBets(agency);
    const code = ofState ?? (this.#finishing.has(agency) ? 'agency-finished' : undefined);
    return (
      this.#refusalOfVoided(agency, upload) ??
      (code ? refusalBecause(code, agency) : this.#refusalOfSecond(agency, upload))
    );
  }

  /** A client that still runs reconnects by itself, and would send what an operator has voided. */
  #refusalOfVoided(agency: number, upload: string | undefined): Refusal | undefined {
    if (upload === undefined || !this.#parts.lottery.uploads.isVoided(agency, upload)) return undefined;
    const way = `send another file; 'loteria agency reopen ${agency} --reason "…"' allows this one again`;
    return { code: 'upload-voided', detail: `upload ${upload} was voided by an operator; ${way}` };
  }

  /** An agency has one upload at a time: its end would cut off another one. */
  #refusalOfSecond(agency: number, upload: string | undefined): Refusal | undefined {
    const open = this.#uploads.openOf(agency, upload);
    if (open === undefined) return undefined;
    const way = `send the same file again, or 'loteria agency void ${agency} --upload ${open.name} --reason "…"'`;
    const detail = `upload ${open.name} of the agency is unfinished, ${open.bets} bets of it are stored; ${way}`;
    return { code: 'upload-open', detail };
  }

  /** Why the agency may not come with this upload; undefined when it may. */
  refusalOfUpload(agency: number, upload: string): Refusal | undefined {
    // One that is known has something to ask about, even when no bet is taken any more.
    const known = this.#parts.lottery.uploads.find(agency, upload) !== undefined;
    return known ? undefined : this.refusalOfBets(agency, upload);
  }

  /** What is stored of an upload; or why that is unknown now, or why it may not begin. */
  async settledUpload(agency: number, upload: string): Promise<Upload | Refusal> {
    try {
      const settled = await this.#uploads.settled(agency, upload);
      return this.#refusalOfBeginning(agency, settled) ?? settled;
    } catch (error) {
      return this.refusalOfRejected(error, agency, upload);
    }
  }

  /** A client of the base protocol that broke off may have sent the same file. */
  #refusalOfBeginning(agency: number, { next, isComplete }: Upload): Refusal | undefined {
    const bets = this.#parts.lottery.betsOutsideUploads(agency);
    const isOpen = next > 1 && !isComplete;
    if (bets === 0 || isOpen) return undefined;
    const way = `void them before a file is sent, 'loteria agency void ${agency} --reason "…"'`;
    const detail = `${bets} bets of the agency are stored without an upload and it has not finished; ${way}`;
    return { code: 'upload-open', detail };
  }

  /**
   * Stores a batch of an agency whose bets are taken.
   *
   * @throws StoreError (as a rejection) when nothing of it was stored
   */
  storeBatch(batch: BetBatch): Promise<void> {
    return this.backpressure.append(batch);
  }

  /** What a batch of an upload is, by its number (promise P3). */
  classify(batch: NumberedBatch): Classified {
    return this.#uploads.classify(batch, this.refusalOfBets(batch.agency, batch.upload));
  }

  /** Stores a batch that was classified in the same turn. */
  storeNext(batch: NextBatch, bets: BetBatch | BatchFault): Promise<NumberedOutcome> {
    return this.#uploads.append(batch, bets);
  }

  /** What differs between the agency's count of its upload and what is stored of it; undefined when nothing does. */
  mismatchOf(agency: number, name: string, counted: { batches?: number; bets: number }): Refusal | undefined {
    const refusal = this.#refusalOfVoided(agency, name);
    if (refusal !== undefined) return refusal;
    const { batches, bets } = this.#parts.lottery.uploads.find(agency, name) ?? { batches: 0, bets: 0 };
    if (bets === counted.bets && batches === (counted.batches ?? batches)) return undefined;
    const detail = `${batches} batches with ${bets} bets are stored, the agency counts ${counted.batches ?? batches} with ${counted.bets}`;
    return { code: 'count-mismatch', detail };
  }

  /**
   * The agency has sent all its bets (exercise 7). From here on none is taken; fulfilled when this and every bet that it sent
   * before, on whatever connection, is durable. The last expected agency sets off the draw.
   *
   * @param upload by which the agency says so: known from then on even if nothing was sent with it
   */
  finish(agency: number, upload?: string): Promise<Refusal | undefined> {
    const { lottery } = this.#parts;
    if (lottery.hasFinished(agency)) return Promise.resolve(undefined);
    // An agency that is expected only since the draw.
    if (lottery.state === 'drawn') return Promise.resolve(refusalBecause('draw-closed', agency));
    const finishing = this.#finishing.get(agency);
    if (finishing !== undefined) return finishing;
    const refusal = this.#refusalOfVoided(agency, upload) ?? this.#refusalOfSecond(agency, upload);
    if (refusal !== undefined) return Promise.resolve(refusal);
    const { promise, resolve } = Promise.withResolvers<Refusal | undefined>();
    this.#finishing.set(agency, promise);
    resolve(this.#finish(agency, upload));
    return promise;
  }

  async #finish(agency: number, upload: string | undefined): Promise<Refusal | undefined> {
    const { lottery, store } = this.#parts;
    try {
      // Behind every bet that was handed over: durable in this order, or rejected with it.
      await store.note({ kind: 'finished', agency, upload });
      return undefined;
    } catch (error) {
      // Its own end is no reason to refuse it.
      this.#finishing.delete(agency);
      // It may have finished with another server meanwhile.
      return lottery.hasFinished(agency) ? undefined : this.refusalOfRejected(error, agency, upload);
    } finally {
      this.#finishing.delete(agency);
    }
  }

  /** The agency's own winners in stored order; undefined before the draw. */
  winnersOf(agency: number): readonly string[] | undefined {
    return this.#parts.lottery.winnersOf(agency);
  }

  /** Whether a question of the agency for its winners may wait for the draw. */
  mayWaitForDraw(agency: number): boolean {
    const { lottery, limits } = this.#parts;
    return lottery.hasFinished(agency) && this.#waitingForDraw.size < limits.questionsWaitingMax;
  }

  /**
   * Calls `tell` when the draw has been held, unless it has been already.
   *
   * @returns what takes the wish back
   */
  onDraw(tell: () => void): () => void {
    this.#waitingForDraw.add(tell);
    return () => this.#waitingForDraw.delete(tell);
  }

  /** What the bets of the draw are; undefined while the lottery is not closed. */
  get acta(): Acta | undefined {
    return this.#parts.lottery.acta;
  }

  /** In how many uploads the agency has sent its bets; those without an upload count as one. */
  uploadsOf(agency: number): number {
    const { uploads, bets } = this.#parts.lottery;
    const counts = uploads.of(agency).map(upload => upload.bets);
    const rest = (bets.get(agency) ?? 0) - counts.reduce((sum, count) => sum + count, 0);
    return [...counts, rest].filter(count => count > 0).length;
  }

  /**
   * Calls `tell` whenever the lottery is closed.
   *
   * @returns what takes the wish back
   */
  onClose(tell: () => void): () => void {
    this.#waitingForActa.add(tell);
    return () => this.#waitingForActa.delete(tell);
  }

  /** An agency has sent something else than the acta says. */
  dispute(
    agency: number,
    { acta: number, bets, sha256 }: { acta: number; bets: number; sha256: string },
  ): void {
    const { lottery, emit } = this.#parts;
    const { acta } = lottery;
    // One log line for each agency and acta: repeated disputes must not fill the log.
    if (acta?.number !== number || this.#disputes.has(agency)) return;
    const said = readActa(acta.text)?.agencies.get(agency);
    const detail = `it has sent ${bets} bets with SHA-256 ${sha256}, the acta says ${said?.count ?? 0} with ${said?.sha256 ?? 'none'}`;
    this.#disputes.set(agency, detail);
    emit({ event: 'acta-disputed', agency, acta: number, detail });
  }

  /** Waits for a draw that is being held and closes the store. */
  async close(): Promise<void> {
    await this.#draws.close();
    await this.#parts.store.close();
  }

  /** Something has happened to the lottery, by this server or another one on the same log. */
  #onChange(fact: Fact): void {
    const { lottery, emit } = this.#parts;
    if (fact.kind === 'finished') {
      const { agency } = fact;
      const waitingFor = lottery.firstMissing(AGENCIES_LISTED_MAX);
      emit({ event: 'agency-finished', agency, missing: lottery.missingCount, waitingFor });
      // Whoever heard the last agency say so holds the draw; the others look after it.
      if (this.#finishing.has(agency)) this.#draws.hold();
      else this.#draws.holdUnlessAnotherDoes();
    }
    if (isByHand(fact)) {
      emit({ event: 'done-by-hand', fact });
      this.#disputes.clear();
      this.#draws.holdUnlessAnotherDoes();
    }
    if (fact.kind === 'closed') {
      const { acta } = fact;
      emit({ event: 'closed', acta, sha256: sha256OfActa(acta) });
      for (const tell of this.#waitingForActa) tell();
      this.#draws.holdUnlessAnotherDoes();
    }
    if (fact.kind === 'closed' || fact.kind === 'drawn' || isByHand(fact)) void this.#draws.keepActas();
    if (lottery.state === 'drawn') this.#draws.held();
  }

  /** Called after the draw was logged: in a log, `sorteo` precedes what agencies say about winners. */
  #tellWinners(): void {
    for (const tell of this.#waitingForDraw) tell();
    this.#waitingForDraw.clear();
  }

  /** Why the store has rejected bets. Throws an error that is not the store's. */
  refusalOfRejected(error: unknown, agency: number, upload?: string): Refusal {
    const overtaken = error instanceof StoreError && error.code === 'overtaken';
    return (overtaken && this.refusalOfBets(agency, upload)) || storageRefusal(error);
  }
}

/** How an operator begins the next lottery, with files or in a database. */
const NEXT_LOTTERY = "the next lottery begins with 'loteria draw new', or another STORE_LOTTERY";

function refusalBecause(code: BetsRefusal, agency: number): Refusal {
  switch (code) {
    case 'unauthorized':
      return { code, detail: 'the agency is not one of the expected agencies' };
    case 'agency-finished': {
      const way = `until the draw 'loteria agency reopen ${agency} --reason "…"' lets it go on`;
      return { code, detail: `the agency has finished, its bets are closed; ${way}` };
    }
    case 'draw-closed':
      return { code, detail: `the draw has been held; ${NEXT_LOTTERY}` };
  }
}

function storageRefusal(error: unknown): Refusal {
  if (!(error instanceof StoreError)) throw error;
  return { code: 'storage', detail: error.message };
}
