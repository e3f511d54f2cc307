import { basename, join } from 'node:path';
import type { Exercise } from '../exercise.ts';
import { NotCheckable } from '../finding.ts';
import { runGenerator } from '../generator.ts';
import {
  CLIENTS_MIN,
  CLIENTS_USUAL,
  COMPOSE_FILE,
  SERVER_SERVICE,
  VALIDATOR,
} from '../profiles/tp0.ts';
import type { Lottery, LotterySetup, Runner, Stage } from '../runner.ts';
import { WrongNetwork, type WrongBehaviour } from './docker-echo.ts';
import { Engine, type Environment } from './docker-engine.ts';
import { buildProxy, buildService } from './docker-images.ts';
import { DockerLottery, type LotteryParts } from './docker-lottery.ts';
import { runScript, type ScriptRun } from './docker-script.ts';
import { filesNotMounted, readServices, serverPort, type Services } from './docker-services.ts';

interface DockerRunnerOptions {
  /** The run's folder. Its name is the prefix of everything that the run creates. */
  readonly scratch: string;
  /** The user's environment. */
  readonly environment: Environment;
}

/** Runs a subject in containers, isolated from everything else in the engine. */
export class DockerRunner implements Runner {
  readonly kind = 'docker';
  readonly #engine: Engine;
  readonly #options: DockerRunnerOptions;
  readonly #proxyImage: string;
  #proxyBuilt: Promise<void> | undefined;

  private constructor(engine: Engine, options: DockerRunnerOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#proxyImage = `${engine.run}-proxy`;
  }

  /**
   * Removes the leftovers of killed runs.
   *
   * @throws NotCheckable (as a rejection) without an engine or Docker Compose
   */
  static async create(options: DockerRunnerOptions): Promise<DockerRunner> {
    // Names of images and projects must be in lower case.
    const engine = await Engine.connect(
      basename(options.scratch).toLowerCase(),
      options.environment,
    );
    await engine.removeLeftovers();
    return new DockerRunner(engine, options);
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#engine.versions;
  }

  async prepare(exercise: Exercise, folder: string): Promise<Stage> {
    const services = await this.#readServices(folder);
    const [client] = services.clients;
    if (client === undefined) {
      throw new NotCheckable({
        es: `${COMPOSE_FILE} no tiene ningún cliente`,
        en: `${COMPOSE_FILE} has no client`,
      });
    }
    this.#proxyBuilt ??= buildProxy(this.#engine, this.#proxyImage, this.#options.scratch);
    await this.#proxyBuilt;
    const images = {
      server: `${this.#engine.run}-server:${exercise}`,
      client: `${this.#engine.run}-client:${exercise}`,
      proxy: this.#proxyImage,
    };
    await buildService(this.#engine, { folder, name: images.server, service: services.server });
    await buildService(this.#engine, { folder, name: images.client, service: client });
    return new DockerStage(folder, { engine: this.#engine, exercise, services, images });
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }

  /**
   * Reads the compose file. With too few clients, the subject's own generator rewrites it in the
   * temporary copy.
   */
  async #readServices(folder: string): Promise<Services> {
    const services = await readServices(this.#engine, folder).catch(
      (error: unknown) => error as Error,
    );
    const isEnough = !(services instanceof Error) && services.clients.length >= CLIENTS_MIN;
    if (
      !isEnough &&
      (await runGenerator(folder, [COMPOSE_FILE, String(CLIENTS_USUAL)])).code === 0
    ) {
      return readServices(this.#engine, folder);
    }
    if (services instanceof Error) throw services;
    return services;
  }
}

/** The subject's server, none, or a wrong one. */
export type ValidatedServer = 'own' | 'none' | WrongBehaviour;

const SCRIPT_MS_MAX = 60_000;

/** An exercise with built images. */
export class DockerStage implements Stage {
  readonly folder: string;
  readonly #parts: Omit<LotteryParts, 'setup' | 'project' | 'folder'>;
  #opened = 0;

  constructor(folder: string, parts: Omit<LotteryParts, 'setup' | 'project' | 'folder'>) {
    this.folder = folder;
    this.#parts = parts;
  }

  get exercise(): Exercise {
    return this.#parts.exercise;
  }

  get clients(): number {
    return this.#parts.services.clients.length;
  }

  get engine(): Engine {
    return this.#parts.engine;
  }

  /** Configuration files that are in no volume. */
  filesNotMounted(): Promise<string[]> {
    return filesNotMounted(this.#parts.services);
  }

  /** Runs the subject's `validar-echo-server.sh` against its own server or another one. */
  async validate(kind: ValidatedServer, text: string): Promise<ScriptRun> {
    const name = this.#nextProject();
    const folder = join(this.folder, '..', `${name}-script`);
    const script = {
      engine: this.engine,
      stage: this.folder,
      script: VALIDATOR,
      folder,
      limitMs: SCRIPT_MS_MAX,
    };
    if (kind === 'own') {
      const lottery = await this.#openAs(name, { inputs: [] });
      try {
        await lottery.startServer();
        return await runScript({
          ...script,
          network: lottery.network,
          server: lottery.containerOf(SERVER_SERVICE),
        });
      } finally {
        await lottery.close();
      }
    }
    const { images, services } = this.#parts;
    const port = await serverPort(services.server);
    const place = await WrongNetwork.open(this.engine, {
      name,
      image: images.proxy,
      port,
      behaviour: kind,
      text,
    });
    try {
      return await runScript({ ...script, network: place.network, server: place.server });
    } finally {
      await place.close();
    }
  }

  open(setup: LotterySetup): Promise<Lottery> {
    return this.#openAs(this.#nextProject(), setup);
  }

  #openAs(project: string, setup: LotterySetup): Promise<DockerLottery> {
    return DockerLottery.open({
      ...this.#parts,
      setup,
      project,
      folder: join(this.folder, '..', project),
    });
  }

  #nextProject(): string {
    this.#opened += 1;
    return `${this.engine.run}-${this.exercise}-${this.#opened}`;
  }
}
