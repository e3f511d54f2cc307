import type { RecordableHistogram } from 'node:perf_hooks';
import { connect, type Socket } from 'node:net';
import type { HostPort } from '../config/server-address.ts';
import { reasonOf } from '../files/system-error.ts';
import type { Limits } from '../wire/limits.ts';
import { AnswerCounter } from './answer-counter.ts';
import type { Belt } from './belt.ts';
import { BenchError } from './errors.ts';

export interface LoadConnectionParts {
  readonly address: HostPort;
  readonly limits: Limits;
  readonly belt: Belt;
  /** Batches in flight. */
  readonly window: number;
  /** Takes up to so many of the remaining batches; returns the number taken. */
  readonly take: (batches: number) => number;
  /** Time from a batch to its answer, in microseconds. */
  readonly latency: RecordableHistogram;
  readonly now: () => number;
}

/** One reused buffer; an answer has four bytes. */
const READ_BYTES = 16 * 1024;

/**
 * A connection that keeps its window full. One write, directly from the belt, follows each read.
 */
export class LoadConnection {
  /** Resolves when all batches are sent and answered; rejects with a BenchError. */
  readonly done: Promise<void>;
  readonly #parts: LoadConnectionParts;
  readonly #socket: Socket;
  readonly #answers = new AnswerCounter();
  readonly #settled = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed: Promise<unknown>;
  /** Send times of the unanswered batches, a ring from `#oldest`. */
  readonly #sentAt: Float64Array;
  #oldest = 0;
  #unanswered = 0;
  /** The next frame of the belt. */
  #frame = 0;
  /** Time of the last answer, or of the first batch. */
  #progressAt = Number.POSITIVE_INFINITY;

  constructor(parts: LoadConnectionParts) {
    this.#parts = parts;
    this.#sentAt = new Float64Array(parts.window);
    this.done = this.#settled.promise;
    // Handled by the caller, but perhaps later than the rejection.
    this.done.catch(() => {});
    this.#opened.promise.catch(() => {});
    this.#socket = connect({
      ...parts.address,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(READ_BYTES),
        callback: (length, buffer) => {
          this.#onAnswers(buffer.subarray(0, length));
          return true;
        },
      },
    });
    this.#socket.on('connect', () => this.#opened.resolve());
    this.#socket.on('error', error => this.#fail(`${place(parts.address)}: ${reasonOf(error)}`));
    this.#closed = new Promise(resolve => this.#socket.on('close', resolve));
    void this.#closed.then(() => this.#fail('the server closed the connection'));
  }

  /**
   * Connects and identifies.
   *
   * @throws BenchError
   */
  async open(identify: Uint8Array | undefined): Promise<void> {
    const { connectTimeoutMs } = this.#parts.limits;
    const timeout = setTimeout(
      () =>
        this.#fail(`${place(this.#parts.address)}: no connection within ${connectTimeoutMs} ms`),
      connectTimeoutMs,
    );
    try {
      await this.#opened.promise;
    } finally {
      clearTimeout(timeout);
    }
    if (identify !== undefined) this.#socket.write(identify);
  }

  start(): void {
    this.#progressAt = this.#parts.now();
    this.#send();
  }

  /** Fails if the server makes no progress. Called periodically. */
  checkDeadline(): void {
    const { now, limits } = this.#parts;
    if (now() - this.#progressAt < limits.answerTimeoutMs) return;
    this.#fail(`no answer within ${limits.answerTimeoutMs} ms`);
  }

  async close(): Promise<void> {
    const timeout = setTimeout(() => this.#socket.destroy(), this.#parts.limits.lingerTimeoutMs);
    this.#socket.destroySoon();
    await this.#closed;
    clearTimeout(timeout);
  }

  /** Fills the window. */
  #send(): void {
    const { window, take, belt, now } = this.#parts;
    const count = take(window - this.#unanswered);
    if (count === 0) {
      if (this.#unanswered > 0) return;
      this.#progressAt = Number.POSITIVE_INFINITY;
      this.#settled.resolve();
      return;
    }
    const time = now();
    for (let sent = 0; sent < count; sent += 1) {
      this.#sentAt[(this.#oldest + this.#unanswered) % window] = time;
      this.#unanswered += 1;
    }
    this.#socket.write(belt.run(this.#frame, count));
    this.#frame = (this.#frame + count) % belt.frames;
  }

  #onAnswers(chunk: Uint8Array): void {
    let answers: number;
    try {
      answers = this.#answers.count(chunk);
    } catch (error) {
      this.#fail((error as Error).message);
      return;
    }
    if (answers === 0) return;
    if (answers > this.#unanswered) {
      this.#fail('the server sent an answer without a request');
      return;
    }
    const { window, latency, now } = this.#parts;
    const time = now();
    for (let answer = 0; answer < answers; answer += 1) {
      latency.record(Math.max(1, Math.round((time - this.#sentAt[this.#oldest]!) * 1_000)));
      this.#oldest = (this.#oldest + 1) % window;
    }
    this.#unanswered -= answers;
    this.#progressAt = time;
    this.#send();
  }

  #fail(message: string): void {
    const error = new BenchError(message);
    this.#opened.reject(error);
    this.#settled.reject(error);
    this.#socket.destroy();
  }
}

function place({ host, port }: HostPort): string {
  return `${host}:${port}`;
}
