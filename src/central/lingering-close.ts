import type { Socket } from 'node:net';
import type { Limits } from '../wire/limits.ts';

/**
 * Lingering close: drains the input until the peer closes too. Closing a socket with unread input
 * resets the connection, which can discard the last reply before the peer reads it. The drain is
 * slow, so that a peer that keeps sending is held back by TCP.
 */
export class LingeringClose {
  readonly #socket: Socket;
  readonly #limits: Limits;
  #sentAt: number | undefined;
  #drainedBytes = 0;
  #isPaused = false;

  constructor(socket: Socket, limits: Limits, now: () => number) {
    this.#socket = socket;
    this.#limits = limits;
    socket.on('finish', () => {
      this.#sentAt = now();
    });
  }

  /** Whether this side of the connection is closed: every byte was sent. */
  get isWaiting(): boolean {
    return this.#sentAt !== undefined;
  }

  /** Whether the peer has had its time to close. */
  isOver(time: number): boolean {
    return this.#sentAt !== undefined && time - this.#sentAt >= this.#limits.lingerTimeoutMs;
  }

  /** Discards input, a chunk every `lingerReadMs`; destroys the socket after `lingerBytesMax`. */
  drain(): void {
    if (this.#isPaused) return;
    const chunk = this.#socket.read() as Buffer | null;
    if (chunk === null) return;
    this.#drainedBytes += chunk.length;
    if (this.#drainedBytes > this.#limits.lingerBytesMax) {
      this.#socket.destroy();
      return;
    }
    this.#isPaused = true;
    setTimeout(() => {
      this.#isPaused = false;
      this.drain();
    }, this.#limits.lingerReadMs).unref();
  }
}
