/**
 * A deadline on progress: a peer has to move a least number of bytes in each window of time. A slow
 * link gets as many windows as it needs, a peer that drips single bytes (slowloris) only one.
 */
export class Pace {
  readonly #bytesMin: number;
  #since: number;
  #bytes = 0;

  constructor(bytesMin: number, time: number) {
    this.#bytesMin = bytesMin;
    this.#since = time;
  }

  /** Begins a window. @param bytes that have moved in it */
  restart(time: number, bytes = 0): void {
    this.#since = time;
    this.#bytes = bytes;
  }

  moved(bytes: number): void {
    this.#bytes += bytes;
  }

  /**
   * Whether a window has passed with too few bytes; when there were enough, the next one begins.
   */
  isTooSlow(time: number, windowMs: number): boolean {
    if (time - this.#since < windowMs) return false;
    if (this.#bytes < this.#bytesMin) return true;
    this.restart(time);
    return false;
  }
}
