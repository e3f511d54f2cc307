import { setTimeout as pause } from 'node:timers/promises';
import { Lottery } from '../../lottery/lottery.ts';
import { type OnRows, StoreError, type StoreReading } from '../store.ts';
import { Engine, type EngineOptions, type FoundStream } from './engine.ts';
import { EngineError } from './engine-error.ts';
import type { LogMark } from './log-mark.ts';
import type { PlacedRecord } from './log-record.ts';
import { LogState } from './log-state.ts';

/** How long an engine that is away is waited for, in milliseconds. */
const PATIENCE_MS = 10_000;

/** Wait between two tries to reach it, in milliseconds. */
const RETRY_MS = 500;

export interface LogInspectionOptions {
  readonly engine: EngineOptions;
  /** The agencies that the draw waits for. */
  readonly expected: Iterable<number>;
  /** Given the rows that count. */
  readonly onRows?: OnRows | undefined;
  /** Told, in words, that the engine is being waited for, and what is odd about the log. */
  readonly onNotice?: ((why: string) => void) | undefined;
  readonly patienceMs?: number;
}

/**
 * Reads the log of a lottery from its first record to the one that is the last when the reading begins, and judges it as every
 * server does. Makes nothing in the engine and keeps nothing of the log but its state.
 *
 * @throws StoreError `unavailable` when the engine does not answer in time, or any more; `unusable` when the stream is not there,
 *   is not this lottery's, or lacks a message
 */
export async function inspectLog(options: LogInspectionOptions): Promise<StoreReading> {
  const { expected, onRows } = options;
  const { stream } = options.engine;
  const { engine, found } = await reach(options);
  try {
    const lottery = new Lottery(expected);
    const state = new LogState(lottery);
    const newest = new Map<string, number>();
    const { leader } = await asked(stream, engine.condition());
    for await (const record of recordsOf(engine, stream, found.last)) {
      newest.set(record.writer, Math.max(record.n, newest.get(record.writer) ?? 0));
      state.apply(record);
      for (const rows of state.rowsOf(record)) onRows?.(rows);
    }
    await expectSameLog(engine, stream, leader, state.mark);
    noticeGaps(state, newest, options);
    return { lottery, begun: found.created.toISOString() };
  } finally {
    await engine.close();
  }
}

/** An engine that answers, and the stream in it. */
async function reach({
  engine: options,
  onNotice,
  patienceMs = PATIENCE_MS,
}: LogInspectionOptions): Promise<{ readonly engine: Engine; readonly found: FoundStream }> {
  const end = performance.now() + patienceMs;
  let isWaiting = false;
  for (;;) {
    let engine: Engine | undefined;
    try {
      engine = await Engine.connect(options);
      return { engine, found: await engine.findStream() };
    } catch (error) {
      await engine?.close();
      if (!(error instanceof EngineError)) throw error;
      if (performance.now() >= end) {
        throw new StoreError('unavailable', error.message, error);
      }
      if (!isWaiting) onNotice?.(`${error.message}; waits up to ${patienceMs / 1000} s`);
      isWaiting = true;
    }
    await pause(RETRY_MS);
  }
}

/** @throws StoreError; what whoever uses the records throws stays what it is */
async function* recordsOf(engine: Engine, stream: string, last: number): AsyncGenerator<PlacedRecord> {
  try {
    yield* engine.read(1, last);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const code = error instanceof EngineError && !error.isShort ? 'unavailable' : 'unusable';
    throw new StoreError(code, `cannot read the stream ${stream}, ${(error as Error).message}`, error);
  }
}

/**
 * Another node may have become the leader meanwhile, and have another log: then what was read may be a part of each.
 *
 * @throws StoreError `unavailable`
 */
async function expectSameLog(engine: Engine, stream: string, leader: string, mark: LogMark): Promise<void> {
  const { leader: leaderNow } = await asked(stream, engine.condition());
  if (leaderNow === leader) return;
  const { digest } = await asked(stream, engine.markOn(leaderNow, mark.position));
  if (digest === mark.digest) return;
  throw new StoreError(
    'unavailable',
    `the stream ${stream} has another leader since the reading began, ${leaderNow}, whose log is another one; try again`,
  );
}

/** @throws StoreError `unavailable` (as a rejection) when the engine does not answer */
async function asked<Answer>(stream: string, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new StoreError('unavailable', `cannot read the stream ${stream}, ${error.message}`, error);
  }
}

/**
 * A record behind a gap of its server's numbers: the stream has lost what some outbox may still have, or what nobody was told of,
 * when that server died before it could send it again.
 */
function noticeGaps(
  state: LogState,
  newest: ReadonlyMap<string, number>,
  { engine, onNotice }: LogInspectionOptions,
): void {
  for (const [writer, n] of newest) {
    const next = state.nextOf(writer);
    if (n <= next) continue;
    onNotice?.(
      `the stream ${engine.stream} does not have the records ${next} to ${n - 1} of server ${writer}; a server that has them in its ` +
        'outbox puts them back when it starts, and what nobody has was never acknowledged as far as the outboxes are there',
    );
  }
}
