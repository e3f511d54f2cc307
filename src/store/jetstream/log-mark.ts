import type { Consumer } from '@nats-io/jetstream';
import { crc32 } from 'node:zlib';

/** How a consumer asks: the messages come without their bodies. */
const CONSUME = {
  expires: 2000,
  idle_heartbeat: 500,
  max_messages: 1000,
  abort_on_missing_resource: true,
} as const;

/** How long nothing may come before a copy is taken to end there, in milliseconds. */
const STANDSTILL_MS = 3000;

/**
 * How far a log was read, and what tells it from another one of that length: the CRC-32 over the times, to the microsecond, at which
 * the engine took its messages. Two copies of a stream on two nodes have the same messages as long as they have the same mark.
 */
export interface LogMark {
  /** Of the last message; 0 before the first. */
  readonly position: number;
  readonly digest: number;
}

export const START: LogMark = { position: 0, digest: 0 };

const timeBytes = new Uint8Array(8);
const timeView = new DataView(timeBytes.buffer);

/** @param time of the next message, in milliseconds since 1970 with their fraction */
export function markAfter({ position, digest }: LogMark, time: number): LogMark {
  timeView.setFloat64(0, time);
  return { position: position + 1, digest: crc32(timeBytes, digest) };
}

/**
 * The mark, up to a position, of the copy of a stream that a consumer reads behind a mark that the copy is known to have; of an
 * earlier position where the copy does not come as far.
 */
export async function readMark(consumer: Consumer, position: number, after: LogMark): Promise<LogMark> {
  if (position <= after.position) return after;
  const messages = await consumer.consume(CONSUME);
  let movedAt = performance.now();
  const watchdog = setInterval(() => {
    if (performance.now() - movedAt > STANDSTILL_MS) messages.stop();
  }, STANDSTILL_MS / 5);
  let mark = after;
  try {
    for await (const { seq, info } of messages) {
      // One that was sent while the connection was away may come again, or not at all.
      if (seq <= mark.position) continue;
      if (seq > mark.position + 1) break;
      mark = markAfter(mark, info.timestampNanos / 1e6);
      if (mark.position === position) break;
      movedAt = performance.now();
    }
  } finally {
    clearInterval(watchdog);
    messages.stop();
  }
  return mark;
}
