import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, type TestContext } from 'vitest';
import { type ClusterOptions, PostgresCluster } from './postgres-cluster.ts';
import { POSTGRES_BIN } from './postgres-node.ts';

/** The reason why PostgreSQL is not available; undefined if it is. */
export function postgresMissing(): string | undefined {
  return existsSync(join(POSTGRES_BIN, 'initdb'))
    ? undefined
    : `there is no PostgreSQL in ${POSTGRES_BIN}`;
}

/** Skips a test without PostgreSQL. */
export function needPostgres(context: TestContext): void {
  const missing = postgresMissing();
  if (missing !== undefined) context.skip(missing);
}

/** The end of the test stops it. Called within a test. */
export async function startPostgres(
  nodeCount: number,
  options?: ClusterOptions,
): Promise<PostgresCluster> {
  const cluster = await PostgresCluster.start(nodeCount, options);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail')
      for (const node of cluster.nodes) console.error(node.transcript());
    await cluster.end();
  });
  return cluster;
}
