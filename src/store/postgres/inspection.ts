import { setTimeout as pause } from 'node:timers/promises';
import { Lottery } from '../../lottery/lottery.ts';
import { type OnRows, StoreError, type StoreReading } from '../store.ts';
import { Log } from './log.ts';
import { decodeFacts } from './log-facts.ts';
import type { PostgresStoreOptions } from './postgres-store.ts';
import { findPrimary } from './primary.ts';
import { expectSchema } from './schema.ts';
import { EngineError, type Session } from './session.ts';
import { WAITS } from './waits.ts';

export interface InspectionOptions extends Pick<PostgresStoreOptions, 'access' | 'lottery' | 'agencies'> {
  /** The agencies that the draw waits for. */
  readonly expected: readonly number[];
  /** Given the rows of every bet. */
  readonly onRows?: OnRows | undefined;
  /** Told, in words, that the engine is being waited for. */
  readonly onNotice?: ((what: string) => void) | undefined;
}

/**
 * Reads the log of a lottery up to the record that is the last when the reading begins, and holds it against its chain. Changes nothing,
 * and waits for no standby.
 *
 * @throws StoreError (as a rejection) `unavailable` when the engine does not answer in time; `unusable` when the database has no such
 *   lottery, or a damaged one
 */
export async function inspectLog(options: InspectionOptions): Promise<StoreReading> {
  const { expected, agencies, onRows } = options;
  const log = new Log(options.lottery, agencies);
  const session = await reach(options);
  try {
    await expectSchema(session, false);
    const { head, begun } = await log.find(session);
    const lottery = new Lottery(expected);
    for await (const { facts, rows } of log.records(session, head)) {
      for (const fact of decodeFacts(facts)) lottery.apply(fact);
      onRows?.(rows);
    }
    return { lottery, begun: begun.toISOString() };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new StoreError('unavailable', error.message, error);
  } finally {
    await session.close();
  }
}

async function reach({ access, onNotice }: InspectionOptions): Promise<Session> {
  const end = performance.now() + WAITS.inspectionMs;
  let isWaiting = false;
  for (;;) {
    try {
      return await findPrimary(access, 'loteria');
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.trouble === 'final') throw new StoreError('unusable', error.message, error);
      if (performance.now() >= end) throw new StoreError('unavailable', error.message, error);
      if (!isWaiting) onNotice?.(`${error.message}; waits up to ${WAITS.inspectionMs / 1000} s`);
      isWaiting = true;
    }
    await pause(WAITS.retryMs);
  }
}
