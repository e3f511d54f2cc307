import { statfs } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ServerConfig } from '../config/server-config.ts';
import { OperatorPort } from '../http/operator-port.ts';
import type { CentralEvent, Emit } from '../observe/events.ts';
import { Metrics } from '../observe/metrics.ts';
import { Monitor } from '../observe/monitor.ts';
import type { CentralStatus, DiskSpace } from '../observe/status.ts';
import type { StoreWatch } from '../store/store.ts';
import { DiskProbe } from './disk-probe.ts';
import type { ConfiguredStore } from './stores/configured-store.ts';
import { VERSION } from './version.ts';

const PAGE_FOLDER = fileURLToPath(new URL('../web', import.meta.url));

/** The operator's port of a server. */
export interface Operator {
  readonly emit: Emit<CentralEvent>;
  readonly watch: StoreWatch;
  /** The store is open and the listeners accept agencies. */
  serve(statusOf: () => CentralStatus): void;
  stop(): Promise<void>;
}

/**
 * Opens HTTP_PORT. Loaded only by servers that have one.
 *
 * @param store undefined for an echo server
 * @param log also receives the events
 * @param droppedLines number of dropped log lines
 * @throws Error with the reason why the port cannot be used
 */
export async function openOperator(
  port: number,
  { httpHost: host, httpNames: names = [], dataDirectory }: ServerConfig,
  store: ConfiguredStore | undefined,
  log: Emit<CentralEvent>,
  droppedLines: () => number,
): Promise<Operator> {
  const clock = (): Date => new Date();
  const now = (): number => performance.now();
  const hasEngine = store?.isRemote ?? false;
  const diskSpace = store?.files.length ? () => diskSpaceOf(dataDirectory) : undefined;
  const monitor = new Monitor(clock, { hasEngine, droppedLines });
  const probe = new DiskProbe(dataDirectory, () => monitor.onDurable());
  const metrics = new Metrics({ monitor, diskSpace, version: VERSION });
  const opened = await OperatorPort.open({
    host,
    port,
    names,
    monitor,
    metrics,
    diskSpace,
    assetsFolder: PAGE_FOLDER,
    clock,
    now,
    log,
  });
  log({ event: 'http-listening', url: opened.url });
  return {
    emit(event) {
      log(event);
      monitor.onEvent(event);
    },
    watch: {
      now,
      onDurable(durationMs, bytes) {
        probe.stop();
        monitor.onDurable();
        if (bytes === 0) return;
        monitor.syncs.record(durationMs);
        metrics.onDurable(durationMs, bytes);
      },
      onFull() {
        monitor.onFull();
        probe.start();
      },
    },
    serve(statusOf) {
      monitor.serve(statusOf);
      opened.beginCounting();
    },
    async stop() {
      probe.stop();
      await opened.stop();
      log({ event: 'listener-closed', port: opened.port });
    },
  };
}

async function diskSpaceOf(directory: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(directory);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}
