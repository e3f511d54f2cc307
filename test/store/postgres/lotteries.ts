import { onTestFinished } from 'vitest';
import type { Fact } from '../../../src/lottery/fact.ts';
import { isByHand } from '../../../src/lottery/fact.ts';
import { Lottery } from '../../../src/lottery/lottery.ts';
import { inspectLog } from '../../../src/store/postgres/inspection.ts';
import {
  PostgresStore,
  type PostgresStoreOptions,
} from '../../../src/store/postgres/postgres-store.ts';
import type { StoreEvent, StoreReading } from '../../../src/store/store.ts';
import { until } from '../../support/until.ts';
import type { PostgresCluster } from '../../support/postgres-cluster.ts';

/** Lotteries of agencies 1 and 2, in a real database. */

export const AGENCIES = [1, 2] as const;

export type Options = Pick<PostgresStoreOptions, 'access' | 'lottery' | 'agencies' | 'sync'>;

let lotteries = 0;

/** The name of a new lottery. */
export function newLottery({ access, nodes }: PostgresCluster): Options {
  lotteries += 1;
  const lottery = `TEST-${process.pid}-${lotteries}`;
  return { access, lottery, agencies: '1-2', sync: nodes.length > 1 ? 'quorum' : 'single' };
}

export interface OpenedServer {
  readonly store: PostgresStore;
  readonly lottery: Lottery;
  readonly facts: readonly Fact[];
  readonly events: readonly StoreEvent[];
  /** Waits for the event `engine-unavailable`. @returns its error */
  away(): Promise<string>;
  /** Waits for the event `engine-available`. */
  back(): Promise<void>;
}

/** Opens a server's store. The end of the test closes it. */
export async function openServer(
  options: Options,
  more: Partial<PostgresStoreOptions> = {},
): Promise<OpenedServer> {
  const lottery = new Lottery(AGENCIES);
  const facts: Fact[] = [];
  const events: StoreEvent[] = [];
  // A log begins with its agencies, which no call appends.
  lottery.watch(fact => void (fact.kind === 'agencies' && !isByHand(fact) ? 0 : facts.push(fact)));
  const store = await PostgresStore.open({
    ...options,
    onFact: fact => lottery.apply(fact),
    onEvent: event => events.push(event),
    ...more,
  });
  onTestFinished(() => store.close());
  const unavailable = () => events.findLast(event => event.event === 'engine-unavailable');
  return {
    store,
    lottery,
    facts,
    events,
    async away() {
      await until(() => events.at(-1)?.event === 'engine-unavailable', 'trouble');
      return unavailable()!.error;
    },
    back: () => until(() => events.at(-1)?.event === 'engine-available', 'the end of the trouble'),
  };
}

/** Reads the lottery as a command does. */
export async function read(options: Options): Promise<StoreReading & { readonly rows: Buffer }> {
  const pieces: Buffer[] = [];
  const onRows = (rows: Uint8Array): void => void pieces.push(Buffer.from(rows));
  const reading = await inspectLog({ ...options, onRows });
  return { ...reading, rows: Buffer.concat(pieces) };
}

/** The configuration of a lottery for `loteria`. */
export function environmentOf(
  postgres: PostgresCluster,
  { lottery }: Options,
): Record<string, string> {
  return {
    SERVER_STORE: postgres.url(),
    STORE_LOTTERY: lottery,
    NUMBER_AGENCIES: String(AGENCIES.length),
  };
}
