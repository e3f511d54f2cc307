import type { Fact } from '../../src/lottery/fact.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { StoreError } from '../../src/store/store.ts';
import { FaultyFiles } from './faulty-files.ts';
import { noPause } from './store-folder.ts';

/**
 * A store on a scripted disk, without the calls of the opening.
 *
 * @param bets what is in `bets.csv` before
 */
export async function openFaulty(
  bets?: Uint8Array,
): Promise<{ store: CsvStore; files: FaultyFiles }> {
  const files = new FaultyFiles(bets);
  const { store } = await CsvStore.open('/data', { files, pause: noPause });
  files.calls.length = 0;
  return { store, files };
}

/** The facts that the next process reads. */
export async function factsOf(files: FaultyFiles): Promise<Fact[]> {
  const facts: Fact[] = [];
  const { store } = await CsvStore.open('/data', { files, onFact: fact => facts.push(fact) });
  await store.close();
  return facts;
}

/** Holds each sync of a file until the test completes the oldest one, with or without an error. */
export function holdSyncs(
  files: FaultyFiles,
  of = 'bets.journal',
): { held: () => number; release: (error?: Error) => void } {
  const waiting: PromiseWithResolvers<void>[] = [];
  files.onSync = file => {
    if (file !== of) return undefined;
    const gate = Promise.withResolvers<void>();
    waiting.push(gate);
    return gate.promise;
  };
  return {
    held: () => waiting.length,
    release: error => {
      const gate = waiting.shift();
      if (gate === undefined) throw new Error('no sync is waiting');
      if (error === undefined) gate.resolve();
      else gate.reject(error);
    },
  };
}

/** Lets everything happen that is not held. */
export const idle = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** Tracks a call of a store: `waiting`, `stored`, or the code of its rejection. */
export function follow(handed: Promise<unknown>): { outcome: string } {
  const seen = { outcome: 'waiting' };
  handed.then(
    () => {
      seen.outcome = 'stored';
    },
    (error: unknown) => {
      seen.outcome = error instanceof StoreError ? error.code : String(error);
    },
  );
  return seen;
}

export const outcomes = (followed: readonly { outcome: string }[]): string[] =>
  followed.map(({ outcome }) => outcome);

export const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof StoreError ? error.code : String(error)),
  );
