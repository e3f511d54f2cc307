import { setTimeout as pause } from 'node:timers/promises';
import type { TailCut } from '../csv/recovery.ts';
import { type EngineEvent, type Follower, StoreError } from '../store.ts';
import { Engine, type EngineOptions } from './engine.ts';
import { EngineError } from './engine-error.ts';
import type { LogState } from './log-state.ts';
import { Outbox } from './outbox.ts';
import { type Restored, restoreLog } from './restore.ts';

/** Wait before an engine that is away is tried again, in milliseconds. */
const RETRY_MS = 500;

/** What a message needs beside the rows of its batch, in bytes. */
export const MESSAGE_OVERHEAD_BYTES = 4096;

export interface OpenLogOptions {
  readonly engine: EngineOptions;
  /** Folder of this server alone; the outbox is kept in it. */
  readonly directory: string;
  /** Told every fact of the log, in order, and judges it. */
  readonly follower: Follower;
  /** Rows of the largest batch, in bytes: the engine must take messages of that length. */
  readonly batchBytesMax?: number;
  readonly onEvent?: (event: EngineEvent) => void;
  /** Ends an opening that waits for the engine. */
  readonly signal?: AbortSignal;
}

/** A log that was read to its end and is whole. */
export interface OpenedLog {
  readonly engine: Engine;
  readonly outbox: Outbox;
  readonly state: LogState;
  /** The node that led the stream when it was read. */
  readonly leader: string;
  readonly cuts: readonly TailCut[];
}

/**
 * Opens the log and waits, for as long as it takes, for an engine that is not there yet.
 *
 * @throws StoreError `unusable` when the stream or the folder cannot be used, or it was not there before `signal`; `failed` when
 *   the stream has lost something that nobody here has any more
 */
export async function openLog(options: OpenLogOptions): Promise<OpenedLog> {
  const { directory, onEvent = () => {}, signal } = options;
  const { outbox, cuts } = await Outbox.openOf(directory, options.engine.stream);
  const waitingSince = performance.now();
  let isWaiting = false;
  try {
    for (;;) {
      try {
        const { engine, restored } = await connect(options, outbox);
        if (isWaiting) onEvent({ kind: 'available', awayMs: performance.now() - waitingSince });
        tellRestored(restored, onEvent);
        return { engine, outbox, state: restored.state, leader: restored.leader, cuts };
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        if (!isWaiting) onEvent({ kind: 'unavailable', error: error.message });
        isWaiting = true;
      }
      await pause(RETRY_MS, undefined, { ...(signal && { signal }) }).catch(() => {});
      if (signal?.aborted) throw new StoreError('unusable', 'the engine was not there before the end');
    }
  } catch (error) {
    await outbox.close();
    throw error;
  }
}

/** Tells of records that were put back, if there were any. */
export function tellRestored(
  { offered: records, lostBets }: Restored,
  onEvent: (event: EngineEvent) => void,
): void {
  if (records > 0) onEvent({ kind: 'restored', records, lostBets });
}

async function connect(
  { engine: engineOptions, follower, batchBytesMax = 0 }: OpenLogOptions,
  outbox: Outbox,
): Promise<{ readonly engine: Engine; readonly restored: Restored }> {
  const engine = await Engine.connect(engineOptions);
  try {
    expectMessageSize(engine, batchBytesMax);
    const restored = await restoreLog({ engine, outbox, follower });
    restored.state.handOverTo(follower);
    return { engine, restored };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function expectMessageSize({ messageBytesMax }: Engine, batchBytesMax: number): void {
  const needed = batchBytesMax + MESSAGE_OVERHEAD_BYTES;
  if (messageBytesMax >= needed) return;
  throw new StoreError(
    'unusable',
    `the engine takes messages of ${messageBytesMax} bytes and a batch may need ${needed}; ` +
      'set max_payload in its configuration, or a smaller PAYLOAD_BYTES_MAX here',
  );
}
