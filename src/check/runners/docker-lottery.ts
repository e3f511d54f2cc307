import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { Exercise } from '../exercise.ts';
import { patience } from '../patience.ts';
import { asAgency, BETS_FILE, SERVER_PORT_VARIABLE, SERVER_SERVICE } from '../profiles/tp0.ts';
import type { ProxyControl } from '../proxy-control.ts';
import { wallMs } from '../proxy-messages.ts';
import { RemoteProxy } from '../remote-proxy.ts';
import { type Lottery, type LotterySetup, type Service, ENDED, StartFailed } from '../runner.ts';
import type { Engine } from './docker-engine.ts';
import { DockerService } from './docker-service.ts';
import {
  serverAddress,
  type ServiceDefinition,
  ServiceFiles,
  serverPort,
  type Services,
} from './docker-services.ts';

const LISTEN_MS_MAX = 20_000;
const POLL_MS = 50;

/** The minimum of Linux. */
const TINY_BUFFERS = {
  'net.ipv4.tcp_rmem': '4096 4096 4096',
  'net.ipv4.tcp_wmem': '4096 4096 4096',
};

/**
 * Keys of the subject's services that could collide with other containers, or start and connect
 * services.
 */
const DROPPED = [
  'build',
  'container_name',
  'depends_on',
  'deploy',
  'expose',
  'healthcheck',
  'hostname',
  'links',
  'network_mode',
  'networks',
  'ports',
  'profiles',
  'restart',
];

/** Last byte of the addresses of the proxy, of the server, and of a client 0. */
const PROXY_HOST = 2;
const SERVER_HOST = 3;
const CLIENT_HOST = 10;

export interface LotteryParts {
  readonly engine: Engine;
  readonly exercise: Exercise;
  readonly services: Services;
  readonly images: { readonly server: string; readonly client: string; readonly proxy: string };
  readonly setup: LotterySetup;
  /** Unique on this machine. */
  readonly project: string;
  /** For the files of this lottery. */
  readonly folder: string;
}

interface Ports {
  readonly server: number;
  readonly proxy: number;
}

/** A lottery in containers, in a network of its own. The proxy has the server's name. */
export class DockerLottery implements Lottery {
  readonly #parts: LotteryParts;
  readonly #proxy: RemoteProxy;
  readonly #openedAtMs: number;
  readonly #prefix: string;
  readonly #ports: Ports;

  private constructor(parts: LotteryParts, prefix: string, ports: Ports) {
    this.#parts = parts;
    this.#prefix = prefix;
    this.#ports = ports;
    const command = ['start', '--attach', '--interactive', `${parts.project}-proxy`];
    const attached = spawn('docker', command, {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    this.#proxy = new RemoteProxy(attached);
    this.#openedAtMs = wallMs();
  }

  static async open(parts: LotteryParts): Promise<DockerLottery> {
    const { setup } = parts;
    const { prefix, ports } = await create(parts);
    const lottery = new DockerLottery(parts, prefix, ports);
    const proxy = lottery.#proxy;
    const addresses = setup.inputs.map((_, index) => [
      `${prefix}.${CLIENT_HOST + index + 1}`,
      index + 1,
    ]);
    await proxy.ask({
      do: 'open',
      atMs: lottery.#openedAtMs,
      clients: Object.fromEntries(addresses) as Record<string, number>,
    });
    if (setup.plan !== undefined) await proxy.plan(setup.plan);
    await proxy.ask({ do: 'listen', host: '0.0.0.0', port: ports.proxy });
    return lottery;
  }

  get proxy(): ProxyControl {
    return this.#proxy;
  }

  async startServer(): Promise<Service> {
    const server = await this.#start(SERVER_SERVICE);
    const { server: port } = this.#ports;
    const giveUpAt = performance.now() + LISTEN_MS_MAX * patience();
    while (!(await server.listensOn(port))) {
      if (server.exit !== undefined) throw new StartFailed(SERVER_SERVICE, ENDED, server.lines);
      if (performance.now() > giveUpAt) {
        const why = {
          es: `no escucha en el puerto ${port}`,
          en: `it does not listen on port ${port}`,
        };
        throw new StartFailed(SERVER_SERVICE, why, server.lines);
      }
      await pause(POLL_MS);
    }
    await this.#proxy.ask({ do: 'target', host: `${this.#prefix}.${SERVER_HOST}`, port });
    return server;
  }

  startClient(client: number): Promise<Service> {
    return this.#start(`client${client}`);
  }

  async readBets(): Promise<string | undefined> {
    const { engine, folder, images } = this.#parts;
    const container = this.containerOf(SERVER_SERVICE);
    const workingFolder = await engine.docker(
      'image',
      'inspect',
      '-f',
      '{{.Config.WorkingDir}}',
      images.server,
    );
    const changed = (await engine.docker('container', 'diff', container))
      .split('\n')
      .map(line => line.slice(2))
      .filter(path => path.endsWith(`/${BETS_FILE}`));
    const copy = join(folder, BETS_FILE);
    for (const path of [...changed, join('/', workingFolder.trim(), BETS_FILE)]) {
      const isThere = await engine.docker('container', 'cp', `${container}:${path}`, copy).then(
        () => true,
        () => false,
      );
      if (isThere) return readFile(copy, 'utf8');
    }
    return undefined;
  }

  now(): number {
    return wallMs() - this.#openedAtMs;
  }

  get network(): string {
    return `${this.#parts.project}_default`;
  }

  containerOf(name: string): string {
    return `${this.#parts.project}-${name}`;
  }

  async close(): Promise<void> {
    this.#proxy.close();
    // The end of the run removes what is left.
    await this.#remove().catch(() => {});
  }

  async #remove(): Promise<void> {
    const { engine, project } = this.#parts;
    const label = `label=${PROJECT_LABEL}=${project}`;
    for (const kind of ['container', 'network', 'volume']) {
      const all = kind === 'container' ? ['--all'] : [];
      const ids = (await engine.docker(kind, 'ls', ...all, '--quiet', '--filter', label))
        .split('\n')
        .filter(Boolean);
      const force = kind === 'container' ? ['--force', '--volumes'] : [];
      if (ids.length > 0) await engine.docker(kind, 'rm', ...force, ...ids);
    }
  }

  #start(name: string): Promise<DockerService> {
    const { engine } = this.#parts;
    return DockerService.start({
      engine,
      name,
      container: this.containerOf(name),
      now: () => this.now(),
    });
  }
}

/** Label of everything that Docker Compose creates. */
const PROJECT_LABEL = 'com.docker.compose.project';

/** Creates network and containers with Docker Compose, without starting them. */
async function create(parts: LotteryParts): Promise<{ prefix: string; ports: Ports }> {
  const { engine, exercise, folder, project, services, setup } = parts;
  await mkdir(folder, { recursive: true });
  const files = new ServiceFiles(folder, exercise, setup);
  const server = await files.server(services.server);
  const clients = await Promise.all(
    setup.inputs.map((input, index) => {
      const service = services.clients[index] ?? asAgency(services.clients, input.agency);
      return files.client(service, { ...input, client: index + 1 });
    }),
  );
  const address = clients[0] === undefined ? undefined : await serverAddress(clients[0]);
  const usualPort = await serverPort(server);
  const ports = {
    server: Number(setup.serverConfig?.[SERVER_PORT_VARIABLE] ?? usualPort),
    // A client without a known address uses the server's port.
    proxy: address?.port ?? usualPort,
  };
  const proxyAliases = [...new Set([SERVER_SERVICE, address?.host ?? SERVER_SERVICE])];
  return engine.inFreeSubnet(`${project}-subnet`, async subnet => {
    const prefix = subnet.split('.').slice(0, 3).join('.');
    const definition = composeFile(parts, { server, clients, proxyAliases, subnet, prefix });
    // Quoted: Docker Compose 1 reads YAML 1.1, in which some plain strings are dates.
    const text = stringify(definition, {
      defaultStringType: 'QUOTE_DOUBLE',
      defaultKeyType: 'PLAIN',
    });
    await writeFile(join(folder, 'compose.yaml'), text);
    const command = ['-p', project, '-f', 'compose.yaml', 'up', '--no-start', '--no-build'];
    await engine.compose(folder, ...command);
    return { prefix, ports };
  });
}

interface ComposeParts {
  readonly server: ServiceDefinition;
  readonly clients: readonly ServiceDefinition[];
  /** Host name of the server in the clients' configuration. */
  readonly proxyAliases: readonly string[];
  readonly subnet: string;
  /** First three bytes of the addresses. */
  readonly prefix: string;
}

/** The compose file of the subject's services and the proxy. */
function composeFile(
  { engine, project, services, setup, images }: LotteryParts,
  { server, clients, proxyAliases, subnet, prefix }: ComposeParts,
): object {
  const sysctls = setup.hasTinyBuffers === true ? { sysctls: TINY_BUFFERS } : {};
  const container = (
    name: string,
    host: number,
    more: ServiceDefinition,
    aliases: readonly string[] = [],
  ) => ({
    ...more,
    ...sysctls,
    container_name: `${project}-${name}`,
    labels: engine.labels,
    networks: { default: { ipv4_address: `${prefix}.${host}`, aliases } },
  });
  const clientContainers = clients.map((client, index) => {
    const name = `client${index + 1}`;
    const more = { ...withoutDropped(client), image: images.client };
    return [name, container(name, CLIENT_HOST + index + 1, more)];
  });
  return {
    version: '3.9',
    services: {
      'loteria-proxy': container(
        'proxy',
        PROXY_HOST,
        { image: images.proxy, stdin_open: true },
        proxyAliases,
      ),
      'loteria-server': container(SERVER_SERVICE, SERVER_HOST, {
        ...withoutDropped(server),
        image: images.server,
        // For a server that binds to its own name.
        extra_hosts: [`${SERVER_SERVICE}:${prefix}.${SERVER_HOST}`],
      }),
      ...Object.fromEntries(clientContainers),
    },
    networks: { default: { labels: engine.labels, ipam: { config: [{ subnet }] } } },
    volumes: Object.fromEntries(services.volumes.map(name => [name, { labels: engine.labels }])),
  };
}

function withoutDropped(service: ServiceDefinition): ServiceDefinition {
  return Object.fromEntries(Object.entries(service).filter(([key]) => !DROPPED.includes(key)));
}
