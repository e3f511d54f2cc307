import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';
import { winnersInAll } from '../lottery/draw.ts';
import { type Acta, type Fact, isByHand } from '../lottery/fact.ts';
import type { BetsRefusal } from '../lottery/lottery.ts';
import { readActa, sha256OfActa } from '../lottery/acta.ts';
import type { Upload } from '../lottery/uploads.ts';
import { AGENCIES_LISTED_MAX } from '../observe/events.ts';
import { AGENCIES_SHOWN_MAX, type CentralStatus } from '../observe/status.ts';
import { StoreError } from '../store/store.ts';
import type { Limits } from '../wire/limits.ts';
import { NEXT_LOTTERY, type Refusal } from '../wire/refusal.ts';
import { Backpressure } from './backpressure.ts';
import { DrawHolder, type DrawHolderParts } from './draw-holder.ts';
import {
  type Classified,
  type NextBatch,
  type NumberedBatch,
  type NumberedOutcome,
  UploadIntake,
} from './upload-intake.ts';

export interface CentralParts extends Omit<DrawHolderParts, 'onHeld'> {
  readonly limits: Limits;
}

/**
 * The single writer. Every change of the lottery passes here, on one event loop: nothing else runs
 * between two awaits, so no lock is needed (exercise 8). Log, apply, answer: a change is durable
 * before the store applies it, and applied before it is answered.
 */
export class Central {
  /** Fulfilled with the error for which the process must stop. */
  readonly failure: Promise<Error>;
  readonly #parts: CentralParts;
  readonly backpressure: Backpressure;
  readonly #uploads: UploadIntake;
  /** Agencies whose `END` is not durable yet. */
  readonly #finishing = new Map<number, Promise<Refusal | undefined>>();
  readonly #connections = new Map<number, number>();
  readonly #waitingForDraw = new Set<() => void>();
  readonly #waitingForActa = new Set<() => void>();
  readonly #draws: DrawHolder;
  /** By agency: how the acta differs from what it sent. */
  readonly #disputes = new Map<number, string>();

  constructor(parts: CentralParts) {
    this.#parts = parts;
    const { lottery, store, limits } = parts;
    this.backpressure = new Backpressure(store, limits);
    this.#draws = new DrawHolder({ ...parts, onHeld: () => this.#notifyDraw() });
    this.failure = Promise.race([parts.store.failure, this.#draws.failure]);
    this.#uploads = new UploadIntake(lottery, store, this.backpressure, limits);
    lottery.watch(fact => this.#onChange(fact));
  }

  /** Holds a draw that was due when the last process stopped. */
  resume(): void {
    void this.#draws.writeActas();
    this.#draws.hold();
  }

  /** Status snapshot for monitoring. */
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
        bets: lottery.bets.get(agency) ?? 0,
        connections: this.#connections.get(agency) ?? 0,
        finished: lottery.hasFinished(agency),
        winners: lottery.winnersOf(agency)?.length,
      })),
    };
  }

  /** Counts a connection of an agency until `disconnect`, or refuses it. */
  connect(agency: number): Refusal | undefined {
    const { lottery, limits } = this.#parts;
    if (!lottery.expects(agency)) {
      return {
        code: 'unauthorized',
        detail: `agency ${agency} is not one of the expected agencies`,
      };
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

  /** @param upload that the bets belong to, if any */
  refusalOfBets(agency: number, upload?: string): Refusal | undefined {
    const ofState = this.#parts.lottery.refusalOfBets(agency);
    const code = ofState ?? (this.#finishing.has(agency) ? 'agency-finished' : undefined);
    return (
      this.#refusalOfVoided(agency, upload) ??
      (code ? refusalBecause(code, agency) : this.#refusalOfSecond(agency, upload))
    );
  }

  /** A running client reconnects and would send the voided file again. */
  #refusalOfVoided(agency: number, upload: string | undefined): Refusal | undefined {
    if (upload === undefined || !this.#parts.lottery.uploads.isVoided(agency, upload))
      return undefined;
    const way = `send another file; 'loteria agency reopen ${agency} --reason "…"' allows this one again`;
    return { code: 'upload-voided', detail: `upload ${upload} was voided by an operator; ${way}` };
  }

  /** One upload at a time: the end of one would cut off another. */
  #refusalOfSecond(agency: number, upload: string | undefined): Refusal | undefined {
    const open = this.#uploads.openOf(agency, upload);
    if (open === undefined) return undefined;
    const way = `send the same file again, or 'loteria agency void ${agency} --upload ${open.name} --reason "…"'`;
    const detail = `upload ${open.name} of the agency is unfinished, ${open.bets} bets of it are stored; ${way}`;
    return { code: 'upload-open', detail };
  }

  refusalOfUpload(agency: number, upload: string): Refusal | undefined {
    // A known upload may ask for its state, even when bets are refused.
    const known = this.#parts.lottery.uploads.find(agency, upload) !== undefined;
    return known ? undefined : this.refusalOfBets(agency, upload);
  }

  /** The state of an upload; or why it is unknown now, or why the upload may not begin. */
  async settledUpload(agency: number, upload: string): Promise<Upload | Refusal> {
    try {
      const settled = await this.#uploads.settled(agency, upload);
      return this.#refusalOfBeginning(agency, settled) ?? settled;
    } catch (error) {
      return this.refusalOfRejected(error, agency, upload);
    }
  }

  /** A base-protocol client whose connection broke may have sent the same file. */
  #refusalOfBeginning(agency: number, { next, isComplete }: Upload): Refusal | undefined {
    const bets = this.#parts.lottery.betsOutsideUploads(agency);
    const isOpen = next > 1 && !isComplete;
    if (bets === 0 || isOpen) return undefined;
    const way = `void them before a file is sent, 'loteria agency void ${agency} --reason "…"'`;
    const detail = `${bets} bets of the agency are stored without an upload and it has not finished; ${way}`;
    return { code: 'upload-open', detail };
  }

  /** What a batch of an upload is, by its number (promise P3). */
  classify(batch: NumberedBatch): Classified {
    return this.#uploads.classify(batch, this.refusalOfBets(batch.agency, batch.upload));
  }

  /** Stores a batch that was classified in the same turn. */
  storeNext(batch: NextBatch, bets: BetBatch | BatchFault): Promise<NumberedOutcome> {
    return this.#uploads.append(batch, bets);
  }

  /** Compares the agency's count of its upload with what is stored. */
  mismatchOf(
    agency: number,
    name: string,
    counted: { batches?: number; bets: number },
  ): Refusal | undefined {
    const refusal = this.#refusalOfVoided(agency, name);
    if (refusal !== undefined) return refusal;
    const { batches, bets } = this.#parts.lottery.uploads.find(agency, name) ?? {
      batches: 0,
      bets: 0,
    };
    if (bets === counted.bets && batches === (counted.batches ?? batches)) return undefined;
    const detail = `${batches} batches with ${bets} bets are stored, the agency counts ${counted.batches ?? batches} with ${counted.bets}`;
    return { code: 'count-mismatch', detail };
  }

  /**
   * The agency has sent all its bets (exercise 7); none is taken from now on. Fulfilled when this
   * and every earlier bet of it, on any connection, is durable. The last expected agency starts the
   * draw.
   *
   * @param upload that ends; it exists from now on even without a batch
   */
  finish(agency: number, upload?: string): Promise<Refusal | undefined> {
    const { lottery } = this.#parts;
    if (lottery.hasFinished(agency)) return Promise.resolve(undefined);
    // An agency that was not expected at the draw.
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
      // Ordered after every appended bet: durable in this order, or rejected with it.
      await store.note({ kind: 'finished', agency, upload });
      return undefined;
    } catch (error) {
      // `refusalOfRejected` must not see this call.
      this.#finishing.delete(agency);
      // Another server may have accepted the end.
      return lottery.hasFinished(agency)
        ? undefined
        : this.refusalOfRejected(error, agency, upload);
    } finally {
      this.#finishing.delete(agency);
    }
  }

  /** The agency's winners in stored order; undefined before the draw. */
  winnersOf(agency: number): readonly string[] | undefined {
    return this.#parts.lottery.winnersOf(agency);
  }

  /** Whether a question of the agency for its winners may wait for the draw. */
  mayWaitForDraw(agency: number): boolean {
    const { lottery, limits } = this.#parts;
    return lottery.hasFinished(agency) && this.#waitingForDraw.size < limits.questionsWaitingMax;
  }

  /** Calls `listener` once, when the draw is held. @returns an unsubscribe function */
  onDraw(listener: () => void): () => void {
    this.#waitingForDraw.add(listener);
    return () => this.#waitingForDraw.delete(listener);
  }

  /** The acta de cierre; undefined before the close. */
  get acta(): Acta | undefined {
    return this.#parts.lottery.acta;
  }

  /** Number of uploads with bets of the agency; bets without an upload count as one. */
  uploadsOf(agency: number): number {
    const { uploads, bets } = this.#parts.lottery;
    const counts = uploads.of(agency).map(upload => upload.bets);
    const rest = (bets.get(agency) ?? 0) - counts.reduce((sum, count) => sum + count, 0);
    return [...counts, rest].filter(count => count > 0).length;
  }

  /** Calls `listener` at every close. @returns an unsubscribe function */
  onClose(listener: () => void): () => void {
    this.#waitingForActa.add(listener);
    return () => this.#waitingForActa.delete(listener);
  }

  /** An agency disputes the acta. */
  dispute(
    agency: number,
    { acta: number, bets, sha256 }: { acta: number; bets: number; sha256: string },
  ): void {
    const { lottery, emit } = this.#parts;
    const { acta } = lottery;
    // Once for each agency and acta: repeats must not fill the log.
    if (acta?.number !== number || this.#disputes.has(agency)) return;
    const said = readActa(acta.text)?.agencies.get(agency);
    const detail = `it has sent ${bets} bets with SHA-256 ${sha256}, the acta says ${said?.count ?? 0} with ${said?.sha256 ?? 'none'}`;
    this.#disputes.set(agency, detail);
    emit({ event: 'acta-disputed', agency, acta: number, detail });
  }

  /** Waits for a running draw and closes the store. */
  async close(): Promise<void> {
    await this.#draws.close();
    await this.#parts.store.close();
  }

  /** Handles a durable fact, of this server or another one on the same log. */
  #onChange(fact: Fact): void {
    const { lottery, emit } = this.#parts;
    if (fact.kind === 'finished') {
      const { agency } = fact;
      const waitingFor = lottery.firstMissing(AGENCIES_LISTED_MAX);
      emit({ event: 'agency-finished', agency, missing: lottery.missingCount, waitingFor });
      // The server that received the last `END` holds the draw; the others take over if it does
      // not.
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
      for (const listener of this.#waitingForActa) listener();
      this.#draws.holdUnlessAnotherDoes();
    }
    if (fact.kind === 'closed' || fact.kind === 'drawn' || isByHand(fact))
      void this.#draws.writeActas();
    if (lottery.state === 'drawn') this.#draws.held();
  }

  /** Called after the draw is logged: `sorteo` precedes what agencies log about winners. */
  #notifyDraw(): void {
    for (const listener of this.#waitingForDraw) listener();
    this.#waitingForDraw.clear();
  }

  /** Why the store has rejected bets. Throws an error that is not the store's. */
  refusalOfRejected(error: unknown, agency: number, upload?: string): Refusal {
    const overtaken = error instanceof StoreError && error.code === 'overtaken';
    return (overtaken && this.refusalOfBets(agency, upload)) || storageRefusal(error);
  }
}

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
