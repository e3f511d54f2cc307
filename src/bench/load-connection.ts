import type { RecordableHistogram } from 'node:perf_hooks';
import { connect, type Socket } from 'node:net';
import type { Limits } from '../wire/limits.ts';
import { AnswerCounter } from './answer-counter.ts';
import type { Belt } from './belt.ts';
import { BenchError } from './errors.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface LoadConnectionParts {
  readonly address: Address;
  readonly limits: Limits;
  readonly belt: Belt;
  /** Batches that may be unanswered. */
  readonly window: number;
  /** Takes up to so many batches from those that are left to be sent, and says how many. */
  readonly take: (batches: number) => number;
  /** Gets the time from the sending of each batch to its answer, in microseconds. */
  readonly latency: RecordableHistogram;
  readonly now: () => number;
}

/** Bytes of answers that are read at a time: four for each batch, into the same buffer again and again. */
const READ_BYTES = 16 * 1024;

/**
 * One connection that keeps as many batches unanswered as its window has room for. An answer makes nothing but a number:
 * what a chunk of answers makes room for is sent with one write, straight from the belt.
 */
export class LoadConnection {
  /** Fulfilled when nothing is left to be sent and everything is answered; rejected with a BenchError. */
  readonly done: Promise<void>;
  readonly #parts: LoadConnectionParts;
  readonly #socket: Socket;
  readonly #answers = new AnswerCounter();
  readonly #settled = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed: Promise<unknown>;
  /** When each unanswered batch was sent: a ring, in which `#oldest` is the next one to be answered. */
  readonly #sentAt: Float64Array;
  #oldest = 0;
  #unanswered = 0;
  /** The next frame of the belt. */
  #frame = 0;
  /** When the last answer came, or the first batch went out. */
  #progressAt = Number.POSITIVE_INFINITY;

  constructor(parts: LoadConnectionParts) {
    this.#parts = parts;
    this.#sentAt = new Float64Array(parts.window);
    this.done = this.#settled.promise;
    // It may fail while another connection is being waited for.
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
    this.#socket.on('error', error => this.#fail(`${place(parts.address)}: ${error.message}`));
    this.#closed = new Promise(resolve => this.#socket.on('close', resolve));
    void this.#closed.then(() => this.#fail('the server closed the connection'));
  }

  /**
   * Waits for the connection, and says who is speaking.
   *
   * @param identify the message that does so
   * @throws BenchError
   */
  async open(identify: Uint8Array | undefined): Promise<void> {
    const { connectTimeoutMs } = this.#parts.limits;
    const timeout = setTimeout(
      () => this.#fail(`${place(this.#parts.address)}: no connection within ${connectTimeoutMs} ms`),
      connectTimeoutMs,
    );
    try {
      await this.#opened.promise;
    } finally {
      clearTimeout(timeout);
    }
    if (identify !== undefined) this.#socket.write(identify);
  }

  /** Sends the first batches. */
  start(): void {
    this.#progressAt = this.#parts.now();
    this.#send();
  }

  /** Fails when the server has not answered anything for too long. Called now and then. */
  checkDeadline(): void {
    const { now, limits } = this.#parts;
    if (now() - this.#progressAt < limits.answerTimeoutMs) return;
    this.#fail(`no answer within ${limits.answerTimeoutMs} ms`);
  }

  /** Ends the connection; not waiting for long when the server does not. */
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
      this.#fail('the server gave an answer that nobody asked for');
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

function place({ host, port }: Address): string {
  return `${host}:${port}`;
}
