import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { NatsNode, type NodePorts } from './nats-node.ts';

/** Debian's, unless told otherwise. */
export const NATS_SERVER = process.env['NATS_SERVER'] ?? '/usr/sbin/nats-server';

/** Longest wait for an election, or for nodes that catch up, in milliseconds: an election alone may take nine seconds. */
const WAIT_MS = 40_000;
const LOOK_EVERY_MS = 50;

/** A port that was free may be taken before the node listens on it: then other ports are tried. */
const STARTS_MAX = 5;

/** What the disks of all nodes held at one moment. */
export interface FoldersCopy {
  readonly folder: string;
}

/**
 * One node of NATS, or three that form a cluster: real processes on ports of the loopback interface, each with JetStream on files in
 * a folder of its own. Nodes are counted from 0. Nothing here knows vitest: who starts a cluster ends it.
 */
export class NatsCluster {
  readonly nodes: readonly NatsNode[];
  readonly #folder: string;

  private constructor(folder: string, nodes: readonly NatsNode[]) {
    this.#folder = folder;
    this.nodes = nodes;
  }

  /** Starts them and waits until streams can be made: all nodes follow the same leader. */
  static async start(nodeCount: 1 | 3): Promise<NatsCluster> {
    for (let starts = 1; ; starts += 1) {
      const cluster = await NatsCluster.#onFreePorts(nodeCount);
      try {
        await Promise.all(cluster.nodes.map(node => node.start()));
        await cluster.healthy();
        return cluster;
      } catch (error) {
        const portTaken = cluster.nodes.some(node => node.foundPortTaken());
        await cluster.end();
        if (!portTaken || starts === STARTS_MAX) throw error;
      }
    }
  }

  static async #onFreePorts(nodeCount: number): Promise<NatsCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'loteria-nats-'));
    const ports: NodePorts[] = [];
    for (let node = 0; node < nodeCount; node += 1) {
      ports.push({ client: await freePort(), cluster: await freePort(), monitor: await freePort() });
    }
    const nodes = ports.map((_, number) => new NatsNode(NATS_SERVER, folder, number, ports));
    return new NatsCluster(folder, nodes);
  }

  /** As `SERVER_STORE` has it: `nats://127.0.0.1:4001,127.0.0.1:4002`. */
  get url(): string {
    return `nats://${this.servers.join(',')}`;
  }

  /** As the client library has it. */
  get servers(): string[] {
    return this.nodes.map(node => `127.0.0.1:${node.ports.client}`);
  }

  /** `kill -9`. */
  async kill(...numbers: number[]): Promise<void> {
    await Promise.all(numbers.map(number => this.nodes[number]!.end('SIGKILL')));
  }

  /** Lets nodes stop by themselves. */
  async stop(...numbers: number[]): Promise<void> {
    await Promise.all(numbers.map(number => this.nodes[number]!.end('SIGTERM')));
  }

  /** Starts nodes again, on the same ports and folders, and waits until they listen; `healthy` waits until they take part. */
  async startAgain(...numbers: number[]): Promise<void> {
    await Promise.all(numbers.map(number => this.nodes[number]!.start()));
  }

  /** Waits until every node that runs follows a leader and is up to date with every stream. */
  async healthy(): Promise<void> {
    const running = this.#running();
    await this.#until('healthy cluster', async () => {
      const healths = await Promise.all(running.map(node => node.isHealthy()));
      return healths.every(Boolean) ? true : undefined;
    });
  }

  /** The node that leads a stream, or with `undefined` the cluster itself, as soon as there is one. */
  leaderOf(stream: string | undefined): Promise<number> {
    return this.#until(`leader of ${stream ?? 'the cluster'}`, async () => {
      const running = this.#running();
      // Others may still name one that has just been killed: each is asked about itself.
      const leads = await Promise.all(running.map(node => node.leads(stream)));
      return running[leads.indexOf(true)]?.number;
    });
  }

  /**
   * What would be on the disks if the power was cut now and every write until now had reached them. The nodes that run are held
   * meanwhile, all at once, so that no file is newer than another; what they have not handed to the system yet is lost, as it would be.
   */
  async copyFolders(): Promise<FoldersCopy> {
    const copy = join(this.#folder, `copy-${randomUUID()}`);
    await mkdir(copy);
    const running = this.#running();
    for (const node of running) node.signal('SIGSTOP');
    try {
      for (const node of this.nodes) {
        await cp(node.storeFolder, join(copy, node.name), { recursive: true });
      }
    } finally {
      for (const node of running) node.signal('SIGCONT');
    }
    return { folder: copy };
  }

  /** Sets the disks of all nodes back to a copy: what a power cut leaves which comes before the newer writes have reached them. */
  async putBack(copy: FoldersCopy): Promise<void> {
    const [running] = this.#running();
    if (running !== undefined) throw new Error(`${running.name} still runs`);
    for (const node of this.nodes) {
      await rm(node.storeFolder, { recursive: true, force: true });
      const copied = join(copy.folder, node.name);
      if (existsSync(copied)) await cp(copied, node.storeFolder, { recursive: true });
    }
  }

  /** The end of what each node has said. */
  transcript(): string {
    return this.nodes.map(node => `${node.name}:\n${node.transcript()}`).join('\n');
  }

  /** Kills what runs and removes all folders. May be called twice. */
  async end(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.end('SIGKILL')));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #running(): NatsNode[] {
    return this.nodes.filter(node => node.isRunning);
  }

  async #until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + WAIT_MS;
    while (performance.now() < deadline) {
      const found = await look();
      if (found !== undefined) return found;
      await sleep(LOOK_EVERY_MS);
    }
    throw new Error(`no ${what} within ${WAIT_MS} ms\n${this.transcript()}`);
  }
}
