import type { readLotteryConfig } from '../config/server-config.ts';
import type { Lottery } from '../lottery/lottery.ts';
import type { CentralEvent } from '../observe/events.ts';
import type { EngineEvent, Store, StoreWatch } from '../store/store.ts';

/** What of the server's configuration concerns its lottery. */
export type LotteryConfig = ReturnType<typeof readLotteryConfig>;

export interface OpenedStore {
  readonly store: Store;
  /** What it keeps open, as the log calls it; the bets first. */
  readonly files: readonly string[];
  /** What was cut off a file: the rest of a write that was never acknowledged. */
  readonly cuts: readonly Omit<Extract<CentralEvent, { event: 'tail-cut' }>, 'event'>[];
}

export interface StoreParts {
  readonly lottery: Lottery;
  readonly watch: StoreWatch | undefined;
  /** What happens between this server and a replicated engine. */
  readonly onEngine: (event: EngineEvent) => void;
  /** Something happened to a file of the store that an operator should look at. */
  readonly onWarning: (file: string, warning: string) => void;
  /** Ends an opening that waits for the engine. */
  readonly signal: AbortSignal;
}
