import { setTimeout as pause } from 'node:timers/promises';
import { Lottery } from '../../lottery/lottery.ts';
import type { OnRows, StoreReading } from '../store.ts';
import { WAITS } from './limits.ts';
import { Log } from './log.ts';
import type { PostgresStoreOptions } from './postgres-store.ts';
import { expectSchema } from './schema.ts';
import { EngineError, findPrimary, type Session } from './session.ts';

export interface InspectionOptions extends Pick<PostgresStoreOptions, 'access' | 'lottery' | 'agencies'> {
  readonly expected: readonly number[];
  readonly onRows?: OnRows | undefined;
  /** Called with a text when the engine is waited for. */
  readonly onNotice?: ((what: string) => void) | undefined;
}

/**
 * Reads the log of a lottery, up to its end at the start. Changes nothing, waits for no standby.
 *
 * @throws StoreError (as a rejection) `unavailable`; `unusable` when there is no such lottery, or a damaged one
 */
export async function inspectLog(options: InspectionOptions): Promise<StoreReading> {
  const session = await reach(options);
  try {
    await expectSchema(session, false);
    const log = new Log(options.lottery, options.agencies);
    const { head, begun } = await log.find(session);
    const lottery = new Lottery(options.expected);
    for await (const { facts, rows } of log.records(session, head)) {
      for (const fact of facts) lottery.apply(fact);
      options.onRows?.(rows);
    }
    return { lottery, begun: begun.toISOString() };
  } finally {
    await session.close();
  }
}

/** The primary, which may be about to be replaced. */
async function reach({ access, onNotice }: InspectionOptions): Promise<Session> {
  const end = performance.now() + WAITS.inspectionMs;
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await findPrimary(access, 'loteria');
    } catch (error) {
      if (!(error instanceof EngineError) || error.trouble === 'final' || performance.now() >= end)
        throw error;
      if (isFirst) onNotice?.(`${error.message}; waits up to ${WAITS.inspectionMs / 1000} s`);
    }
    await pause(WAITS.retryMs);
  }
}
