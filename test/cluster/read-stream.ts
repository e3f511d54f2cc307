import { createHash } from 'node:crypto';
import type { Bet } from '../../src/lottery/bet.ts';
import { Lottery } from '../../src/lottery/lottery.ts';
import { JetStreamStore } from '../../src/store/jetstream/jetstream-store.ts';
import type { NatsCluster } from '../support/nats-cluster.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** What a lottery's log holds in the end. */
export interface StreamContent {
  /** The rows of `bets.csv` in their order, without line ends. */
  readonly rows: readonly string[];
  /** Their digest, as the draw has it. */
  readonly sha256: string;
}

/** Reads the log of a lottery of the agencies 1 to `agencies`, as a server that is new to it. */
export async function readStream(
  nats: NatsCluster,
  stream: string,
  agencies: number,
): Promise<StreamContent> {
  const ids = Array.from({ length: agencies }, (_, index) => index + 1);
  const { store } = await JetStreamStore.open({
    engine: {
      servers: nats.servers,
      stream,
      replicas: nats.nodes.length,
      agreement: `a lottery of the agencies 1-${agencies}`,
    },
    directory: await temporaryFolder(),
    follower: new Lottery(ids),
  });
  try {
    const rows: string[] = [];
    for await (const bets of store.bets()) for (const bet of bets) rows.push(rowOf(bet));
    const text = rows.map(row => `${row}\r\n`).join('');
    return { rows, sha256: createHash('sha256').update(text).digest('hex') };
  } finally {
    await store.close();
  }
}

function rowOf({ agency, firstName, lastName, document, birthdate, number }: Bet): string {
  return [agency, firstName, lastName, document, birthdate, number].join(',');
}
