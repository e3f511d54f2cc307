import { Lottery } from '../../lottery/lottery.ts';
import type { OnRows, StoreReading } from '../store.ts';
import type { ConnectionParts } from './connection.ts';
import { Log } from './log.ts';
import { expectSchema } from './schema.ts';
import { findPrimary } from './session.ts';

export interface InspectionOptions extends Pick<ConnectionParts, 'access' | 'lottery'> {
  readonly onRows?: OnRows | undefined;
}

/**
 * Reads the log of a lottery, up to its current end. Waits for no standby: the newest records may
 * not be durable yet.
 *
 * @throws StoreError (as a rejection) `unavailable`; `unusable` for a missing or damaged lottery
 */
export async function inspectLog(options: InspectionOptions): Promise<StoreReading> {
  const session = await findPrimary(options.access, 'loteria');
  try {
    await expectSchema(session, false);
    const log = new Log(options.lottery);
    const { agencies, head, begun } = await log.find(session);
    const lottery = new Lottery([]);
    lottery.apply({ kind: 'agencies', agencies });
    for await (const { facts, rows } of log.records(session, Number(head))) {
      for (const fact of facts) lottery.apply(fact);
      options.onRows?.(rows);
    }
    return { lottery, begun: begun.toISOString() };
  } finally {
    await session.close();
  }
}
