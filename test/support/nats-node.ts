import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest wait until a node listens, in milliseconds. */
const LISTENS_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 20;
/** A node that is held, or just about to end, may take a connection and never answer. */
const ANSWER_WITHIN_MS = 1000;
const TRANSCRIPT_LINES = 60;

export interface NodePorts {
  readonly client: number;
  /** Where the other nodes of the cluster reach it. */
  readonly cluster: number;
  /** Where it tells of itself, in HTTP. */
  readonly monitor: number;
}

/** The parts that are read of what a node tells of itself. */
interface JetStreamReport {
  readonly meta_cluster?: { readonly leader?: string; readonly cluster_size?: number };
  readonly account_details?: readonly {
    readonly stream_detail?: readonly {
      readonly name: string;
      readonly cluster?: { readonly leader?: string };
    }[];
  }[];
}

/** A `nats-server` with its folder and ports, through any number of lives. */
export class NatsNode {
  readonly number: number;
  readonly name: string;
  readonly ports: NodePorts;
  /** Where JetStream keeps its files. */
  readonly storeFolder: string;
  readonly #program: string;
  readonly #size: number;
  readonly #config: string;
  readonly #log: string;
  #process: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();

  /** The folder is that of all nodes, and so are the ports. */
  constructor(program: string, folder: string, number: number, ports: readonly NodePorts[]) {
    this.number = number;
    this.name = `node${number}`;
    this.ports = ports[number]!;
    this.storeFolder = join(folder, this.name);
    this.#program = program;
    this.#size = ports.length;
    this.#config = join(folder, `${this.name}.conf`);
    this.#log = join(folder, `${this.name}.log`);
    mkdirSync(this.storeFolder, { recursive: true });
    writeFileSync(this.#config, configOf(this, ports));
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Starts it and waits until it listens. */
  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    const log = openSync(this.#log, 'a');
    const child = spawn(this.#program, ['-c', this.#config], { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#process = child;
    this.#exited = once(child, 'exit').finally(() => (this.#process = undefined));
    this.#exited.catch(() => {});
    const deadline = performance.now() + LISTENS_WITHIN_MS;
    while ((await this.#get('/varz')) === undefined) {
      const late = performance.now() > deadline;
      if (!this.isRunning || late) {
        const why = late ? 'does not listen' : 'ended at once';
        throw new Error(`${this.name} ${why}\n${this.transcript()}`);
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** Ends it, if it runs, and waits until it has ended. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.signal(signal);
    await this.#exited.catch(() => {});
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Whether it follows a leader, or is one, and is up to date with all its streams. */
  async isHealthy(): Promise<boolean> {
    const [health, report] = await Promise.all([this.#get('/healthz'), this.#report()]);
    if (health === undefined || report === undefined) return false;
    const { leader, cluster_size: size } = report.meta_cluster ?? {};
    return this.#size === 1 || (leader !== undefined && leader !== '' && size === this.#size);
  }

  /** Whether it says of itself that it leads a stream, or with `undefined` the cluster. */
  async leads(stream: string | undefined): Promise<boolean> {
    const report = await this.#report();
    if (report === undefined) return false;
    if (stream === undefined) return this.#size === 1 || report.meta_cluster?.leader === this.name;
    const streams = (report.account_details ?? []).flatMap(account => account.stream_detail ?? []);
    const found = streams.find(({ name }) => name === stream);
    if (found === undefined) return false;
    // A node on its own names nobody; in a cluster this says that there is no leader now.
    return this.#size === 1 || found.cluster?.leader === this.name;
  }

  /** Whether it has ended because somebody else has one of its ports. */
  foundPortTaken(): boolean {
    return this.transcript().includes('address already in use');
  }

  /** The end of what it has said, in all its lives. */
  transcript(): string {
    if (!existsSync(this.#log)) return '';
    return readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-TRANSCRIPT_LINES).join('\n');
  }

  async #report(): Promise<JetStreamReport | undefined> {
    return (await this.#get('/jsz?streams=true')) as JetStreamReport | undefined;
  }

  /** What it answers; nothing, where it says that something is wrong or does not answer. */
  async #get(path: string): Promise<unknown> {
    try {
      const url = `http://127.0.0.1:${this.ports.monitor}${path}`;
      const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
      return response.ok ? await response.json() : undefined;
    } catch {
      return undefined;
    }
  }
}

function configOf(node: NatsNode, ports: readonly NodePorts[]): string {
  const routes = ports.map(({ cluster }) => `nats://127.0.0.1:${cluster}`).join(', ');
  const lines = [
    `server_name: ${node.name}`,
    `listen: "127.0.0.1:${node.ports.client}"`,
    `http: "127.0.0.1:${node.ports.monitor}"`,
    // Larger than usual: a test stores a batch of a megabyte.
    'max_payload: 4MB',
    `jetstream { store_dir: "${node.storeFolder}", max_memory_store: 64MB, max_file_store: 8GB }`,
  ];
  if (ports.length > 1) {
    // A name of its own: nodes of another test that have found one of these ports free are not let in.
    const name = `loteria-${ports[0]!.cluster}-${process.pid}`;
    lines.push(`cluster { name: ${name}, listen: "127.0.0.1:${node.ports.cluster}", routes: [${routes}] }`);
  }
  return `${lines.join('\n')}\n`;
}
