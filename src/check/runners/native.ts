import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
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
  /** Commands that the user has given. */
  readonly server?: string | undefined;
  readonly client?: string | undefined;
  /** Of the user, as far as programs need it. */
  readonly inherited: Readonly<Record<string, string>>;
}

/** Runs the programs of a subject as processes of this machine: no Docker, no root. */
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
    // What is wrong with the programs is for the checks that run them.
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

  /** All that it makes is in the run's folder. */
  async close(): Promise<void> {}

  async #commands(folder: string): Promise<{ server: string; client: string }> {
    return {
      server: await this.#serverCommand(folder),
      client: await this.#clientCommand(folder),
    };
  }

  async #serverCommand(folder: string): Promise<string> {
    return this.#options.server ?? (await findProgram(folder, 'server')) ?? notFound('server');
  }

  async #clientCommand(folder: string): Promise<string> {
    const found = this.#options.client ?? (await findProgram(folder, 'client'));
    if (found !== undefined) return found;
    if (!(await exists(join(folder, tp0.GO_CLIENT)))) return notFound('client');
    const binary = resolve(folder, 'client', '.check-client');
    try {
      await run('go', ['build', '-o', binary, './client'], {
        cwd: folder,
        timeout: BUILD_LIMIT_MS,
        env: { ...this.#options.inherited },
      });
    } catch (error) {
      const why = (error as { stderr?: string }).stderr || String(error);
      throw new NotCheckable({
        es: `no se pudo compilar ${tp0.GO_CLIENT} (uno ya compilado se da con --client COMANDO): ${why}`,
        en: `${tp0.GO_CLIENT} could not be built (one that is built is given with --client COMMAND): ${why}`,
      });
    }
    return binary;
  }
}

async function findProgram(folder: string, part: 'server' | 'client'): Promise<string | undefined> {
  for (const { file, command } of tp0.PROGRAMS[part]) {
    if (await exists(join(folder, file))) return command;
  }
  return undefined;
}

function notFound(part: 'server' | 'client'): never {
  throw new NotCheckable({
    es: `no se encontró el programa de ${part}/: hay que darlo con --${part} COMANDO`,
    en: `the program of ${part}/ was not found: give it with --${part} COMMAND`,
  });
}

const exists = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined;

/**
 * A file with too few clients is made anew by the subject's own generator, in the temporary copy.
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
