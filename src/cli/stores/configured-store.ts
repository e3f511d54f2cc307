import type { ByHand } from '../../lottery/fact.ts';
import type { readLotteryConfig } from '../../config/server-config.ts';
import type { Lottery } from '../../lottery/lottery.ts';
import type { CentralEvent } from '../../observe/events.ts';
import type { OnRows, OnStoreEvent, Store, StoreReading, StoreWatch } from '../../store/store.ts';

export type LotteryConfig = ReturnType<typeof readLotteryConfig>;

/** The configured store, as the commands use it. */
export interface ConfiguredStore {
  /** Opens it for a server, and applies every stored and later fact to the lottery. */
  open(parts: StoreParts): Promise<OpenedStore>;
  /**
   * Reads it, also while servers run.
   *
   * @throws ConfigError if only its server can read it; StoreError
   */
  read(onRows?: OnRows): Promise<StoreReading>;
  /**
   * Appends an intervention of an operator.
   *
   * @param decide returns the intervention, or throws
   * @returns the names of copies that were made of files
   * @throws ConfigError, StoreError, the error of `decide`
   */
  intervene(decide: (lottery: Lottery) => ByHand): Promise<string[]>;
  /** Paths of its files, existing or not. */
  readonly files: readonly string[];
  /** Whether it is on another machine, which may be unavailable. */
  readonly isRemote: boolean;
  /**
   * The folder of its files.
   *
   * @param instead the alternative for bets in a database, for the error
   * @throws ConfigError if it has no folder
   */
  folder(instead: string): string;
}

export interface OpenedStore {
  readonly store: Store;
  /** Names of its open files in the log; the bets first. */
  readonly files: readonly string[];
  /** Torn writes that were cut off. */
  readonly cuts: readonly Omit<Extract<CentralEvent, { event: 'tail-cut' }>, 'event'>[];
}

export interface StoreParts {
  readonly lottery: Lottery;
  readonly watch: StoreWatch | undefined;
  readonly onEvent: OnStoreEvent;
  /** Ends an opening that waits for the engine. */
  readonly signal: AbortSignal;
}
