import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgencyCodec } from '../wire/dialect.ts';
import type { Limits } from '../wire/limits.ts';
import type { ServerAnswer } from '../wire/message.ts';
import { WireError } from '../wire/refusal.ts';
import { BrokenAnswerError, LinkError } from './errors.ts';
import { socketError } from './socket-error.ts';

export interface LinkOptions {
  /**
   * Called each time the answer timeout passes before the server has said anything on this
   * connection: a sequential server accepts a connection long before it serves it.
   *
   * @returns whether to wait on
   */
  readonly onSilence?: (silentMs: number) => boolean;
}

interface Request {
  readonly resolve: (answer: ServerAnswer) => void;
  readonly reject: (error: LinkError) => void;
}

/**
 * One connection to the central. Requests are pipelined and answered in order. The loss of the
 * connection rejects every unanswered request.
 */
export class Link {
  readonly #socket: Socket;
  readonly #codec: AgencyCodec;
  readonly #limits: Limits;
  readonly #onSilence: (silentMs: number) => boolean;
  readonly #requests: Request[] = [];
  readonly #closed: Promise<void>;
  #lost: LinkError | undefined;
  #timeout: NodeJS.Timeout | undefined;
  #silentMs = 0;
  #heard = false;
  /** Bytes of the incomplete answer, and how many of them arrived before the current window. */
  #answerBytes = 0;
  #timedBytes = 0;
  #isCoalescing = false;

  constructor(
    socket: Socket,
    codec: AgencyCodec,
    limits: Limits,
    { onSilence = () => false }: LinkOptions = {},
  ) {
    this.#onSilence = onSilence;
    this.#socket = socket;
    this.#codec = codec;
    this.#limits = limits;
    this.#closed = new Promise(resolve => {
      socket.on('close', () => {
        this.#lose(this.#broken('the central closed the connection'));
        resolve();
      });
    });
    // Keep-alive detects a dead central while winners are awaited without a deadline.
    socket.setKeepAlive(true, limits.pingIntervalMs);
    socket.on('data', chunk => this.#onData(chunk));
    socket.on('error', error => {
      const lost = socketError(error);
      this.#lose(this.#broken(lost.message, lost));
    });
  }

  /** Whether any answer has arrived on this connection. */
  get heard(): boolean {
    return this.#heard;
  }

  /** Whether the connection is lost. */
  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Sends a frame that is not answered. */
  send(frame: Uint8Array): void {
    this.#socket.write(frame);
  }

  /**
   * Sends a frame and waits for its answer.
   *
   * @throws LinkError (as a rejection) when the connection is lost first
   */
  request(frame: Uint8Array): Promise<ServerAnswer> {
    const answer = this.#expect();
    if (this.#lost !== undefined) return answer;
    if (this.#requests.length > 1) this.#coalesceWrites();
    this.#socket.write(frame);
    this.#timeout ??= setTimeout(() => this.#onTimeout(), this.#limits.answerTimeoutMs);
    return answer;
  }

  /**
   * Waits without a deadline for an unsolicited message.
   *
   * @throws LinkError (as a rejection) when the connection is lost first
   */
  awaitAnswer(): Promise<ServerAnswer> {
    return this.#expect();
  }

  /** Whether the server closes the connection within so many milliseconds. */
  async isClosedWithin(milliseconds: number): Promise<boolean> {
    const timeout = new AbortController();
    const open = sleep(milliseconds, false, { signal: timeout.signal }).catch(() => false);
    const closed = await Promise.race([this.#closed.then(() => true), open]);
    timeout.abort();
    return closed;
  }

  /** Closes the connection; a central that does not read delays it only for the linger timeout. */
  async close(): Promise<void> {
    this.#lose(new LinkError('closed by this side'));
    const timeout = setTimeout(() => this.#socket.destroy(), this.#limits.lingerTimeoutMs);
    this.#socket.destroySoon();
    await this.#closed;
    clearTimeout(timeout);
  }

  /** Ends the connection at once, without waiting for answers. */
  abandon(error: LinkError): void {
    this.#lose(error);
    this.#socket.destroy();
  }

  /**
   * Coalesces the frames of one turn of the event loop into one write: a write costs as much as
   * encoding a batch, and group commit acknowledges many at once. A lone frame is written at once,
   * because the servers of some dialects decode one frame per read.
   */
  #coalesceWrites(): void {
    if (this.#isCoalescing) return;
    this.#isCoalescing = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#isCoalescing = false;
      this.#socket.uncork();
    });
  }

  #expect(): Promise<ServerAnswer> {
    const { promise: answer, resolve, reject } = Promise.withResolvers<ServerAnswer>();
    // Requests in flight fail together; each rejection is handled in its turn.
    answer.catch(() => {});
    if (this.#lost === undefined) this.#requests.push({ resolve, reject });
    else reject(this.#lost);
    return answer;
  }

  #onTimeout(): void {
    const { answerTimeoutMs, progressBytesMin } = this.#limits;
    if (this.#answerBytes - this.#timedBytes >= progressBytesMin) {
      this.#timedBytes = this.#answerBytes;
      this.#timeout?.refresh();
      return;
    }
    this.#silentMs += answerTimeoutMs;
    const silent = !this.#heard && this.#answerBytes === 0;
    if (silent && this.#onSilence(this.#silentMs)) this.#timeout?.refresh();
    else this.abandon(this.#broken(`no answer within ${answerTimeoutMs} ms`));
  }

  #onData(chunk: Buffer): void {
    this.#answerBytes += chunk.length;
    this.#codec.push(chunk);
    try {
      for (let answer = this.#codec.next(); answer !== undefined; answer = this.#codec.next()) {
        this.#heard = true;
        this.#answerBytes = this.#codec.bufferedBytes;
        this.#timedBytes = 0;
        this.#onAnswer(answer);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.abandon(
        new BrokenAnswerError(`the central's answer cannot be read, ${error.message}`, error),
      );
    }
  }

  #onAnswer(answer: ServerAnswer): void {
    if (answer.kind === 'still-here') {
      if (this.#requests.length > 0) this.#timeout?.refresh();
      return;
    }
    const request = this.#requests.shift();
    if (request === undefined) {
      const refused = answer.kind === 'refused' ? 'the central refused this agency' : undefined;
      const why = (answer.kind === 'refused' && answer.refusal?.detail) || refused;
      this.abandon(new LinkError(why ?? 'an unsolicited answer'));
      return;
    }
    request.resolve(answer);
    if (this.#requests.length > 0) this.#timeout?.refresh();
    else this.#stopWaiting();
  }

  /** The loss of the connection, in the middle of an answer or between two. */
  #broken(what: string, cause?: unknown): LinkError {
    if (!this.#codec.pending) return new LinkError(what, cause);
    return new BrokenAnswerError(`${what} after ${this.#answerBytes} bytes of an answer`, cause);
  }

  #lose(error: LinkError): void {
    this.#lost ??= error;
    this.#stopWaiting();
    for (const request of this.#requests.splice(0)) request.reject(this.#lost);
  }

  #stopWaiting(): void {
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
  }
}
