import { readFileSync } from 'node:fs';
import type { EngineAddress, StoreChoice } from '../config/store-choice.ts';
import { openRowScanner } from '../kernel/open-row-scanner.ts';
import { inspectLog } from '../store/postgres/inspection.ts';
import { PostgresStore } from '../store/postgres/postgres-store.ts';
import type { Access } from '../store/postgres/session.ts';
import type { OnRows, StoreReading } from '../store/store.ts';
import { Reloading } from '../tls/reloading.ts';
import type { LotteryConfig, OpenedStore, StoreParts } from './store-parts.ts';

export { schemaFor } from '../store/postgres/schema.ts';

// The client library announces at every use of `.pgpass` that its version 9 leaves that to its users.
process.noDeprecation = true;

type PostgresChoice = Extract<StoreChoice, { kind: 'postgres' }>;

/** Opens the store in the database that is configured. */
export async function openPostgres(
  { agencies }: LotteryConfig,
  { engine, lottery, sync }: PostgresChoice,
  { lottery: state, watch, onEngine, signal }: StoreParts,
): Promise<OpenedStore> {
  const store = await PostgresStore.open({
    access: accessOf(engine),
    lottery,
    agencies: ranges(agencies),
    sync,
    onFact: fact => state.apply(fact),
    onEvent: onEngine,
    watch,
    openRowScanner,
    signal,
  });
  return { store, files: [`lottery ${lottery}`], cuts: [] };
}

/** Reads the log in the database that is configured. */
export function readPostgres(
  { agencies }: LotteryConfig,
  { engine, lottery }: PostgresChoice,
  onRows?: OnRows,
): Promise<StoreReading> {
  return inspectLog({
    access: accessOf(engine),
    lottery,
    agencies: ranges(agencies),
    expected: agencies,
    onRows,
  });
}

/** Reads the files that the address names, and again before each session. */
function accessOf({ tls, ...address }: EngineAddress): Access {
  if (tls === undefined) return { ...address, tls };
  const read = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : readFileSync(path, 'utf8');
  const files = new Reloading(() => ({
    ca: read(tls.caFile),
    cert: read(tls.certFile),
    key: read(tls.keyFile),
  }));
  return {
    ...address,
    get tls() {
      files.look();
      return { ...files.value, rejectUnauthorized: tls.verify };
    },
  };
}

/** `1-5,7` for 1, 2, 3, 4, 5 and 7. */
function ranges(ids: readonly number[]): string {
  const parts: { from: number; to: number }[] = [];
  for (const id of [...new Set(ids)].toSorted((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last?.to === id - 1) last.to = id;
    else parts.push({ from: id, to: id });
  }
  return parts.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(',') || 'none';
}
