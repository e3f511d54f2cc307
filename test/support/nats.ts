import { existsSync } from 'node:fs';
import { onTestFinished, type TestContext } from 'vitest';
import { NATS_SERVER, NatsCluster } from './nats-cluster.ts';

/** Why there can be no nodes of NATS here; undefined when there can. */
export function natsMissing(): string | undefined {
  return existsSync(NATS_SERVER) ? undefined : `there is no nats-server at ${NATS_SERVER}`;
}

/** Skips a test where there is no `nats-server`. */
export function needNats(context: TestContext): void {
  const missing = natsMissing();
  if (missing !== undefined) context.skip(missing);
}

/** One or three nodes of NATS with JetStream, which are ended and removed when the test ends. Called within a test. */
export async function startNats(nodeCount: 1 | 3): Promise<NatsCluster> {
  const cluster = await NatsCluster.start(nodeCount);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(cluster.transcript());
    await cluster.end();
  });
  return cluster;
}
