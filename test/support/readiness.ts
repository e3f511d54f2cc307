import type { Snapshot } from '../../src/http/snapshot.ts';

/** A server's `/readyz`: the status and the line. */
export async function readiness(url: string): Promise<string> {
  const response = await fetch(`${url}readyz`);
  return `${response.status} ${(await response.text()).trim()}`;
}

export async function snapshotOf(url: string): Promise<Snapshot> {
  return (await (await fetch(`${url}snapshot.json`)).json()) as Snapshot;
}
