import { constants, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { openPrivate } from '../files/private.ts';

const PROBE_FILE = 'bets.probe';
const PROBE_MS = 5_000;
/** A full group of batches. */
const PROBE_BYTES = 1024 * 1024;

/**
 * Detects that a full disk has room again. A stored batch would show that too, but a load balancer
 * sends none to a server that is not ready.
 */
export class DiskProbe {
  readonly #path: string;
  readonly #periodMs: number;
  readonly #onDrained: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(directory: string, onDrained: () => void, periodMs = PROBE_MS) {
    this.#path = join(directory, PROBE_FILE);
    this.#onDrained = onDrained;
    this.#periodMs = periodMs;
  }

  /** Probes periodically until there is room. */
  start(): void {
    this.#timer ??= setTimeout(() => void this.#look(), this.#periodMs).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    const timer = this.#timer;
    const hasRoom = await this.#writes().catch(() => false);
    if (this.#timer !== timer || timer === undefined) return;
    this.#timer = undefined;
    if (hasRoom) this.#onDrained();
    else this.start();
  }

  /** A real write, because the free space of a file system ignores quotas and reserved blocks. */
  async #writes(): Promise<boolean> {
    const file = await openPrivate(this.#path, constants.O_WRONLY | constants.O_TRUNC);
    try {
      await unlink(this.#path);
      await file.writeFile(Buffer.alloc(PROBE_BYTES));
      return true;
    } finally {
      await file.close();
    }
  }
}
