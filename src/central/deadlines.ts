import type { Limits } from '../wire/limits.ts';
import { Pace } from '../wire/pace.ts';

/** What a peer has to send next: its first message, the rest of a message, or another message. */
type Awaited = 'first-message-timeout' | 'message-timeout' | 'idle';

/** The clock of one connection: which deadline the peer is under, and whether it has missed it. */
export class Deadlines {
  readonly #limits: Limits;
  readonly #now: () => number;
  readonly #pace: Pace;
  #awaited: Awaited = 'first-message-timeout';
  #sentAt: number;

  constructor(limits: Limits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    this.#pace = new Pace(limits.progressBytesMin, now());
    this.#sentAt = now();
  }

  received(bytes: number): void {
    this.#pace.moved(bytes);
  }

  sent(): void {
    this.#sentAt = this.#now();
  }

  /** Restarts the current deadline: processing time does not count as silence. */
  restart(): void {
    this.#pace.restart(this.#now());
  }

  /**
   * Moves to the deadline of what the peer has to send after its input was decoded.
   *
   * @param messages decoded since the last call
   * @param partialBytes of a message that is incomplete
   */
  expectInput(messages: number, isPartial: boolean, partialBytes: number): void {
    if (messages === 0 && this.#awaited === 'first-message-timeout') return;
    const awaited = isPartial ? 'message-timeout' : 'idle';
    if (messages === 0 && awaited === this.#awaited) return;
    this.#awaited = awaited;
    this.#pace.restart(this.#now(), partialBytes);
  }

  /** The deadline that the peer has missed, if any. */
  missed(time: number): Awaited | undefined {
    return this.#pace.isTooSlow(time, this.#timeoutMs) ? this.#awaited : undefined;
  }

  /** Whether the peer has been silent for as long as a connection may be idle. */
  isIdle(time: number): boolean {
    return this.#pace.isTooSlow(time, this.#limits.idleTimeoutMs);
  }

  isPingDue(time: number): boolean {
    return time - this.#sentAt >= this.#limits.pingIntervalMs;
  }

  /** @param since when the peer last accepted bytes of the replies that wait for it */
  isUnread(since: number, time: number): boolean {
    return time - since >= this.#limits.unreadTimeoutMs;
  }

  get #timeoutMs(): number {
    const { idleTimeoutMs, messageTimeoutMs, firstMessageTimeoutMs } = this.#limits;
    if (this.#awaited === 'idle') return idleTimeoutMs;
    return this.#awaited === 'message-timeout' ? messageTimeoutMs : firstMessageTimeoutMs;
  }
}
