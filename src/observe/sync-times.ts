import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Microseconds in a millisecond: what is recorded is whole, and syncs may take less than a millisecond. */
const MICROSECONDS = 1000;

/** How long it took to bring groups of batches to the disk. */
export class SyncTimes {
  lastMs = 0;
  readonly #histogram: RecordableHistogram = createHistogram();

  get count(): number {
    return this.#histogram.count;
  }

  record(durationMs: number): void {
    this.lastMs = durationMs;
    // The smallest value that can be recorded is 1.
    this.#histogram.record(Math.max(1, Math.round(durationMs * MICROSECONDS)));
  }

  /** The duration in milliseconds that so many per cent of the groups did not exceed; 0 when there was none. */
  percentileMs(percent: number): number {
    return this.count === 0 ? 0 : this.#histogram.percentile(percent) / MICROSECONDS;
  }
}
