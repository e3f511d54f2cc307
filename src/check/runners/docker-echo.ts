import { setTimeout as pause } from 'node:timers/promises';
import { SERVER_SERVICE } from '../profiles/tp0.ts';
import type { Engine } from './docker-engine.ts';

const START_MS_MAX = 30_000;
const POLL_MS = 100;

/** Behaviour of wrong echo servers, as JavaScript. */
const BEHAVIOURS = {
  /** Answers something else than it received. */
  other: "socket.on('data', () => socket.end(TEXT + '\\n'))",
  /** Closes without an answer. */
  closes: "socket.on('data', () => socket.end())",
} as const;

export type WrongBehaviour = keyof typeof BEHAVIOURS;

/** A network with a wrong server, or with none. */
export class WrongNetwork {
  readonly network: string;
  readonly server: string;
  readonly #engine: Engine;

  private constructor(engine: Engine, name: string) {
    this.#engine = engine;
    this.network = name;
    this.server = `${name}-server`;
  }

  /** @param image with Node */
  static async open(
    engine: Engine,
    {
      name,
      image,
      port,
      behaviour,
      text,
    }: {
      readonly name: string;
      readonly image: string;
      readonly port: number;
      readonly behaviour: WrongBehaviour | 'none';
      readonly text: string;
    },
  ): Promise<WrongNetwork> {
    const opened = new WrongNetwork(engine, name);
    await engine.docker('network', 'create', ...engine.labelFlags, name);
    if (behaviour === 'none') return opened;
    const code = `const TEXT = ${JSON.stringify(text)};
      require('node:net').createServer(socket => { socket.on('error', () => {}); ${BEHAVIOURS[behaviour]}; })
        .listen(${port}, () => console.log('ready'));`;
    const where = ['--network', name, '--network-alias', SERVER_SERVICE, '--name', opened.server];
    await engine.docker(
      'run',
      '--detach',
      ...engine.labelFlags,
      ...where,
      '--entrypoint',
      'node',
      image,
      '-e',
      code,
    );
    const giveUpAt = performance.now() + START_MS_MAX;
    while ((await engine.docker('logs', opened.server)) === '' && performance.now() < giveUpAt)
      await pause(POLL_MS);
    return opened;
  }

  /** Removes its containers too. */
  async close(): Promise<void> {
    const ids = await this.#engine.docker(
      'ps',
      '--all',
      '--quiet',
      '--filter',
      `network=${this.network}`,
    );
    const containers = ids.split('\n').filter(Boolean);
    if (containers.length > 0)
      await this.#engine.docker('rm', '--force', '--volumes', ...containers);
    await this.#engine.docker('network', 'rm', this.network);
  }
}
