import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { SeededRandom } from '../dataset/random.ts';
import type { Shape, Stop } from './proxy-control.ts';

/** Back-pressure: above this queue length, the sender is not read. */
const QUEUE_BYTES_MAX = 256 * 1024;

/** Gap between two segments, so that the receiver reads them separately. */
const SEGMENT_GAP_MS = 1;

/** First segment of coalesced bytes: shorter than any header. */
const HEAD_BYTES_MAX = 3;
const HEAD_GAP_MS = 20;

interface PipeParts {
  readonly shape: Shape;
  readonly stop: Stop | undefined;
  /** Makes the random cuts differ between connections. */
  readonly salt: number;
  readonly onData: (bytes: Uint8Array) => void;
  readonly onEnd: () => void;
  readonly onStop: (action: 'cut' | 'end') => void;
}

/**
 * One direction of a connection: records the bytes as they arrive, and forwards them in the given
 * shape.
 */
export class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #parts: PipeParts;
  readonly #random: SeededRandom;
  #stop: Stop | undefined;
  #queue: Uint8Array = new Uint8Array(0);
  #lastDataAt = 0;
  #passed = 0;
  #isEnded = false;
  #isHeld = false;
  #isClosed = false;
  #isPumping = false;
  /** Whether of the coalesced bytes only the first segment was sent. */
  #isHeadPassed = false;

  constructor(from: Socket, to: Socket, parts: PipeParts) {
    this.#from = from;
    this.#to = to;
    this.#parts = parts;
    this.#stop = parts.stop;
    this.#random = new SeededRandom(
      (parts.shape.kind === 'random' ? parts.shape.seed : 0) + parts.salt,
    );
    from.on('data', bytes => this.#onData(bytes));
    from.on('end', () => {
      this.#isEnded = true;
      parts.onEnd();
      void this.#pump();
    });
    from.resume();
    if (this.#stop?.afterBytes === 0) this.#stopNow(this.#stop);
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#stop = undefined;
    void this.#pump();
  }

  close(): void {
    this.#isClosed = true;
  }

  #onData(bytes: Uint8Array): void {
    this.#parts.onData(bytes);
    this.#queue = Buffer.concat([this.#queue, bytes]);
    this.#lastDataAt = performance.now();
    const { shape } = this.#parts;
    if (shape.kind === 'slow-reader') this.#pauseReading(shape.pauseMs);
    else if (this.#queue.length > QUEUE_BYTES_MAX) this.#from.pause();
    void this.#pump();
  }

  #pauseReading(pauseMs: number): void {
    this.#from.pause();
    setTimeout(() => this.#from.resume(), pauseMs);
  }

  /** Forwards the queue, one segment at a time. */
  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#isHeld && !this.#isClosed && this.#queue.length > 0) {
      await this.#waitBefore();
      if (this.#isHeld || this.#isClosed) break;
      await this.#passPiece();
    }
    this.#isPumping = false;
    if (this.#isEnded && this.#queue.length === 0 && !this.#isHeld) this.#to.end();
  }

  async #waitBefore(): Promise<void> {
    const { shape } = this.#parts;
    if (this.#isHeadPassed) await pause(HEAD_GAP_MS);
    if (shape.kind === 'delay') await pause(this.#lastDataAt + shape.delayMs - performance.now());
    while (shape.kind === 'coalesce' && !this.#isEnded) {
      const restMs = this.#lastDataAt + shape.quietMs - performance.now();
      if (restMs <= 0) return;
      await pause(restMs);
    }
  }

  async #passPiece(): Promise<void> {
    const length = Math.min(
      this.#nextLength(),
      this.#stop ? this.#stop.afterBytes - this.#passed : Infinity,
    );
    const piece = this.#queue.subarray(0, length);
    this.#queue = this.#queue.subarray(piece.length);
    this.#passed += piece.length;
    if (this.#queue.length <= QUEUE_BYTES_MAX && this.#parts.shape.kind !== 'slow-reader') {
      this.#from.resume();
    }
    if (this.#to.writable && !this.#to.write(piece)) {
      await Promise.race([once(this.#to, 'drain'), once(this.#to, 'close')]).catch(() => {});
    }
    if (this.#stop?.afterBytes === this.#passed) this.#stopNow(this.#stop);
    else if (this.#isSliced()) await pause(SEGMENT_GAP_MS);
    else await nextTurn();
  }

  #stopNow({ action }: Stop): void {
    this.#isHeld = true;
    // Forwarded bytes must arrive before a reset, which would discard them.
    if (action !== 'hold') setTimeout(() => this.#parts.onStop(action), 20);
  }

  #isSliced(): boolean {
    const { shape } = this.#parts;
    return shape.kind === 'random' || (shape.kind === 'bytes' && this.#passed <= shape.byteCount);
  }

  #nextLength(): number {
    const { shape } = this.#parts;
    if (shape.kind === 'bytes' && this.#passed < shape.byteCount) return 1;
    if (shape.kind === 'random') return this.#random.between(1, shape.lengthMax);
    if (shape.kind === 'coalesce') {
      this.#isHeadPassed = !this.#isHeadPassed && this.#queue.length > HEAD_BYTES_MAX;
      if (this.#isHeadPassed) return this.#random.between(1, HEAD_BYTES_MAX);
    }
    return this.#queue.length;
  }
}
