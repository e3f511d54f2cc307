import type { AgencyParts } from './agency-parts.ts';

/** Latency of an acknowledgement above which less is sent at a time, in milliseconds. */
const SLOW_MS = 5_000;
/** Latency up to which more is sent at a time, in milliseconds. */
const QUICK_MS = 2_000;
/** Smallest batch, in bets: below, the latency no longer depends on its bytes. */
const AMOUNT_MIN = 8;

export interface SendPaceParts extends Pick<AgencyParts, 'batchWindow' | 'batchAmountMax' | 'now'> {
  /** Batches that may be unanswered at first. */
  readonly windowFirst: number;
}

/**
 * How much an agency sends at a time: congestion control by the time that acknowledgements take. A
 * slow link gets a smaller window, then fewer bets in a batch where batches may vary; a quick one
 * more again.
 */
export class SendPace {
  /** Batches that may be unanswered. */
  window: number;
  /** Bets in a batch. */
  amount: number;
  readonly #parts: SendPaceParts;

  constructor(parts: SendPaceParts) {
    this.#parts = parts;
    this.window = Math.min(parts.windowFirst, parts.batchWindow);
    this.amount = parts.batchAmountMax;
  }

  acknowledged(sentAt: number): void {
    const { batchWindow, batchAmountMax, now } = this.#parts;
    const tookMs = now() - sentAt;
    if (tookMs > SLOW_MS) {
      if (this.window === 1)
        this.amount = Math.max(this.amount >> 1, Math.min(this.amount, AMOUNT_MIN));
      else this.window >>= 1;
    } else if (tookMs <= QUICK_MS) {
      if (this.amount < batchAmountMax) this.amount = Math.min(batchAmountMax, this.amount * 2);
      else this.window = Math.min(batchWindow, this.window + 1);
    }
  }
}
