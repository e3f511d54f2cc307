import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join, posix } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ComposeFile, ComposeService } from '../compose.ts';
import { isAtLeast, type Exercise } from '../exercise.ts';
import { NotCheckable, type Text } from '../finding.ts';
import { patience } from '../patience.ts';
import * as tp0 from '../profiles/tp0.ts';
import { wallMs } from '../proxy-messages.ts';
import { PROXY_PROGRAM, RemoteProxy } from '../remote-proxy.ts';
import { type Lottery, type LotterySetup, type Service, ENDED, StartFailed } from '../runner.ts';
import { RUN_VARIABLE } from '../subject.ts';
import { NativeService } from './native-service.ts';
import { listeningPorts } from './process-tree.ts';
import {
  configureClient,
  configureServer,
  makeServiceFolder,
  withAddress,
} from './service-folder.ts';

const HOST = '127.0.0.1';

/** The server's port at the end of a variable's value, such as an address. */
const SERVER_PORT_END = new RegExp(`:${tp0.SERVER_PORT}$`);

/**
 * Below the ephemeral ports, which a connection could take before the server binds. The random
 * choice does not depend on the seed, and no check sees it.
 */
const SERVER_PORT_MIN = 15_000;
const SERVER_PORT_MAX = 32_000;

/** Time limit until the server listens: it may have to be compiled, or import much. */
const LISTEN_LIMIT_MS = 20_000;
const LISTEN_POLL_MS = 20;

/** Sets socket buffers of a network namespace, in bytes: a write of 8 kB becomes partial. */
const TINY_BUFFERS =
  'ip link set lo up && echo 1024 1024 1024 >/proc/sys/net/ipv4/tcp_wmem && ' +
  'echo 2304 2304 2304 >/proc/sys/net/ipv4/tcp_rmem && exec "$0" "$@"';

export interface NativeParts {
  readonly exercise: Exercise;
  /** The temporary copy of the subject. */
  readonly stage: string;
  /** The lottery's folder. */
  readonly folder: string;
  /** The run's folder. */
  readonly scratch: string;
  readonly compose: ComposeFile;
  /** Shell commands that start the programs. */
  readonly commands: { readonly server: string; readonly client: string };
  /** The part of the user's environment that programs need. */
  readonly inherited: Readonly<Record<string, string>>;
}

/** A lottery in local processes. */
export class NativeLottery implements Lottery {
  readonly proxy: RemoteProxy;
  readonly #parts: NativeParts;
  readonly #setup: LotterySetup;
  readonly #proxyProcess: ChildProcess;
  readonly #openedAtMs = wallMs();
  readonly #services: NativeService[] = [];
  readonly #folders = new Map<string, Promise<ServiceFolder>>();
  readonly #through: readonly string[];
  #port = 0;

  private constructor(parts: NativeParts, setup: LotterySetup, proxyProcess: ChildProcess) {
    this.#parts = parts;
    this.#setup = setup;
    this.#proxyProcess = proxyProcess;
    this.proxy = new RemoteProxy({ stdin: proxyProcess.stdin!, stdout: proxyProcess.stdout! });
    this.#through = setup.hasTinyBuffers
      ? [
          'nsenter',
          '--preserve-credentials',
          '--user',
          '--net',
          '--target',
          String(proxyProcess.pid),
          '--',
        ]
      : [];
  }

  static async open(parts: NativeParts, setup: LotterySetup): Promise<NativeLottery> {
    const program = [process.execPath, PROXY_PROGRAM] as const;
    const [command, ...rest] = setup.hasTinyBuffers
      ? ([
          'unshare',
          '--user',
          '--map-root-user',
          '--net',
          'sh',
          '-c',
          TINY_BUFFERS,
          ...program,
        ] as const)
      : program;
    const child = spawn(command, rest, {
      env: { ...parts.inherited, [RUN_VARIABLE]: parts.scratch },
      stdio: ['pipe', 'pipe', 'ignore'],
      // Ctrl-C goes to this program only, which ends the proxy.
      detached: true,
    });
    child.on('error', () => {});
    const lottery = new NativeLottery(parts, setup, child);
    try {
      await lottery.proxy.ask({ do: 'open', atMs: lottery.#openedAtMs });
    } catch (error) {
      if (!setup.hasTinyBuffers) throw error;
      throw new NotCheckable({
        es: 'este sistema no permite un espacio de red propio sin root (unshare --user --net)',
        en: 'this system allows no network namespace without root (unshare --user --net)',
      });
    }
    if (setup.plan !== undefined) await lottery.proxy.plan(setup.plan);
    await lottery.#writeData();
    return lottery;
  }

  now(): number {
    return wallMs() - this.#openedAtMs;
  }

  async startServer(): Promise<Service> {
    const { server } = this.#parts.compose;
    const made = await this.#once(server.name, () => this.#makeFolder('server', server, undefined));
    // Connections of the previous start may still hold its port, unlike in a new container.
    this.#port = await freePort();
    await configureServer(made.folder, this.#port);
    const values = Object.entries(made.environment).map(([key, value]) => [
      key,
      // A published port is the container's; here it could be in use on the machine.
      server.publishedPorts.includes(Number(value))
        ? '0'
        : value.replace(SERVER_PORT_END, `:${this.#port}`),
    ]);
    const environment = {
      ...Object.fromEntries(values),
      [tp0.SERVER_PORT_VARIABLE]: String(this.#port),
    };
    const { server: command } = this.#parts.commands;
    const service = await this.#start('server', command, made.folder, environment);
    const port = await this.#listeningPort(service);
    await this.proxy.ask({ do: 'target', host: HOST, port });
    return service;
  }

  async startClient(client: number): Promise<Service> {
    const name = `client${client}`;
    const { folder, environment } = await this.#once(name, () => this.#makeClient(name, client));
    return this.#start(name, this.#parts.commands.client, folder, environment);
  }

  /** Finds the server's file anywhere in its folder. */
  async readBets(): Promise<string | undefined> {
    const made = await this.#folders.get(this.#parts.compose.server.name);
    if (made === undefined) return undefined;
    const names = await readdir(made.folder, { recursive: true });
    const name = names.find(path => path === tp0.BETS_FILE || path.endsWith(`/${tp0.BETS_FILE}`));
    return name === undefined ? undefined : readFile(join(made.folder, name), 'utf8');
  }

  /** A program looked for a volume at its path in the container. */
  obstacle(): Text | undefined {
    const { server, clients } = this.#parts.compose;
    const targets = [server, ...clients].flatMap(({ volumes }) =>
      volumes.map(({ target }) => target),
    );
    for (const { name, lines } of this.#services) {
      const path = lines.flatMap(({ text }) => missingFilesOf(text)).find(isWithin(targets));
      if (path === undefined) continue;
      return onlyInContainer(name, path);
    }
    return undefined;
  }

  async close(): Promise<void> {
    await Promise.all(this.#services.map(service => service.end()));
    if (this.#proxyProcess.exitCode !== null || this.#proxyProcess.pid === undefined) return;
    this.proxy.close();
    const forced = setTimeout(() => this.#proxyProcess.kill('SIGKILL'), 2000);
    if (this.#proxyProcess.exitCode === null && this.#proxyProcess.signalCode === null) {
      await once(this.#proxyProcess, 'exit');
    }
    clearTimeout(forced);
  }

  async #makeClient(name: string, client: number): Promise<ServiceFolder> {
    const { inputs, batchMax, keepsPeriod = false } = this.#setup;
    const { clients } = this.#parts.compose;
    const { agency, bets } = inputs[client - 1]!;
    const port = await this.proxy.ask({ do: 'listen', host: HOST, port: 0, client });
    const address = { host: HOST, port: port! };
    const service =
      clients[client - 1] ?? tp0.asAgency(clients.length > 0 ? clients : [EMPTY_SERVICE], agency);
    const made = await this.#makeFolder('client', { ...service, name }, this.#agencyFile(agency));
    await configureClient(made.folder, {
      exercise: this.#parts.exercise,
      keepsPeriod,
      address,
      ...(batchMax === undefined ? {} : { batchMax }),
    });
    const environment = Object.fromEntries(
      Object.entries(made.environment).map(([key, value]) => [key, withAddress(value, address)]),
    );
    const isConfiguredByVariable = batchMax !== undefined && tp0.BATCH_VARIABLE in environment;
    return {
      folder: made.folder,
      environment: {
        ...environment,
        [tp0.CLIENT_ID_VARIABLE]: String(agency),
        [tp0.SERVER_ADDRESS_VARIABLE]: `${address.host}:${address.port}`,
        ...(isConfiguredByVariable ? { [tp0.BATCH_VARIABLE]: String(batchMax) } : {}),
        ...(isAtLeast(this.#parts.exercise, 'ej6')
          ? {}
          : tp0.betEnvironment(bets[0]!, environment)),
      },
    };
  }

  async #makeFolder(
    program: 'server' | 'client',
    service: ComposeService,
    agencyFile: string | undefined,
  ): Promise<ServiceFolder> {
    const { stage, inherited, scratch } = this.#parts;
    const root = join(this.#parts.folder, service.name);
    const data = join(this.#parts.folder, 'data');
    const { folder, volumes } = await makeServiceFolder({
      stage,
      root,
      program,
      service,
      data,
      agencyFile,
    });
    const own = Object.entries(service.environment).map(([key, value]) => [
      key,
      volumes.get(value) ?? value,
    ]);
    return {
      folder,
      environment: {
        ...inherited,
        PYTHONUNBUFFERED: '1',
        ...Object.fromEntries(own),
        [RUN_VARIABLE]: scratch,
      },
    };
  }

  #agencyFile(agency: number): string {
    return join(this.#parts.folder, 'data', `agency-${agency}.csv`);
  }

  async #writeData(): Promise<void> {
    const data = join(this.#parts.folder, 'data');
    await mkdir(data, { recursive: true });
    // Solutions expect the files in `.data/` or in `.data/dataset/`.
    await symlink('.', join(data, 'dataset'));
    for (const { agency, file } of this.#setup.inputs)
      await writeFile(this.#agencyFile(agency), file);
  }

  /** A restarted service finds its folder unchanged. */
  #once(name: string, make: () => Promise<ServiceFolder>): Promise<ServiceFolder> {
    const made = this.#folders.get(name) ?? make();
    this.#folders.set(name, made);
    return made;
  }

  async #start(
    name: string,
    command: string,
    folder: string,
    environment: Readonly<Record<string, string>>,
  ): Promise<NativeService> {
    const service = await NativeService.start({
      name,
      command,
      folder,
      environment,
      through: this.#through,
      now: () => this.now(),
    });
    this.#services.push(service);
    return service;
  }

  /** Python's `config.read("/config.ini")` does not report a missing file. */
  async #throwIfAbsolute({ name }: NativeService, service: ComposeService): Promise<void> {
    const { folder } = await this.#folders.get(service.name)!;
    for (const file of await readdir(folder, { recursive: true })) {
      if (!SOURCE_FILE.test(file)) continue;
      const text = await readFile(join(folder, file), 'utf8').catch(() => '');
      const quoted = (text.match(/(?<=["'`])\/[^"'`\s]+(?=["'`])/g) ?? []).map(path =>
        posix.normalize(path),
      );
      const path = quoted.find(isWithin(service.volumes.map(({ target }) => target)));
      if (path !== undefined) throw new NotCheckable(onlyInContainer(name, path));
    }
  }

  async #listeningPort(service: NativeService): Promise<number> {
    const limitMs = LISTEN_LIMIT_MS * patience();
    const startedAtMs = wallMs();
    while (wallMs() - startedAtMs < limitMs) {
      const ports = listeningPorts(service.pid);
      const port =
        ports.find(each => each === this.#port) ?? ports.find(each => each === tp0.SERVER_PORT);
      if (port !== undefined) return port;
      if (service.exit !== undefined) {
        await this.#throwIfAbsolute(service, this.#parts.compose.server);
        throw new StartFailed('server', ENDED, service.lines);
      }
      await pause(LISTEN_POLL_MS);
    }
    const seconds = Math.round(limitMs / 1000);
    const why = {
      es: `no escucha después de ${seconds} segundos`,
      en: `it does not listen after ${seconds} seconds`,
    };
    throw new StartFailed('server', why, service.lines);
  }
}

interface ServiceFolder {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

const EMPTY_SERVICE: ComposeService = {
  name: '',
  environment: {},
  volumes: [],
  publishedPorts: [],
};

const SOURCE_FILE = /\.(py|js|mjs|ts|go)$/;

const onlyInContainer = (name: string, path: string): Text => ({
  es: `${name} busca ${path}, que solo está en su contenedor: hace falta Docker, o un programa que abra '${path.slice(1)}'`,
  en: `${name} looks for ${path}, which is only in its container: Docker is needed, or a program that opens '${path.slice(1)}'`,
});

/** The missing files that an error message names, as absolute paths. */
function missingFilesOf(text: string): string[] {
  if (!/no such file or directory/i.test(text)) return [];
  return (text.match(/[^\s'":,|]*\/[^\s'":,|]+/g) ?? []).map(path => posix.resolve('/', path));
}

const isWithin =
  (targets: readonly string[]) =>
  (path: string): boolean =>
    targets.some(target => path === target || path.startsWith(`${target}/`));

async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    server.listen(randomInt(SERVER_PORT_MIN, SERVER_PORT_MAX), HOST);
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }
}
