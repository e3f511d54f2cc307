import { setTimeout as pause } from 'node:timers/promises';
import { isPassing } from '../files/passing.ts';
import type { Bet } from '../lottery/bet.ts';
import { type Draw, holdDraw } from '../lottery/draw.ts';
import type { Lottery } from '../lottery/lottery.ts';
import type { CentralEvent, Emit } from '../observe/events.ts';
import { type Store, StoreError } from '../store/store.ts';

/** How long a draw waits for a store that does not take it, before it tries again, in milliseconds. */
const RETRY_MS = 1000;

/** How long a server waits for the one that heard the last agency finish, before it holds the draw itself, in milliseconds. */
const TAKE_OVER_MS = 2000;

export interface DrawHolderParts {
  readonly lottery: Lottery;
  readonly store: Store;
  readonly hasWon: (bet: Bet) => boolean;
  readonly emit: Emit<CentralEvent>;
  /** Called after the draw was logged. */
  readonly onHeld: () => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/**
 * Holds the draw when every expected agency has finished: goes through the bets and hands what it found to the store. Of several
 * servers on one log each may do so; what comes first in the log is the draw, for all of them.
 */
export class DrawHolder {
  /** Fulfilled with the error for which no draw can be held. */
  readonly failure: Promise<Error>;
  readonly #parts: DrawHolderParts;
  readonly #failure = Promise.withResolvers<Error>();
  readonly #closing = new AbortController();
  #holding: Promise<void> | undefined;
  #takeOver: NodeJS.Timeout | undefined;
  /** Whether a draw of this server is on its way to the store: whether it is the one that counts is known afterwards. */
  #isSealing = false;
  /** Whether it has been said that the draw was held. */
  #isTold: boolean;

  constructor(parts: DrawHolderParts) {
    this.#parts = parts;
    this.failure = this.#failure.promise;
    this.#isTold = parts.lottery.state === 'drawn';
  }

  /** Holds the draw, if it is time for it and nobody here does already. */
  hold(): void {
    if (this.#parts.lottery.state !== 'complete' || this.#closing.signal.aborted) return;
    this.#holding ??= this.#hold().finally(() => {
      this.#holding = undefined;
    });
  }

  /** Holds the draw, unless another server has held it in a moment. */
  holdUnlessAnotherDoes(): void {
    clearTimeout(this.#takeOver);
    this.#takeOver = setTimeout(() => this.hold(), TAKE_OVER_MS).unref();
  }

  /** The draw has been held, here or by another server. */
  held(): void {
    if (!this.#isSealing) this.#tell();
  }

  /** Waits for a draw that is being held. */
  async close(): Promise<void> {
    clearTimeout(this.#takeOver);
    this.#closing.abort();
    await this.#holding;
  }

  /** Starts after the last bet of the last agency is durable; no bet can follow it. */
  async #hold(): Promise<void> {
    const { lottery, store, hasWon, emit, now } = this.#parts;
    const { signal } = this.#closing;
    const startedAt = now();
    let draw: Draw | undefined;
    while (lottery.state === 'complete' && !signal.aborted) {
      try {
        draw ??= await holdDraw(store.bets(), hasWon);
        // Another server may have been faster.
        if (lottery.state !== 'complete') return;
        this.#expectAll(draw);
        await this.#seal(draw, startedAt);
        return;
      } catch (error) {
        if (!mayPass(error)) {
          this.#fail(error);
          return;
        }
        // A full disk changes nothing about the bets; what else there was to read may have been put together anew.
        const { code, message } = error as StoreError | NodeJS.ErrnoException;
        if (code !== 'full') draw = undefined;
        if (code !== 'overtaken') emit({ event: 'draw-delayed', error: message });
      }
      if (lottery.state === 'complete') await pause(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** What was read must be what was acknowledged, however the store reads it. */
  #expectAll({ bets }: Draw): void {
    const { betsInAll } = this.#parts.lottery;
    if (bets === betsInAll) return;
    throw new StoreError('failed', `${bets} bets were read, ${betsInAll} were acknowledged`);
  }

  async #seal(draw: Draw, startedAt: number): Promise<void> {
    const { lottery, store } = this.#parts;
    this.#isSealing = true;
    try {
      await store.seal(draw);
      this.#tell(startedAt);
    } finally {
      this.#isSealing = false;
      // That of another server, which was faster.
      if (lottery.state === 'drawn') this.#tell();
    }
  }

  /**
   * Says, once, that the draw was held.
   *
   * @param startedAt when it was begun here, if this server has held it
   */
  #tell(startedAt?: number): void {
    const { lottery, emit, now } = this.#parts;
    const { draw, seal } = lottery;
    if (this.#isTold || draw === undefined || seal === undefined) return;
    this.#isTold = true;
    const winners = [...draw.winners.values()].reduce((sum, { length }) => sum + length, 0);
    const said = { bets: draw.bets, winners, seal: seal.sha256 };
    if (startedAt === undefined) emit({ event: 'draw-followed', ...said });
    else emit({ event: 'draw-held', ...said, durationMs: now() - startedAt });
    this.#parts.onHeld();
  }

  #fail(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#failure.resolve(new Error(`the bets cannot be read for the draw, ${why}`, { cause: error }));
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof StoreError) return error.code !== 'failed' && error.code !== 'unusable';
  return isPassing(error);
}
