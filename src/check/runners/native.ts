import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { readCompose } from '../compose.ts';
import type { Exercise } from '../exercise.ts';
import { NotCheckable } from '../finding.ts';
import * as tp0 from '../profiles/tp0.ts';
import type { Lottery, LotterySetup, Runner, Stage } from '../runner.ts';
import { NativeLottery } from './native-lottery.ts';

const run = promisify(execFile);

const GENERATOR_LIMIT_MS = 20_000;
const BUILD_LIMIT_MS = 300_000;

interface NativeOptions {
  /** The run's folder. */
  readonly scratch: string;
  /** The user's commands. */
  readonly server?: string | undefined;
  readonly client?: string | undefined;
  /** The part of the user's environment that programs need. */
  readonly inherited: Readonly<Record<string, string>>;
}

/** Runs the programs of a subject as local processes, without Docker and root. */
export class NativeRunner implements Runner {
  readonly kind = 'native';
  readonly environment = {};
  readonly #options: NativeOptions;
  #lotteries = 0;

  constructor(options: NativeOptions) {
    this.#options = options;
  }

  async prepare(exercise: Exercise, folder: string): Promise<Stage> {
    const { scratch, inherited } = this.#options;
    const commands = this.#commands(folder);
    // The checks that start the programs report the error.
    await commands.catch(() => undefined);
    const compose = await composeOf(folder, inherited);
    return {
      exercise,
      folder,
      clients: Math.max(compose.clients.length, 1),
      open: async (setup: LotterySetup): Promise<Lottery> => {
        this.#lotteries += 1;
        const own = join(scratch, `lottery-${this.#lotteries}`);
        const parts = { exercise, stage: folder, folder: own, scratch, compose, inherited };
        return NativeLottery.open({ ...parts, commands: await commands }, setup);
      },
    };
  }

  /** Everything is in the run's folder. */
  async close(): Promise<void> {}

  async #commands(folder: string): Promise<{ server: string; client: string }> {
    return {
      server: await this.#command(folder, 'server'),
      client: await this.#command(folder, 'client'),
    };
  }

  async #command(folder: string, part: Part): Promise<string> {
    const given = this.#options[part];
    if (given !== undefined) return given;
    for (const { file, command } of tp0.PROGRAMS) {
      const path = join(part, file);
      if (await exists(join(folder, path))) return command ?? this.#build(folder, part, path);
    }
    throw new NotCheckable({
      es: `no se encontró el programa de ${part}/: hay que darlo con --${part} COMANDO`,
      en: `the program of ${part}/ was not found: give it with --${part} COMMAND`,
    });
  }

  /** Compiles a Go program in its module. */
  async #build(folder: string, part: Part, path: string): Promise<string> {
    const binary = resolve(folder, part, '.check-program');
    try {
      await run('go', ['build', '-o', binary, '.'], {
        cwd: join(folder, dirname(path)),
        timeout: BUILD_LIMIT_MS,
        env: { ...this.#options.inherited },
      });
    } catch (error) {
      const why = (error as { stderr?: string }).stderr || String(error);
      throw new NotCheckable({
        es: `no se pudo compilar ${path} (uno ya compilado se da con --${part} COMANDO): ${why}`,
        en: `${path} could not be built (one that is built is given with --${part} COMMAND): ${why}`,
      });
    }
    return binary;
  }
}

type Part = 'server' | 'client';

const exists = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined;

/**
 * Reads the compose file. With too few clients, the subject's own generator rewrites it in the
 * temporary copy.
 */
async function composeOf(folder: string, inherited: Readonly<Record<string, string>>) {
  const compose = await readCompose(folder).catch((error: unknown) => error as Error);
  if (!(compose instanceof Error) && compose.clients.length >= tp0.CLIENTS_MIN) return compose;
  const args = [tp0.GENERATOR, tp0.COMPOSE_FILE, String(tp0.CLIENTS_USUAL)];
  const options = { cwd: folder, timeout: GENERATOR_LIMIT_MS, env: { ...inherited } };
  const generated = await run('bash', args, options).then(
    () => readCompose(folder),
    () => compose,
  );
  if (generated instanceof Error) throw generated;
  return generated;
}
