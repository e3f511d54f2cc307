import { PlainBetReader } from '../kernel/plain-bet-reader.ts';
import { Log, type LogOptions } from '../observe/log.ts';
import type { LogSink } from '../observe/log-sink.ts';
import { BETS_FILE, CsvStore } from '../store/csv/csv-store.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import type { Store } from '../store/store.ts';
import type { Dialect } from '../wire/dialect.ts';
import { createBaseDialect } from '../wire/dialects/base.ts';

/** The only place that knows which dialects there are. */
export const DIALECTS = {
  base: (): Dialect => createBaseDialect(new PlainBetReader()),
} as const;

export interface OpenedStore {
  readonly store: Store;
  /** How the store is called in the log. */
  readonly name: string;
  readonly tornBytes: number;
}

/** The only place that knows which stores there are. */
export const STORES = {
  csv: async (directory: string): Promise<OpenedStore> => ({
    ...(await CsvStore.open(directory)),
    name: BETS_FILE,
  }),
  memory: async (): Promise<OpenedStore> => ({ store: new MemoryStore(), name: 'memory', tornBytes: 0 }),
} as const;

export function openLog(sink: LogSink, options: Pick<LogOptions, 'level' | 'format'>): Log {
  return new Log({ ...options, write: line => sink.write(line), clock: () => new Date() });
}
