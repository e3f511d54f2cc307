import type { Consumer, ConsumerMessages } from '@nats-io/jetstream';
import { setTimeout as pause } from 'node:timers/promises';
import { EngineError } from './engine-error.ts';
import { decodeRecord, type PlacedRecord } from './log-record.ts';
import { endOf, isSameEnd, type LogEnd } from './log-state.ts';

/** How a consumer asks. Not for many messages at a time, for they are large. */
const CONSUME = {
  expires: 2000,
  idle_heartbeat: 500,
  max_messages: 32,
  abort_on_missing_resource: true,
} as const;

/** A consumer of which nothing is heard for so long, no heartbeat either, is given up, in milliseconds. */
const SILENCE_MS = 1500;

/**
 * The same for one that owes what is in the stream already, of which heartbeats are not enough: a node that has hung may come back
 * without the newest records, and keeps a consumer that waits for them.
 */
const STANDSTILL_MS = 3000;

/** Wait before another consumer is made, in milliseconds. */
const RETRY_MS = 100;

/** How long there may be no consumer at all, or none that gives what it owes, before that is an error, in milliseconds. */
const PATIENCE_MS = 10_000;

export interface FollowingParts {
  /** Makes a consumer of the leader's copy. @throws EngineError */
  readonly consumerFrom: (position: number) => Promise<Consumer>;
  /** The record at a position. @throws EngineError */
  readonly at: (position: number) => Promise<PlacedRecord | undefined>;
  /** Whether everything that is asked for is in the stream already: then none of it may be long in coming. */
  readonly isThere: boolean;
  /** Called whenever there is a consumer. */
  readonly onOpen: () => void;
}

/**
 * The records from a position on, one behind the other without a gap, those included that are still to come.
 *
 * The engine keeps a consumer in the memory of one node, and when that dies it is silent for as long as the node is away; a new
 * one, asked for by a position that the stream does not have any more, begins wherever the stream ends. So its silence is watched
 * and its positions are checked here, and a new one is made where the last has ended. A leader that hangs is left before the other
 * nodes elect another one: what it makes of the stream when it goes on is not the log.
 */
export class Following {
  readonly #parts: FollowingParts;
  #next: number;
  /** What stands before it. */
  #last: LogEnd | undefined;
  #consumer: Consumer | undefined;
  #messages: ConsumerMessages | undefined;
  #isClosed = false;
  #heardAt = 0;

  /** @param after what was read before, if that must still be there */
  constructor(from: number, after: LogEnd | undefined, parts: FollowingParts) {
    this.#next = from;
    this.#last = after;
    this.#parts = parts;
  }

  /**
   * Until it is closed.
   *
   * @throws EngineError when it cannot be read for too long; with `isShort` when what comes does not follow on what came before:
   *   the stream has lost its end. Error when something else than a record is there
   */
  async *records(): AsyncGenerator<PlacedRecord> {
    let withoutSince = performance.now();
    let movedAt = withoutSince;
    while (!this.#isClosed) {
      try {
        this.#messages = await this.#open();
        if (this.#isClosed) return;
        this.#parts.onOpen();
        let hasBegun = false;
        for await (const { seq, data, info } of this.#watched(this.#messages)) {
          // What it has sent while the connection was away it may send again.
          if (seq < this.#next) continue;
          if (seq > this.#next) {
            if (!hasBegun) throw short(this.#next, seq);
            // Or it may not: then another one gives what is missing.
            break;
          }
          hasBegun = true;
          const record = decodeRecord(seq, data, info.timestampNanos / 1e6);
          this.#next = seq + 1;
          this.#last = endOf(record);
          yield record;
          movedAt = performance.now();
        }
        withoutSince = performance.now();
        if (this.#parts.isThere && withoutSince - movedAt > PATIENCE_MS) {
          throw new EngineError(`message ${this.#next} of the stream does not come`, { isShort: true });
        }
      } catch (error) {
        if (!(error instanceof EngineError) || error.isShort) throw error;
        if (performance.now() - Math.max(withoutSince, this.#heardAt) > PATIENCE_MS) throw error;
      } finally {
        this.#messages?.stop();
      }
      if (!this.#isClosed) await pause(RETRY_MS);
    }
  }

  /** Ends `records`. */
  close(): void {
    this.#isClosed = true;
    this.#messages?.stop();
  }

  /** Ends `records`, and leaves nothing of it in the engine. */
  async remove(): Promise<void> {
    this.close();
    await this.#consumer?.delete().catch(() => {});
  }

  async #open(): Promise<ConsumerMessages> {
    const consumer = await this.#parts.consumerFrom(this.#next);
    this.#consumer = consumer;
    try {
      const { delivered } = await consumer.info();
      if (delivered.stream_seq !== this.#next - 1) throw short(this.#next, delivered.stream_seq + 1);
      await this.#expectLast();
      return await consumer.consume(CONSUME);
    } catch (error) {
      throw error instanceof EngineError ? error : EngineError.of('the stream cannot be read', error);
    }
  }

  /** A stream that has lost its end may have grown beyond it before there is another consumer. */
  async #expectLast(): Promise<void> {
    const last = this.#last;
    if (last === undefined || last.position === 0) return;
    const found = await this.#parts.at(last.position);
    if (found !== undefined && isSameEnd(last, found)) return;
    throw new EngineError(`message ${last.position} of the stream is not the one that was read`, {
      isShort: true,
    });
  }

  /** The messages, until nothing was heard for too long. */
  async *#watched(
    messages: ConsumerMessages,
  ): AsyncGenerator<Awaited<ReturnType<Consumer['next']>> & object> {
    this.#heardAt = performance.now();
    const { isThere } = this.#parts;
    if (!isThere) void this.#hearHeartbeats(messages);
    const silenceMs = isThere ? STANDSTILL_MS : SILENCE_MS;
    const watchdog = setInterval(() => {
      if (performance.now() - this.#heardAt > silenceMs) messages.stop();
    }, silenceMs / 5);
    try {
      for await (const message of messages) {
        // Whoever takes it may take its time.
        this.#heardAt = Infinity;
        yield message;
        this.#heardAt = performance.now();
      }
    } catch (error) {
      throw EngineError.of('the stream cannot be read', error);
    } finally {
      clearInterval(watchdog);
    }
  }

  async #hearHeartbeats(messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) {
      if (type === 'heartbeat') this.#heardAt = Math.max(this.#heardAt, performance.now());
    }
  }
}

function short(expected: number, found: number): EngineError {
  return new EngineError(`message ${expected} of the stream is expected and ${found} comes`, {
    isShort: true,
  });
}
