import type { StoreChoice } from '../config/store-choice.ts';
import { openRowScanner } from '../kernel/open-row-scanner.ts';
import type { EngineOptions } from '../store/jetstream/engine.ts';
import { JetStreamStore } from '../store/jetstream/jetstream-store.ts';
import { inspectLog } from '../store/jetstream/log-inspection.ts';
import type { StoreReading } from '../store/store.ts';
import type { LotteryConfig, OpenedStore, ReadingParts, StoreParts } from './store-parts.ts';

type JetStreamChoice = Extract<StoreChoice, { kind: 'jetstream' }>;

/** Bytes of a row of `bets.csv` for each byte of a batch, at most: names of one letter get an agency and quotes. */
const ROW_BYTES_PER_PAYLOAD_BYTE = 2;

/** Opens the store on the engine that is configured. */
export async function openJetStream(
  config: LotteryConfig,
  choice: JetStreamChoice,
  { lottery, watch, onEngine, signal }: StoreParts,
): Promise<OpenedStore> {
  const { store, cuts } = await JetStreamStore.open({
    engine: engineOptions(config, choice),
    directory: config.dataDirectory,
    follower: lottery,
    batchBytesMax: ROW_BYTES_PER_PAYLOAD_BYTE * config.limits.payloadBytesMax,
    onEvent: onEngine,
    watch,
    openRowScanner,
    signal,
  });
  return { store, files: [`stream ${choice.stream}`, `outbox/${choice.stream}`], cuts };
}

/** Reads the log on the engine that is configured. */
export function readJetStream(
  config: LotteryConfig,
  choice: JetStreamChoice,
  parts: ReadingParts,
): Promise<StoreReading> {
  return inspectLog({ engine: engineOptions(config, choice), expected: config.agencies, ...parts });
}

/** How the engine of a configuration is reached, and which stream of it is the log. */
function engineOptions({ agencies }: LotteryConfig, choice: JetStreamChoice): EngineOptions {
  const { engine, stream, replicas, replicasAsked, credentials, authority, certificate, privateKey } = choice;
  const tls = { caFile: authority?.path, certFile: certificate?.path, keyFile: privateKey?.path };
  return {
    servers: engine.servers,
    user: engine.user,
    password: engine.password,
    credentialsFile: credentials?.path,
    tls: engine.isSecure ? tls : undefined,
    stream,
    replicas,
    keepsReplicas: !replicasAsked,
    agreement: `a lottery of the agencies ${ranges(agencies)}`,
  };
}

/** `1-5,7` for 1, 2, 3, 4, 5 and 7. */
function ranges(ids: readonly number[]): string {
  const parts: { from: number; to: number }[] = [];
  for (const id of [...new Set(ids)].toSorted((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last?.to === id - 1) last.to = id;
    else parts.push({ from: id, to: id });
  }
  return parts.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(',') || 'none';
}
