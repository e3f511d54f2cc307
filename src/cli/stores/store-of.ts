import { readLotteryConfig } from '../../config/server-config.ts';
import type { StoreChoice } from '../../config/store-choice.ts';
import type { ConfiguredStore, LotteryConfig } from './configured-store.ts';

/** The table of stores. The code of each is loaded only when it is chosen. */
const STORES: Readonly<
  Record<StoreChoice['kind'], (config: LotteryConfig) => Promise<ConfiguredStore>>
> = {
  csv: async config => (await import('./csv.ts')).csvStore(config),
  memory: async () => (await import('./memory.ts')).memoryStore(),
  postgres: async config => (await import('./postgres.ts')).postgresStore(config),
};

export function storeOf(config: LotteryConfig): Promise<ConfiguredStore> {
  return STORES[config.store.kind](config);
}

/**
 * The folder that the command line names, else that of the configured store.
 *
 * @param instead the alternative for a store without a folder, for the error
 * @throws ConfigError
 */
export async function folderOf(
  directory: string | undefined,
  instead: string,
  config?: string,
): Promise<string> {
  return directory ?? (await storeOf(readLotteryConfig(config))).folder(instead);
}
