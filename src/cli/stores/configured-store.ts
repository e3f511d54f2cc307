import type { ByHand } from '../../lottery/fact.ts';
import type { readLotteryConfig } from '../../config/server-config.ts';
import type { Lottery } from '../../lottery/lottery.ts';
import type { CentralEvent } from '../../observe/events.ts';
import type { OnRows, OnStoreEvent, Store, StoreReading, StoreWatch } from '../../store/store.ts';

/** What of the server's configuration concerns its lottery. */
export type LotteryConfig = ReturnType<typeof readLotteryConfig>;

/** The store that is configured: what a command can do with it. */
export interface ConfiguredStore {
  /** Opens it for a server. Tells the lottery every fact: those that it remembers, and later ones. */
  open(parts: StoreParts): Promise<OpenedStore>;
  /**
   * Reads it, beside the servers or without them.
   *
   * @throws ConfigError when it is one that only its server can look into; StoreError
   */
  read(onRows?: OnRows): Promise<StoreReading>;
  /**
   * Changes by hand what agencies have done.
   *
   * @param decide looks at the lottery and says what is done
   * @returns the names of files that are kept as they were before
   * @throws ConfigError, StoreError; what `decide` throws
   */
  intervene(decide: (lottery: Lottery) => ByHand): Promise<string[]>;
  /** The paths of its files, whether they are there or not. */
  readonly files: readonly string[];
  /**
   * The folder of its files.
   *
   * @param instead what can be done where bets are in a database
   * @throws ConfigError when bets are kept elsewhere
   */
  folder(instead: string): string;
}

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
  readonly onEvent: OnStoreEvent;
  /** Ends an opening that waits for the engine. */
  readonly signal: AbortSignal;
}
