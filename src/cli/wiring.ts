import { join } from 'node:path';
import { ConfigError } from '../config/errors.ts';
import { openLineCopier } from '../kernel/open-line-copier.ts';
import { PlainBetReader } from '../kernel/plain-bet-reader.ts';
import { formatAgencies } from '../lottery/agency-ranges.ts';
import type { ByHand, Lottery } from '../lottery/lottery.ts';
import { Log, type LogOptions } from '../observe/log.ts';
import type { LogSink } from '../observe/log-sink.ts';
import { archiveDraw } from '../store/csv/archive.ts';
import { intervene as interveneInFiles } from '../store/csv/intervention.ts';
import { CsvStore } from '../store/csv/csv-store.ts';
import { describeRecord } from '../store/csv/describe-record.ts';
import { LOCK_FILE } from '../store/csv/folder-lease.ts';
import { inspectStore, verifyStore, visitJournal } from '../store/csv/inspection.ts';
import { BETS_FILE, JOURNAL_FILE } from '../store/csv/store-walk.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import type { OnFact, OnRows, StoreReading } from '../store/store.ts';
import type { BetReader, Dialect } from '../wire/dialect.ts';
import type { AgencyProtocol, ListenerDialect } from '../wire/dialect-names.ts';
import { createBaseDialect } from '../wire/dialects/base.ts';
import { createCheckWinDialect } from '../wire/dialects/check-win.ts';
import { createCsvFramesDialect } from '../wire/dialects/csv-frames.ts';
import { createOpCodesDialect } from '../wire/dialects/op-codes.ts';
import { createPushCodesDialect } from '../wire/dialects/push-codes.ts';
import { createResumableDialect } from '../wire/dialects/resumable.ts';
import type { LotteryConfig, OpenedStore, StoreParts } from './store-parts.ts';

/** The only place that knows which dialects there are. An agency reads no bets: it does without a fast reader. */
export const DIALECTS = {
  base: (bets: BetReader = new PlainBetReader()) => createBaseDialect(bets, openLineCopier),
  resumable: (bets: BetReader = new PlainBetReader()) => createResumableDialect(bets, openLineCopier),
  'push-codes': createPushCodesDialect,
  'check-win': createCheckWinDialect,
  'csv-frames': createCsvFramesDialect,
  'op-codes': createOpCodesDialect,
} as const satisfies Record<AgencyProtocol, (bets?: BetReader) => Dialect>;

/** What a listener of the central speaks. */
export function listenerDialect(name: ListenerDialect, bets: BetReader): Dialect {
  return name === 'tp0' ? DIALECTS.resumable(bets) : DIALECTS[name]();
}

/** The hot loop of a central. */
export async function openBetReader(): Promise<BetReader> {
  const kernel = await import('../kernel/open-bet-reader.ts');
  return kernel.openBetReader();
}

/** The only place that knows which stores there are. Each tells the lottery every fact: those that it remembers, and later ones. */
export async function openStore(config: LotteryConfig, parts: StoreParts): Promise<OpenedStore> {
  const { lottery, watch, onWarning } = parts;
  const onFact: OnFact = fact => lottery.apply(fact);
  const { store } = config;
  switch (store.kind) {
    case 'csv': {
      const { openRowScanner } = await import('../kernel/open-row-scanner.ts');
      const agencies = formatAgencies(config.agencies);
      const options = { agencies, onFact, openRowScanner, watch, onWarning };
      const opened = await CsvStore.open(config.dataDirectory, options);
      return { ...opened, files: [BETS_FILE, JOURNAL_FILE] };
    }
    case 'memory':
      return { store: new MemoryStore(onFact), files: ['memory'], cuts: [] };
    case 'postgres': {
      // The client of the database is loaded only where there is one.
      const { openPostgres } = await import('./wiring-postgres.ts');
      return openPostgres(config, store, parts);
    }
  }
}

/**
 * Changes by hand what agencies of the lottery that is configured have done.
 *
 * @param decide looks at the lottery and says what is done
 * @returns the names of files that are kept as they were before
 * @throws ConfigError, StoreError; what `decide` throws
 */
export async function intervene(
  config: LotteryConfig,
  decide: (lottery: Lottery) => ByHand,
): Promise<string[]> {
  const { store, dataDirectory, agencies } = config;
  switch (store.kind) {
    case 'csv':
      return interveneInFiles(dataDirectory, formatAgencies(agencies), decide);
    case 'memory':
      throw new ConfigError('SERVER_STORE is memory: nobody but the server itself can change it');
    case 'postgres': {
      const { interveneInPostgres } = await import('./wiring-postgres.ts');
      await interveneInPostgres(config, store, decide);
      return [];
    }
  }
}

/**
 * Reads the store that is configured, beside the servers or without them.
 *
 * @throws ConfigError when it is one that only its server can look into; StoreError
 */
export async function readStore(config: LotteryConfig, onRows?: OnRows): Promise<StoreReading> {
  const { store, agencies, dataDirectory } = config;
  switch (store.kind) {
    case 'csv':
      return inspectStore(dataDirectory, agencies, onRows);
    case 'memory':
      throw new ConfigError('SERVER_STORE is memory: nobody but the server itself can look into it');
    case 'postgres': {
      const { readPostgres } = await import('./wiring-postgres.ts');
      return readPostgres(store, onRows);
    }
  }
}

/** The files that the store which is configured has in its folder, whether they are there or not. */
export function storeFiles({ store, dataDirectory }: LotteryConfig): string[] {
  if (store.kind !== 'csv') return [];
  return [BETS_FILE, JOURNAL_FILE, LOCK_FILE].map(name => join(dataDirectory, name));
}

/**
 * The folder of the csv store that is configured.
 *
 * @param instead what can be done where bets are in a database
 * @throws ConfigError when bets are kept elsewhere
 */
export function expectFiles({ store, dataDirectory }: LotteryConfig, instead: string): string {
  switch (store.kind) {
    case 'csv':
      return dataDirectory;
    case 'memory':
      throw new ConfigError('SERVER_STORE is memory, which has no files; name a folder to look into one');
    case 'postgres':
      throw new ConfigError(
        `SERVER_STORE is a database, lottery ${store.lottery}, which has no files: ${instead}`,
      );
  }
}

/** What can be done with the files of the csv store while no server runs, or beside one. */
export const CSV_FILES = {
  verify: verifyStore,
  visitJournal,
  describe: describeRecord,
  archive: archiveDraw,
} as const;

export function openLog(sink: LogSink, options: Pick<LogOptions, 'level' | 'format'>): Log {
  return new Log({ ...options, write: sink.write, flush: sink.flush, clock: () => new Date() });
}
