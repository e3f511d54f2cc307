import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Fact } from '../../../src/lottery/fact.ts';
import { Lottery } from '../../../src/lottery/lottery.ts';
import { Engine, type EngineOptions } from '../../../src/store/jetstream/engine.ts';
import { JetStreamStore } from '../../../src/store/jetstream/jetstream-store.ts';
import { encodeLine, joinBody, type LoggedFact } from '../../../src/store/jetstream/log-record.ts';
import { inspectLog } from '../../../src/store/jetstream/log-inspection.ts';
import type { EngineEvent, StoreReading } from '../../../src/store/store.ts';
import type { NatsCluster } from '../../support/nats-cluster.ts';
import { temporaryFolder } from '../../support/temp-folder.ts';

/** Streams of lotteries of the agencies 1 and 2, in a real engine. */

export const AGENCIES = [1, 2] as const;

let streams = 0;

/** A stream that is not there yet, as the configuration of a server with two agencies describes it. */
export function newStream({ servers }: NatsCluster): EngineOptions {
  streams += 1;
  return {
    servers,
    stream: `LOTTERY-${process.pid}-${streams}`,
    replicas: 1,
    agreement: 'a lottery of the agencies 1-2',
  };
}

/** What `loteria` needs to know of it. */
export function environmentOf({ servers, stream }: EngineOptions): Record<string, string> {
  return { SERVER_STORE: `nats://${servers.join(',')}`, STORE_STREAM: stream, NUMBER_AGENCIES: '2' };
}

export interface OpenedServer {
  readonly store: JetStreamStore;
  readonly lottery: Lottery;
  /** What counts, in the order of the log. */
  readonly facts: readonly Fact[];
  readonly events: readonly EngineEvent[];
}

/** What a server opens. It is to be closed by the test. */
export async function openServer(engine: EngineOptions, directory?: string): Promise<OpenedServer> {
  const lottery = new Lottery(AGENCIES);
  const facts: Fact[] = [];
  const events: EngineEvent[] = [];
  lottery.watch(fact => void (fact && facts.push(fact)));
  const { store } = await JetStreamStore.open({
    engine,
    directory: directory ?? (await temporaryFolder()),
    follower: lottery,
    onEvent: event => events.push(event),
  });
  return { store, lottery, facts, events };
}

/** What somebody finds who reads the stream. */
export async function read(engine: EngineOptions): Promise<StoreReading & { readonly rows: Buffer }> {
  const pieces: Buffer[] = [];
  const onRows = (rows: Uint8Array): void => void pieces.push(Buffer.from(rows));
  const reading = await inspectLog({ engine, expected: AGENCIES, onRows });
  return { ...reading, rows: Buffer.concat(pieces) };
}

/** Writes records to the stream, as a server would that did not look at what it writes. */
export async function writeRecords(
  engine: EngineOptions,
  records: readonly { n: number; facts: readonly LoggedFact[]; rows?: Uint8Array }[],
): Promise<void> {
  await writeMessages(
    engine,
    records.map(({ n, facts, rows = new Uint8Array() }) =>
      joinBody(encodeLine({ writer: 'somebody', n, facts, rows }), rows),
    ),
  );
}

export async function writeMessages(engine: EngineOptions, bodies: readonly Uint8Array[]): Promise<void> {
  const opened = await Engine.connect(engine);
  await opened.openStream();
  // Other ids each time: what is written again is in the stream again.
  for (const body of bodies) await opened.publish(randomUUID(), body);
  await opened.close();
}

/** The engine as its operator has it, until the test ends. */
export async function operate({
  servers,
}: {
  readonly servers: readonly string[];
}): Promise<JetStreamManager> {
  const connection = await connect({ servers: [...servers] });
  onTestFinished(() => connection.close());
  return jetstreamManager(connection);
}
