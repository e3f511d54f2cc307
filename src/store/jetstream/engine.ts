import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamInfo,
} from '@nats-io/jetstream';
import {
  connect,
  credsAuthenticator,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { readFile } from 'node:fs/promises';
import { StoreError } from '../store.ts';
import { EngineError } from './engine-error.ts';
import { Following } from './following.ts';
import { decodeRecord, type PlacedRecord } from './log-record.ts';
import { type LogMark, readMark, START } from './log-mark.ts';
import type { LogEnd } from './log-state.ts';
import { StreamConsumers } from './stream-consumers.ts';

/** How long one question to the engine may take, in milliseconds. */
const ANSWER_TIMEOUT_MS = 2000;

/** Wait between two tries to connect to a node that is away, in milliseconds. */
const RECONNECT_MS = 250;

/** A node of which the leader has heard nothing for so long does not take part, in nanoseconds: it hears of each every second. */
const SILENT_NODE_NS = 3e9;

/** How long the engine recognises a message that is sent again, in nanoseconds; beyond, `LogState` does. */
const DUPLICATE_WINDOW_NS = 2 * 60 * 1e9;

/** Codes of the engine's API. */
const NO_MESSAGE_FOUND = 10_037;
const STREAM_NOT_FOUND = 10_059;

export interface EngineOptions {
  /** Addresses of its nodes, `nats://host:port` or `tls://host:port`. */
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** A file with credentials (`.creds`). */
  readonly credentialsFile?: string | undefined;
  /** PEM files. */
  readonly tls?:
    | {
        readonly caFile?: string | undefined;
        readonly certFile?: string | undefined;
        readonly keyFile?: string | undefined;
      }
    | undefined;
  readonly stream: string;
  /** On how many nodes the stream is kept. */
  readonly replicas: number;
  /** Whether a stream that is there already keeps the number of replicas that it has. */
  readonly keepsReplicas?: boolean;
  /** What every server on the stream must agree on, in words; kept with the stream. */
  readonly agreement: string;
}

export type ConnectionState = 'there' | 'lost' | 'closed';

/** How the stream is. */
export interface Condition {
  /** Position of the last record; 0 in an empty stream. */
  readonly last: number;
  /** '' where there is only one node. */
  readonly leader: string;
  /** The nodes that take part in it, its leader first. */
  readonly nodes: readonly string[];
  /** How many others have it that do not take part now. */
  readonly away: number;
}

/** The stream as whoever only reads it finds it. */
export interface FoundStream {
  readonly created: Date;
  /** Position of the last record; 0 in an empty stream. */
  readonly last: number;
}

export interface FollowOptions {
  readonly after?: LogEnd | undefined;
  /** Called whenever there is a consumer. */
  readonly onOpen?: () => void;
  /** Whether everything that is asked for is in the stream already. */
  readonly isThere?: boolean;
}

/** The replicated engine, NATS JetStream, and the one stream of it that is a lottery's log. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #connection: NatsConnection;
  readonly #jetstream: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #consumers: StreamConsumers;
  readonly #subject: string;
  /** Longest message that it takes, in bytes. */
  readonly messageBytesMax: number;

  private constructor(options: EngineOptions, connection: NatsConnection, manager: JetStreamManager) {
    this.#options = options;
    this.#connection = connection;
    this.#jetstream = jetstream(connection, { timeout: ANSWER_TIMEOUT_MS });
    this.#manager = manager;
    this.#consumers = new StreamConsumers(this.#jetstream, manager, options.stream);
    this.#subject = `${options.stream}.log`;
    this.messageBytesMax = connection.info?.max_payload ?? 0;
  }

  /** @throws EngineError when none of its nodes can be reached now; StoreError `unusable` when it does not let this server in */
  static async connect(options: EngineOptions): Promise<Engine> {
    try {
      const connection = await connect(await connectionOptions(options));
      try {
        const manager = await jetstreamManager(connection, { checkAPI: false, timeout: ANSWER_TIMEOUT_MS });
        return new Engine(options, connection, manager);
      } catch (error) {
        await connection.close();
        throw error;
      }
    } catch (error) {
      if (error instanceof Error && /authoriz|authentic|permission/i.test(error.message)) {
        throw new StoreError('unusable', `the engine does not let this server in, ${error.message}`, error);
      }
      throw EngineError.of('the engine cannot be reached', error);
    }
  }

  /** Calls `tell` whenever the connection to a node was lost or made again, or will not be made again. */
  onConnection(tell: (state: ConnectionState) => void): void {
    void (async () => {
      for await (const { type } of this.#connection.status()) {
        if (type === 'disconnect' || type === 'staleConnection') tell('lost');
        if (type === 'reconnect') tell('there');
        if (type === 'close') tell('closed');
      }
    })();
  }

  /**
   * Makes the stream where it is not there yet.
   *
   * @throws StoreError `unusable` when there is one that is not this lottery's; EngineError
   */
  async openStream(): Promise<void> {
    const found = await this.#ask(
      'the stream cannot be opened',
      async () => (await this.#infoIfThere()) ?? (await this.#addStream()),
    );
    this.#expectOwn(found);
    const { replicas, keepsReplicas = false } = this.#options;
    const change = !keepsReplicas && found.config.num_replicas !== replicas;
    expectReplicas(change ? await this.#setReplicas(found) : found);
  }

  /**
   * Looks for the stream, and makes nothing.
   *
   * @throws StoreError `unusable` when it is not there, or is not this lottery's; EngineError
   */
  async findStream(): Promise<FoundStream> {
    const { stream } = this.#options;
    const found = await this.#ask('the stream does not answer', () => this.#infoIfThere());
    if (found === undefined) {
      throw new StoreError(
        'unusable',
        `the engine has no stream ${stream}; STORE_STREAM says which one it is, and the first server makes it`,
      );
    }
    this.#expectOwn(found);
    return { created: new Date(found.created), last: found.state.last_seq };
  }

  /** @throws StoreError `unusable` when the stream is not this lottery's */
  #expectOwn({ config: { subjects, description } }: StreamInfo): void {
    const { stream, agreement } = this.#options;
    if (subjects?.length !== 1 || subjects[0] !== this.#subject) {
      throw new StoreError(
        'unusable',
        `the stream ${stream} is not that of a lottery; set STORE_STREAM to another name`,
      );
    }
    if (description !== agreement) {
      throw new StoreError(
        'unusable',
        `the stream ${stream} is that of a lottery with '${description ?? ''}', this server is configured with '${agreement}'; ` +
          'all servers of a lottery have the same agencies, and another lottery has another STORE_STREAM',
      );
    }
  }

  #addStream(): Promise<StreamInfo> {
    const { stream, replicas, agreement } = this.#options;
    return this.#manager.streams.add({
      name: stream,
      subjects: [this.#subject],
      description: agreement,
      storage: StorageType.File,
      num_replicas: replicas,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      duplicate_window: DUPLICATE_WINDOW_NS,
      deny_delete: true,
      deny_purge: true,
    });
  }

  async #setReplicas({ config }: StreamInfo): Promise<StreamInfo> {
    const { stream, replicas } = this.#options;
    return this.#ask(`the stream has ${config.num_replicas} replicas and cannot be given ${replicas}`, () =>
      this.#manager.streams.update(stream, { num_replicas: replicas }),
    );
  }

  /**
   * A stream that was removed is like one that has lost everything.
   *
   * @throws EngineError when no majority of its nodes answers
   */
  async condition(): Promise<Condition> {
    const info = await this.#ask('the stream does not answer', () => this.#infoIfThere());
    if (info === undefined) return { last: 0, leader: '', nodes: [], away: 0 };
    const { state, cluster } = info;
    const others = cluster?.replicas ?? [];
    const silent = others.filter(({ offline, active }) => (offline ?? false) || active > SILENT_NODE_NS);
    // A leader that has lost the others does not know so for ten seconds.
    if ((others.length + 1 - silent.length) * 2 <= others.length + 1) {
      const names = silent.map(({ name }) => name).join(', ');
      throw new EngineError(`only a minority of the nodes has the stream, ${names} do not answer`);
    }
    // One that lags behind runs: what it has written it will sync.
    const running = others.filter(node => !silent.includes(node));
    const leader = cluster?.leader ?? '';
    const nodes = [leader, ...running.map(({ name }) => name).toSorted()];
    return { last: state.last_seq, leader, nodes, away: silent.length };
  }

  async #infoIfThere(): Promise<StreamInfo | undefined> {
    try {
      return await this.#manager.streams.info(this.#options.stream);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** The record at a position; undefined when there is none. */
  async at(position: number): Promise<PlacedRecord | undefined> {
    return this.#ask('the stream does not answer', async () => {
      try {
        const message = await this.#manager.streams.getMessage(this.#options.stream, { seq: position });
        return message === null ? undefined : decodeRecord(position, message.data, message.time.getTime());
      } catch (error) {
        const isGone = [NO_MESSAGE_FOUND, STREAM_NOT_FOUND];
        if (error instanceof JetStreamApiError && isGone.includes(error.code)) return undefined;
        throw error;
      }
    });
  }

  /**
   * Adds a record. Fulfilled when a majority of the nodes has it, with its position.
   *
   * @param id the same for every try of the same record
   * @param behind takes it only if this is the position of the last one
   * @throws EngineError
   */
  async publish(id: string, body: Uint8Array, behind?: number): Promise<number> {
    const expect = behind === undefined ? {} : { expect: { lastSequence: behind } };
    const ack = await this.#ask('a record was not acknowledged', () =>
      this.#jetstream.publish(this.#subject, body, { msgID: id, ...expect }),
    );
    return ack.seq;
  }

  /**
   * The records from one position to another, both included.
   *
   * @throws EngineError (while it is read), see `Following`
   */
  async *read(from: number, to: number, after?: LogEnd): AsyncGenerator<PlacedRecord> {
    if (to < from) return;
    const reading = this.follow(from, { after, isThere: true });
    try {
      for await (const record of reading.records()) {
        yield record;
        if (record.position >= to) return;
      }
    } finally {
      await reading.remove();
    }
  }

  /**
   * The records from a position on, and those that are still to come.
   *
   * @param after what was read before, if that must still be there
   */
  follow(from: number, { after, isThere = false, onOpen = () => {} }: FollowOptions = {}): Following {
    return new Following(from, after, {
      consumerFrom: position =>
        // Only the leader's copy is the log: another node may lag behind, and one that has hung may have other records.
        this.#ask('the stream cannot be read', async () => {
          const { leader } = await this.condition();
          return this.#consumers.make({ from: position, node: leader });
        }),
      at: position => this.at(position),
      isThere,
      onOpen,
    });
  }

  /**
   * The mark, up to a position, of the copy that a node has; of an earlier position where the copy does not come as far.
   *
   * @param after what the copy is known to have
   * @throws EngineError when the node does not take part
   */
  markOn(node: string, position: number, after: LogMark = START): Promise<LogMark> {
    return this.#ask(`the stream cannot be read on ${node}`, async () => {
      const consumer = await this.#consumers.make({
        from: after.position + 1,
        node,
        headersOnly: true,
      });
      try {
        return await readMark(consumer, position, after);
      } finally {
        await consumer.delete().catch(() => {});
      }
    });
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #ask<Answer>(what: string, question: () => Promise<Answer>): Promise<Answer> {
    try {
      return await question();
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw error instanceof EngineError ? error : EngineError.of(what, error);
    }
  }
}

/** A node without a cluster takes any number of replicas, and keeps one. @throws EngineError */
function expectReplicas({ config, cluster }: StreamInfo): void {
  const nodes = 1 + (cluster?.replicas?.length ?? 0);
  if (nodes >= config.num_replicas) return;
  throw new EngineError(`the stream is to be kept on ${config.num_replicas} nodes, and is on ${nodes}`);
}

async function connectionOptions({
  servers,
  user,
  password,
  credentialsFile,
  tls,
}: EngineOptions): Promise<ConnectionOptions> {
  return {
    servers: [...servers],
    name: 'loteria',
    timeout: ANSWER_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    // A node that is frozen is noticed within about two seconds.
    pingInterval: 1000,
    maxPingOut: 2,
    // For each question it would note where it comes from, in case that nobody answers: a tenth of the time of a small record.
    noAsyncTraces: true,
    ...(user !== undefined && { user, pass: password ?? '' }),
    ...(credentialsFile !== undefined && {
      authenticator: credsAuthenticator(await readFile(credentialsFile)),
    }),
    ...(tls !== undefined && {
      tls: Object.fromEntries(Object.entries(tls).filter(([, file]) => file !== undefined)),
    }),
  };
}
