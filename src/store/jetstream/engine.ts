import {
  type Consumer,
  type ConsumerMessages,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
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
import { decodeRecord, type PlacedRecord } from './log-record.ts';

/** How long one question to the engine may take, in milliseconds. */
const ANSWER_TIMEOUT_MS = 2000;

/** How long reading may stand still, in milliseconds. */
const READ_TIMEOUT_MS = 10_000;

/** Wait between two tries to connect to a node that is away, in milliseconds. */
const RECONNECT_MS = 250;

/**
 * How an ordered consumer asks: with the defaults of the library it stands still for 40 seconds after its node was killed.
 * Not many messages at a time, for they are large.
 */
const CONSUME = { expires: 2000, idle_heartbeat: 500, max_messages: 32 } as const;

/** How long the engine recognises a message that is sent again, in nanoseconds; beyond, `LogState` does. */
const DUPLICATE_WINDOW_NS = 2 * 60 * 1e9;

/** Codes of the engine's API. */
const WRONG_LAST_SEQUENCE = 10_071;
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
  /** What every server on the stream must agree on, in words; kept with the stream. */
  readonly agreement: string;
}

/** The engine did not do what it was asked to. */
export class EngineError extends Error {
  /** Code of the engine's own answer, where it gave one. */
  readonly code: number | undefined;

  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'EngineError';
    this.code = cause instanceof JetStreamApiError ? cause.code : undefined;
  }

  /** Somebody else has written to the stream since it was looked at. */
  get isBehind(): boolean {
    return this.code === WRONG_LAST_SEQUENCE;
  }
}

/** How the stream is. */
export interface Condition {
  /** Position of the last record; 0 in an empty stream. */
  readonly last: number;
  /** The nodes that have all of it, its leader first. */
  readonly nodes: string;
}

/** The stream as whoever only reads it finds it. */
export interface FoundStream {
  readonly created: Date;
  /** Position of the last record; 0 in an empty stream. */
  readonly last: number;
}

/** The replicated engine, NATS JetStream, and the one stream of it that is a lottery's log. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #connection: NatsConnection;
  readonly #jetstream: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #subject: string;

  private constructor(options: EngineOptions, connection: NatsConnection, manager: JetStreamManager) {
    this.#options = options;
    this.#connection = connection;
    this.#jetstream = jetstream(connection, { timeout: ANSWER_TIMEOUT_MS });
    this.#manager = manager;
    this.#subject = `${options.stream}.log`;
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
      throw engineError('it cannot be reached', error);
    }
  }

  /** Longest message that it takes, in bytes. */
  get messageBytesMax(): number {
    return this.#connection.info?.max_payload ?? 0;
  }

  /** Calls `tell` whenever the connection to a node was lost or made again. */
  onConnection(tell: (isThere: boolean) => void): void {
    void (async () => {
      for await (const { type } of this.#connection.status()) {
        if (type === 'disconnect' || type === 'staleConnection') tell(false);
        if (type === 'reconnect') tell(true);
      }
    })();
  }

  /**
   * Makes the stream where it is not there yet.
   *
   * @throws StoreError `unusable` when there is one that is not this lottery's; EngineError
   */
  async openStream(): Promise<void> {
    const { stream } = this.#options;
    const found = await this.#ask('the stream cannot be opened', async () => {
      try {
        return await this.#manager.streams.info(stream);
      } catch (error) {
        if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error;
        return this.#addStream();
      }
    });
    this.#expectOwn(found);
    if (found.config.num_replicas !== this.#options.replicas) await this.#setReplicas(found);
  }

  /**
   * Looks for the stream, and makes nothing.
   *
   * @throws StoreError `unusable` when it is not there, or is not this lottery's; EngineError
   */
  async findStream(): Promise<FoundStream> {
    const { stream } = this.#options;
    const found = await this.#ask('the stream does not answer', async () => {
      try {
        return await this.#manager.streams.info(stream);
      } catch (error) {
        if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error;
        throw new StoreError(
          'unusable',
          `the engine has no stream ${stream}; STORE_STREAM says which one it is, and the first server makes it`,
          error,
        );
      }
    });
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
        `the stream ${stream} is that of a lottery with '${description ?? ''}', this server is configured with '${agreement}'`,
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

  async #setReplicas({ config }: StreamInfo): Promise<void> {
    const { stream, replicas } = this.#options;
    await this.#ask(`the stream has ${config.num_replicas} replicas and cannot be given ${replicas}`, () =>
      this.#manager.streams.update(stream, { num_replicas: replicas }),
    );
  }

  /** @throws EngineError when no majority of its nodes answers */
  async condition(): Promise<Condition> {
    const { state, cluster } = await this.#ask('the stream does not answer', () =>
      this.#manager.streams.info(this.#options.stream),
    );
    const followers = (cluster?.replicas ?? []).filter(({ current, offline }) => current && !offline);
    const nodes = [cluster?.leader ?? '', ...followers.map(({ name }) => name).toSorted()];
    return { last: state.last_seq, nodes: nodes.join(' ') };
  }

  /** The record at a position; undefined when there is none. */
  async at(position: number): Promise<PlacedRecord | undefined> {
    return this.#ask('the stream does not answer', async () => {
      try {
        const message = await this.#manager.streams.getMessage(this.#options.stream, { seq: position });
        return message === null ? undefined : decodeRecord(position, message.data);
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === NO_MESSAGE_FOUND) return undefined;
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
   * @throws EngineError (while it is read) when it stands still for too long
   */
  async *read(from: number, to: number): AsyncGenerator<PlacedRecord> {
    if (to < from) return;
    const consumer = await this.#consumer(from);
    const reading = await Following.open(consumer);
    let readAt = performance.now();
    let stopped = false;
    const watchdog = setInterval(() => {
      if (performance.now() - readAt < READ_TIMEOUT_MS) return;
      stopped = true;
      reading.close();
    }, READ_TIMEOUT_MS / 10);
    try {
      for await (const record of reading.records()) {
        // Whoever uses it may take its time.
        readAt = Infinity;
        yield record;
        readAt = performance.now();
        if (record.position >= to) return;
      }
      throw new EngineError(
        stopped ? 'reading the stream stands still' : 'reading the stream has ended',
        undefined,
      );
    } finally {
      clearInterval(watchdog);
      reading.close();
      // The engine would keep what it knows of this reader for five minutes.
      if (!stopped) await consumer.delete().catch(() => {});
    }
  }

  /** The records from a position on, and those that are still to come. */
  async follow(from: number): Promise<Following> {
    return Following.open(await this.#consumer(from));
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  #consumer(from: number): Promise<Consumer> {
    return this.#ask('the stream cannot be read', () =>
      this.#jetstream.consumers.get(this.#options.stream, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: from,
      }),
    );
  }

  async #ask<Answer>(what: string, question: () => Promise<Answer>): Promise<Answer> {
    try {
      return await question();
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw engineError(what, error);
    }
  }
}

/** A reader of the stream that waits for more when it has come to the end. */
export class Following {
  readonly #messages: ConsumerMessages;

  private constructor(messages: ConsumerMessages) {
    this.#messages = messages;
  }

  static async open(consumer: Consumer): Promise<Following> {
    try {
      return new Following(await consumer.consume(CONSUME));
    } catch (error) {
      throw engineError('the stream cannot be read', error);
    }
  }

  /** In order, until it is closed. @throws Error when something else than a record is there */
  async *records(): AsyncGenerator<PlacedRecord> {
    for await (const message of this.#messages) yield placed(message);
  }

  /** Ends `records`. */
  close(): void {
    this.#messages.stop();
  }
}

function placed(message: JsMsg): PlacedRecord {
  return decodeRecord(message.seq, message.data, message.info.timestampNanos / 1e6);
}

function engineError(what: string, cause: unknown): EngineError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new EngineError(`${what}, ${why}`, cause);
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
    pingInterval: 5000,
    maxPingOut: 2,
    ...(user !== undefined && { user, pass: password ?? '' }),
    ...(credentialsFile !== undefined && {
      authenticator: credsAuthenticator(await readFile(credentialsFile)),
    }),
    ...(tls !== undefined && {
      tls: Object.fromEntries(Object.entries(tls).filter(([, file]) => file !== undefined)),
    }),
  };
}
