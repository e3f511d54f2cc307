import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { giveToPostgres, PostgresNode, SUPERUSER } from './postgres-node.ts';

/** Owner of the tests' database. */
export const ROLE = { user: 'loteria', password: 'a-Password', database: 'loteria' } as const;
type Login = Readonly<Record<keyof typeof ROLE, string>>;
/** Replay position of a standby. */
interface Received {
  readonly node: PostgresNode;
  readonly bytes: number;
}

export interface ClusterOptions {
  /** Size of each node's own file system, which needs root. */
  readonly diskMegabytes?: number;
  /** Of the first node. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A primary and its standbys: real servers on loopback ports. The caller ends them. */
export class PostgresCluster {
  readonly nodes: readonly PostgresNode[];
  primary: PostgresNode;
  readonly #folder: string;

  private constructor(folder: string, nodes: readonly PostgresNode[]) {
    this.#folder = folder;
    this.nodes = nodes;
    this.primary = nodes[0]!;
  }

  /** With several nodes, a commit on the first waits for any other. */
  static async start(
    nodeCount: number,
    { diskMegabytes, settings = {} }: ClusterOptions = {},
  ): Promise<PostgresCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'loteria-postgres-'));
    await writeFile(join(folder, 'password'), SUPERUSER.password);
    giveToPostgres(folder);
    const nodes: PostgresNode[] = [];
    for (let n = 1; n <= nodeCount; n += 1)
      nodes.push(new PostgresNode(folder, `node${n}`, await freePort(), diskMegabytes));
    const cluster = new PostgresCluster(folder, nodes);
    try {
      await cluster.#setUp(settings);
      return cluster;
    } catch (error) {
      await cluster.end();
      throw error;
    }
  }

  async #setUp(settings: NonNullable<ClusterOptions['settings']>): Promise<void> {
    const { nodes, primary, standbys } = this;
    for (const node of nodes) await node.prepare();
    await primary.init(settings);
    await primary.start();
    await primary.sql(`CREATE ROLE ${ROLE.user} LOGIN PASSWORD '${ROLE.password}'`);
    await primary.sql(`CREATE DATABASE ${ROLE.database} OWNER ${ROLE.user}`);
    for (const standby of standbys) {
      await standby.copyOf(primary);
      await standby.start();
    }
    if (standbys.length > 0) {
      for (const node of nodes) await node.reload({ synchronous_standby_names: 'ANY 1 (*)' });
      await this.replicates(primary, standbys.length);
    }
    // Syncs the files of initdb and pg_basebackup.
    for (const { disk } of nodes) disk?.sync();
  }

  get standbys(): PostgresNode[] {
    return this.nodes.filter(node => node !== this.primary);
  }

  /**
   * Promotes the most advanced standby, which has everything acknowledged; the others follow it.
   */
  async failOver(): Promise<void> {
    const [{ node: next }, ...others] = (await this.#received()) as [Received, ...Received[]];
    this.primary = next;
    await next.promote();
    for (const { node } of others) await node.follow(next);
  }

  async #received(): Promise<Received[]> {
    // A restarted standby streams from the beginning of a segment, which it may have replayed.
    const text = `SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0' AS bytes`;
    const standbys = this.standbys.map(async node => {
      const [row] = await node.sql<{ bytes: string }>(text);
      return { node, bytes: Number(row!.bytes) };
    });
    return (await Promise.all(standbys)).toSorted((a, b) => b.bytes - a.bytes);
  }

  /** Waits until this many standbys of a primary count for its quorum. */
  async replicates(primary: PostgresNode, standbys: number): Promise<void> {
    await primary.until(
      `SELECT count(*) >= ${standbys} AS ok FROM pg_stat_replication WHERE sync_state = 'quorum' AND state = 'streaming'`,
    );
  }

  /** Value of `SERVER_STORE`. */
  url(
    { user, password, database }: Login = ROLE,
    nodes: readonly PostgresNode[] = this.nodes,
  ): string {
    const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
    return `postgres://${user}:${password}@${hosts}/${database}`;
  }

  /** Options of the store. */
  get access() {
    const hosts = this.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    return { ...ROLE, hosts, tls: undefined };
  }

  async end(): Promise<void> {
    for (const node of this.nodes) {
      await node.kill();
      await node.disk?.remove();
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
