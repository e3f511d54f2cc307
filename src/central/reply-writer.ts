import type { Socket } from 'node:net';

/** Bytes of one write, and of a backlog. */
const SLICE_BYTES = 64 * 1024;

/** Writes in one turn of the event loop where each frame has its own. */
const FRAMES_PER_TURN_MAX = 64;

export interface ReplyWriterParts {
  readonly socket: Socket;
  /** One write for each frame: peers read a header with a single call. */
  readonly writePerFrame: boolean;
  readonly now: () => number;
  /** Called when the backlog is written. */
  readonly onDrained: () => void;
}

/**
 * The output of one connection. Coalesces the replies of one turn of the event loop into one write,
 * and slices long ones, so that a slow reader shows progress.
 */
export class ReplyWriter {
  readonly #parts: ReplyWriterParts;
  /** Frames from `#next` on are not written yet. */
  #frames: Uint8Array[] = [];
  #next = 0;
  #queuedBytes = 0;
  #flushScheduled = false;
  #ending = false;
  #unreadSince: number | undefined;

  constructor(parts: ReplyWriterParts) {
    this.#parts = parts;
    parts.socket.on('drain', () => this.#flush());
  }

  /** Bytes that the kernel has not accepted. */
  get bufferedBytes(): number {
    return this.#queuedBytes + this.#parts.socket.writableLength;
  }

  /** Whether the peer must read before it is served further. */
  get backlogged(): boolean {
    return this.#queuedBytes >= SLICE_BYTES || this.#parts.socket.writableNeedDrain;
  }

  /** Whether every byte was written to the socket. */
  get empty(): boolean {
    return this.#queuedBytes === 0;
  }

  /** Time of the last progress while bytes wait; undefined when none do. */
  get unreadSince(): number | undefined {
    return this.#unreadSince;
  }

  write(frames: readonly Uint8Array[]): void {
    if (this.#parts.socket.destroyed) return;
    for (const frame of frames) {
      this.#frames.push(frame);
      this.#queuedBytes += frame.length;
    }
    if (this.#flushScheduled || frames.length === 0) return;
    this.#flushScheduled = true;
    process.nextTick(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  /** Half-closes the connection once everything is written. */
  end(): void {
    this.#ending = true;
    this.#flush();
  }

  #flush(): void {
    const { socket, now, onDrained } = this.#parts;
    if (socket.destroyed) return;
    const wasBacklogged = this.#queuedBytes >= SLICE_BYTES;
    for (let writes = 0; this.#queuedBytes > 0 && socket.writableLength === 0; writes += 1) {
      if (writes === FRAMES_PER_TURN_MAX) {
        this.#flushInNextTurn();
        break;
      }
      const bytes = this.#take();
      this.#queuedBytes -= bytes.length;
      this.#unreadSince ??= now();
      socket.write(bytes, this.#onWritten);
    }
    if (this.#queuedBytes === 0 && this.#ending) socket.end();
    if (wasBacklogged && this.#queuedBytes < SLICE_BYTES) onDrained();
  }

  #flushInNextTurn(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  readonly #onWritten = (): void => {
    const { socket, now } = this.#parts;
    this.#unreadSince = this.bufferedBytes > 0 ? now() : undefined;
    if (this.#queuedBytes > 0 && socket.writableLength === 0 && !this.#flushScheduled)
      this.#flush();
  };

  /** The next write. */
  #take(): Uint8Array {
    if (this.#parts.writePerFrame) return this.#takeFrame(Number.POSITIVE_INFINITY);
    const parts: Uint8Array[] = [];
    let room = SLICE_BYTES;
    while (room > 0 && this.#next < this.#frames.length) {
      const part = this.#takeFrame(room);
      parts.push(part);
      room -= part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  #takeFrame(bytesMax: number): Uint8Array {
    const frame = this.#frames[this.#next]!;
    if (frame.length > bytesMax) {
      this.#frames[this.#next] = frame.subarray(bytesMax);
      return frame.subarray(0, bytesMax);
    }
    this.#next += 1;
    if (this.#next === this.#frames.length) {
      this.#frames = [];
      this.#next = 0;
    }
    return frame;
  }
}
