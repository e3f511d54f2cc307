import { basename, join } from 'node:path';
import type { Exercise } from '../exercise.ts';
import { NotCheckable } from '../finding.ts';
import { COMPOSE_FILE } from '../profiles/tp0.ts';
import type { Lottery, LotterySetup, Runner, Stage } from '../runner.ts';
import { Engine } from './docker-engine.ts';
import { buildProxy, buildService } from './docker-images.ts';
import { DockerLottery, type LotteryParts } from './docker-lottery.ts';
import { readServices } from './docker-services.ts';

interface DockerRunnerOptions {
  /** The run's folder: its name is the name of all that is made. */
  readonly scratch: string;
}

/** Runs a subject in containers, beside everything else that the engine has and without touching it. */
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
   * Removes what killed runs have left.
   *
   * @throws NotCheckable (as a rejection) without an engine or Docker Compose
   */
  static async create(options: DockerRunnerOptions): Promise<DockerRunner> {
    // Names of images and projects are in lower case.
    const engine = await Engine.connect(basename(options.scratch).toLowerCase());
    await engine.removeLeftovers();
    return new DockerRunner(engine, options);
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#engine.versions;
  }

  async prepare(exercise: Exercise, folder: string): Promise<Stage> {
    const services = await readServices(this.#engine, folder);
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
}

/** An exercise of which the images are built. */
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

  open(setup: LotterySetup): Promise<Lottery> {
    this.#opened += 1;
    const project = `${this.engine.run}-${this.exercise}-${this.#opened}`;
    return DockerLottery.open({ ...this.#parts, setup, project, folder: join(this.folder, '..', project) });
  }
}
