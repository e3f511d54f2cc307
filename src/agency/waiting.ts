import { addAbortListener } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgencyParts } from './agency-parts.ts';
import { Stopped } from './errors.ts';

/**
 * Waits.
 *
 * @throws Stopped as soon as the process is asked to stop
 */
export async function pause(
  milliseconds: number,
  { stop, emit }: Pick<AgencyParts, 'stop' | 'emit'>,
): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal: stop });
  } catch {
    emit({ event: 'timer-closed', timer: 'next_try' });
    throw new Stopped();
  }
}

/** An answer that is not waited for when the process is asked to stop. */
export async function withStop<Value>(answer: Promise<Value>, stop: AbortSignal): Promise<Value> {
  if (stop.aborted) throw new Stopped();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const listening = addAbortListener(stop, () => reject(new Stopped()));
  try {
    return await Promise.race([answer, stopped]);
  } finally {
    listening[Symbol.dispose]();
  }
}
