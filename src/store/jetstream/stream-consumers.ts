import {
  AckPolicy,
  type Consumer,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  ReplayPolicy,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { EngineError } from './engine-error.ts';

/** How long the engine keeps a consumer that nobody uses any more, in milliseconds. */
const CONSUMER_KEPT_MS = 30_000;

/**
 * How often a consumer is made before that is an error. Of three nodes the engine picks any: not to meet the one that is wanted in
 * so many tries has a chance of 10^-10, so it does not take part.
 */
const TRIES_MAX = 60;

export interface ConsumerWish {
  /** Position of the first message that it gives. */
  readonly from: number;
  /** The node that is to keep it; '' where there is only one. */
  readonly node: string;
  /** Whether the messages may come without their bodies. */
  readonly headersOnly?: boolean;
}

/** Makes consumers of a stream on the nodes where they are wanted: a consumer gives what its own node has of the stream. */
export class StreamConsumers {
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #stream: string;

  constructor(client: JetStreamClient, manager: JetStreamManager, stream: string) {
    this.#client = client;
    this.#manager = manager;
    this.#stream = stream;
  }

  /** @throws EngineError when the node does not take part, and the errors of the client */
  async make(wish: ConsumerWish): Promise<Consumer> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const info = await this.#add(wish);
      if (wish.node === '' || info.cluster?.leader === wish.node) {
        return this.#client.consumers.getConsumerFromInfo(info);
      }
      void this.#manager.consumers.delete(this.#stream, info.name).catch(() => {});
    }
    throw new EngineError(`the node ${wish.node} does not take consumers`);
  }

  #add({ from, headersOnly = false }: ConsumerWish): Promise<ConsumerInfo> {
    return this.#manager.consumers.add(this.#stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: from,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      inactive_threshold: nanos(CONSUMER_KEPT_MS),
      mem_storage: true,
      num_replicas: 1,
      ...(headersOnly && { headers_only: true }),
    });
  }
}
