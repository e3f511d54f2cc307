import type { ConfiguredStore, LotteryConfig } from './configured-store.ts';

/** The only place where a store is chosen. The code of each is loaded by those who use it. */
export async function storeOf(config: LotteryConfig): Promise<ConfiguredStore> {
  const { store } = config;
  switch (store.kind) {
    case 'csv':
      return (await import('./csv.ts')).csvStore(config);
    case 'memory':
      return (await import('./memory.ts')).memoryStore();
    case 'postgres':
      return (await import('./postgres.ts')).postgresStore(config, store);
  }
}
