import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { Monitor } from './monitor.ts';
import { DISK_READINGS, ENGINE_READINGS, READINGS, type Reading, type Seen } from './readings.ts';
import type { DiskSpace } from './status.ts';

export interface MetricsParts {
  readonly monitor: Monitor;
  /** Undefined without a disk. */
  readonly diskSpace: (() => Promise<DiskSpace>) | undefined;
  readonly version: string;
}

/** From a power-protected cache to a failing disk, in seconds. */
const SYNC_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/**
 * Metrics in the format of Prometheus (docs/METRICS.md). Counters are read on request
 * (`readings.ts`); only commits are observed as they happen.
 */
export class Metrics {
  readonly #parts: MetricsParts;
  readonly #registry = new Registry();
  readonly #syncDuration: Histogram;
  readonly #syncedBytes: Counter;
  #seen: Seen;

  constructor(parts: MetricsParts) {
    const { monitor, diskSpace, version } = parts;
    this.#parts = parts;
    this.#seen = { monitor, version, status: undefined, disk: undefined };
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#syncDuration = new Histogram({
      name: 'loteria_sync_duration_seconds',
      help: 'Time from the beginning of the first write of a group of batches to the end of its last sync.',
      buckets: [...SYNC_BUCKETS],
      registers,
    });
    this.#syncedBytes = new Counter({
      name: 'loteria_synced_bytes_total',
      help: 'Bytes of rows brought to the disk since the process started.',
      registers,
    });
    for (const reading of READINGS) this.#register(reading);
    if (diskSpace !== undefined) for (const reading of DISK_READINGS) this.#register(reading);
    if (monitor.engineAvailable !== undefined)
      for (const reading of ENGINE_READINGS) this.#register(reading);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Observes a commit. */
  onDurable(durationMs: number, bytes: number): void {
    this.#syncDuration.observe(durationMs / 1000);
    this.#syncedBytes.inc(bytes);
  }

  async text(): Promise<string> {
    const { monitor, diskSpace, version } = this.#parts;
    // A failing disk must not hide the other metrics.
    const disk = await diskSpace?.().catch(() => undefined);
    this.#seen = { monitor, version, status: monitor.status(), disk };
    return this.#registry.metrics();
  }

  #register({ type, label, read, ...texts }: Reading): void {
    const seen = (): Seen => this.#seen;
    const options = {
      ...texts,
      labelNames: label === undefined ? [] : [label],
      registers: [],
      collect(this: Counter<string> | Gauge<string>): void {
        // Drops labels that have disappeared.
        this.reset();
        const values = read(seen());
        if (typeof values === 'number') this.inc(values);
        else for (const [value, count] of values) this.inc({ [label!]: value }, count);
      },
    };
    const metric = type === 'counter' ? new Counter(options) : new Gauge(options);
    this.#registry.registerMetric(metric);
  }
}
