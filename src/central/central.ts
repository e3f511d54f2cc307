import type { BetBatch } from '../lottery/bet-batch.ts';
import { type Draw, holdDraw } from '../lottery/draw.ts';
import type { Bet } from '../lottery/bet.ts';
import type { Lottery } from '../lottery/lottery.ts';
import type { CentralEvent, Emit } from '../observe/events.ts';
import { type Store, StoreError } from '../store/store.ts';
import type { Limits } from '../wire/limits.ts';
import type { Refusal } from '../wire/refusal.ts';

export interface CentralParts {
  readonly lottery: Lottery;
  readonly store: Store;
  readonly hasWon: (bet: Bet) => boolean;
  readonly limits: Limits;
  readonly emit: Emit<CentralEvent>;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/**
 * The single writer. Everything that changes the lottery comes through here, on one event loop: between two awaits
 * nothing else runs, so no lock is needed (exercise 8). Each change is made durable first, applied to the state then, and
 * answered last.
 */
export class Central {
  /** Fulfilled with the error after which the central cannot go on; the process must stop. */
  readonly failure: Promise<Error>;
  readonly #parts: CentralParts;
  /** Agencies that said that they are done; the last bets of some may still be on their way to the disk. */
  readonly #finishing = new Set<number>();
  readonly #connections = new Map<number, number>();
  #drawing: Promise<void> | undefined;
  readonly #drawFailure = Promise.withResolvers<Error>();

  constructor(parts: CentralParts) {
    this.#parts = parts;
    this.failure = Promise.race([parts.store.failure, this.#drawFailure.promise]);
  }

  /** Whether so much waits for the disk that nothing more should be read. */
  get saturated(): boolean {
    return this.#parts.store.unsyncedBytes >= this.#parts.limits.unsyncedBytesMax;
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

  /** Why bets of the agency are not taken now; undefined when they are. */
  refusalOfBets(agency: number): Refusal | undefined {
    const ofState = this.#parts.lottery.refusalOfBets(agency);
    const code = ofState ?? (this.#finishing.has(agency) ? 'agency-finished' : undefined);
    return code && { code, detail: BETS_REFUSED[code] };
  }

  /**
   * Stores a batch of an agency whose bets are taken. Fulfilled when it is durable; with a refusal when nothing of it
   * was stored.
   */
  async storeBatch(batch: BetBatch): Promise<Refusal | undefined> {
    try {
      await this.#parts.store.append(batch);
      return undefined;
    } catch (error) {
      return storageRefusal(error);
    }
  }

  /**
   * The agency has sent all its bets (exercise 7). From here on none is taken; fulfilled when those it sent before, on
   * whatever connection, are durable. The last expected agency sets off the draw.
   */
  async finish(agency: number): Promise<Refusal | undefined> {
    const { lottery, store, emit } = this.#parts;
    this.#finishing.add(agency);
    try {
      await store.settled();
    } catch (error) {
      return storageRefusal(error);
    }
    if (lottery.hasFinished(agency)) return undefined;
    lottery.finish(agency);
    emit({ event: 'agency-finished', agency, missing: lottery.missing });
    if (lottery.state === 'complete') this.#drawing = this.#draw();
    return undefined;
  }

  /** The agency's own winners in stored order; undefined before the draw. */
  winnersOf(agency: number): readonly string[] | undefined {
    return this.#parts.lottery.winnersOf(agency);
  }

  /** Waits for a draw that is being held and closes the store. */
  async close(): Promise<void> {
    await this.#drawing;
    await this.#parts.store.close();
  }

  /** Starts after the last bet of the last agency is durable; no bet can follow it. */
  async #draw(): Promise<void> {
    const { lottery, store, hasWon, emit, now } = this.#parts;
    const startedAt = now();
    let draw: Draw;
    try {
      draw = await holdDraw(store.bets(), hasWon);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#drawFailure.resolve(new Error(`the bets cannot be read for the draw, ${why}`, { cause: error }));
      return;
    }
    lottery.close(draw);
    const winners = [...draw.winners.values()].reduce((sum, documents) => sum + documents.length, 0);
    emit({ event: 'draw-held', bets: draw.bets, winners, durationMs: now() - startedAt });
  }
}

const BETS_REFUSED = {
  unauthorized: 'the agency is not one of the expected agencies',
  'agency-finished': 'the agency has finished, its bets are closed',
  'draw-closed': 'the draw has been held',
} as const;

function storageRefusal(error: unknown): Refusal {
  if (!(error instanceof StoreError)) throw error;
  return { code: 'storage', detail: error.message };
}
