import type { ByHand } from '../../lottery/fact.ts';
import type { EngineAddress, StoreChoice } from '../../config/store-choice.ts';
import { ConfigError } from '../../config/errors.ts';
import { formatAgencies } from '../../lottery/agency-ranges.ts';
import { Lottery } from '../../lottery/lottery.ts';
import { inspectLog } from '../../store/postgres/inspection.ts';
import { PostgresStore } from '../../store/postgres/postgres-store.ts';
import { schemaFor } from '../../store/postgres/schema.ts';
import type { Access } from '../../store/postgres/session.ts';
import { EXIT } from '../exit-codes.ts';
import { readText } from '../../tls/credentials.ts';
import { Reloading } from '../../tls/reloading.ts';
import type {
  ConfiguredStore,
  LotteryConfig,
  OpenedStore,
  StoreParts,
} from './configured-store.ts';

// The client library warns about `.pgpass` at each use.
process.noDeprecation = true;

/** Limit for an intervention while the engine commits nothing. */
const INTERVENTION_TIMEOUT_MS = 15_000;

/** `loteria schema` */
export async function printSchema({ role }: { readonly role: string }): Promise<number> {
  process.stdout.write(schemaFor(role));
  return EXIT.done;
}

type PostgresChoice = Extract<StoreChoice, { kind: 'postgres' }>;

/** The log of a lottery in a database. */
export function postgresStore(config: LotteryConfig): ConfiguredStore {
  const choice = config.store as PostgresChoice;
  const { engine, lottery } = choice;
  return {
    open: parts => open(config, choice, parts),
    read: onRows => inspectLog({ access: accessOf(engine), lottery, onRows }),
    intervene: decide => intervene(config, choice, decide),
    files: [],
    isRemote: true,
    folder(instead) {
      throw new ConfigError(
        `SERVER_STORE is a database, lottery ${lottery}, which has no files: ${instead}`,
      );
    },
  };
}

async function open(
  { agencies }: LotteryConfig,
  { engine, lottery, sync }: PostgresChoice,
  { lottery: state, watch, onEvent, signal }: StoreParts,
): Promise<OpenedStore> {
  const store = await PostgresStore.open({
    access: accessOf(engine),
    lottery,
    agencies: formatAgencies(agencies),
    sync,
    onFact: fact => state.apply(fact),
    onEvent,
    watch,
    signal,
  });
  return { store, files: [`lottery ${lottery}`], cuts: [] };
}

async function intervene(
  config: LotteryConfig,
  choice: PostgresChoice,
  decide: (lottery: Lottery) => ByHand,
): Promise<string[]> {
  const lottery = new Lottery([]);
  const access = accessOf(choice.engine);
  // Fails if the lottery does not exist, instead of creating it.
  await inspectLog({ access, lottery: choice.lottery });
  const signal = AbortSignal.timeout(INTERVENTION_TIMEOUT_MS);
  const parts = { lottery, watch: undefined, onEvent: () => {}, signal };
  const { store } = await open(config, choice, parts);
  try {
    await store.settled();
    await (store as PostgresStore).note(decide(lottery));
    return [];
  } finally {
    await store.close();
  }
}

/** Reads the certificate files, and again before each session. */
function accessOf({ tls, ...address }: EngineAddress): Access {
  if (tls === undefined) return { ...address, tls };
  const read = (key: string, path: string | undefined): string | undefined =>
    path === undefined ? undefined : readText({ key: `${key} of SERVER_STORE`, path });
  const files = new Reloading(() => ({
    ca: read('sslrootcert', tls.caFile),
    cert: read('sslcert', tls.certFile),
    key: read('sslkey', tls.keyFile),
  }));
  return {
    ...address,
    get tls() {
      files.look();
      return { ...files.value, rejectUnauthorized: tls.verify };
    },
  };
}
