import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import type { Fact } from '../../../src/lottery/fact.ts';
import { JetStreamStore } from '../../../src/store/jetstream/jetstream-store.ts';
import type { Follower } from '../../../src/store/store.ts';
import { describeStore, type Opening } from '../../contract/store-contract.ts';
import { needNats, natsMissing } from '../../support/nats.ts';
import { NatsCluster } from '../../support/nats-cluster.ts';
import { temporaryFolder } from '../../support/temp-folder.ts';

/** Follows a log and judges nothing: what is a repeat is decided elsewhere. */
class Recorder implements Follower {
  readonly #onFact: (fact: Fact) => void;
  #facts: Fact[] = [];

  constructor(onFact: (fact: Fact) => void = () => {}) {
    this.#onFact = onFact;
  }

  follow(fact: Fact): boolean {
    this.#facts.push(fact);
    this.#onFact(fact);
    return true;
  }

  fresh(): Recorder {
    return new Recorder();
  }

  become(other: Recorder): void {
    this.#facts = [];
    for (const fact of other.#facts) this.follow(fact);
  }
}

let streams = 0;

describe('the store on JetStream', () => {
  let nats: NatsCluster;
  beforeEach(needNats);
  beforeAll(async () => {
    if (natsMissing() === undefined) nats = await NatsCluster.start(1);
  });
  afterAll(() => nats?.end());

  const newPlace = async (): Promise<Opening> => {
    const servers = nats.servers;
    const directory = await temporaryFolder();
    streams += 1;
    const engine = { servers, stream: `TEST-${streams}`, replicas: 1, agreement: 'a test' };
    return async onFact => {
      const follower = new Recorder(onFact);
      const { store } = await JetStreamStore.open({ engine, directory, follower });
      return store;
    };
  };
  const openNew: Opening = async onFact => (await newPlace())(onFact);
  describeStore(openNew, newPlace);
});
