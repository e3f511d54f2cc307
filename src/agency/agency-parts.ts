import type { AgencyEvent, Emit } from '../observe/events.ts';
import type { Dialect } from '../wire/dialect.ts';
import type { Limits } from '../wire/limits.ts';
import type { Addresses } from './addresses.ts';
import type { Connector } from './connector.ts';

export interface AgencyParts {
  readonly id: number;
  /** The servers of the central. */
  readonly addresses: Addresses;
  /** Plain TCP when not given. */
  readonly connector?: Connector | undefined;
  readonly dialect: Dialect;
  readonly limits: Limits;
  /** Bets in a batch. */
  readonly batchAmountMax: number;
  /** Batches that may be unanswered. */
  readonly batchWindow: number;
  /** Longest wait between two questions for the winners, in milliseconds. */
  readonly pollMs: number;
  readonly progressMs: number;
  /** Stores the acta de cierre that the central has sent. */
  readonly keepActa?: ((text: string) => Promise<void>) | undefined;
  /** Milliseconds after which to give up reaching the central; 0 is never. */
  readonly maxElapsedMs: number;
  readonly emit: Emit<AgencyEvent>;
  /**
   * Graceful shutdown: the agency sends nothing more, awaits outstanding answers, and releases
   * everything.
   */
  readonly stop: AbortSignal;
  readonly now: () => number;
  readonly random: () => number;
}
