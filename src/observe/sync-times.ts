import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** The histogram records integers; syncs may take less than a millisecond. */
const MICROSECONDS = 1000;

/** Durations of group commits. */
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

  /** A percentile in milliseconds; 0 without any commit. */
  percentileMs(percent: number): number {
    return this.count === 0 ? 0 : this.#histogram.percentile(percent) / MICROSECONDS;
  }
}
