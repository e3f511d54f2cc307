import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { EXERCISES, type Exercise } from './exercise.ts';
import { NotCheckable } from './finding.ts';

const run = promisify(execFile);

/** Limit of the archive of a branch. */
const ARCHIVE_BYTES_MAX = 512 * 1024 * 1024;

/** Not part of a program, and possibly large; the checks make the agencies' files. */
const NOT_COPIED = new Set(['.git', 'node_modules', '.data', '.venv', 'venv', '__pycache__']);

/** Name of a run's folder. The process id identifies the leftovers of a killed run. */
const FOLDER = /^loteria-check-(\d+)-/;

/** Environment variable that marks the processes of a run; its value is the run's folder. */
export const RUN_VARIABLE = 'LOTERIA_CHECK_RUN';

/** The checked repository, which is only read. */
export class Subject {
  readonly path: string;
  readonly #refs: ReadonlyMap<Exercise, string>;
  readonly #scratch: string;

  private constructor(path: string, refs: ReadonlyMap<Exercise, string>, scratch: string) {
    this.path = path;
    this.#refs = refs;
    this.#scratch = scratch;
  }

  /** @param scratch the run's folder */
  static async open(path: string, scratch: string): Promise<Subject> {
    const root = resolve(path);
    if (!(await stat(root).catch(() => undefined))?.isDirectory()) {
      throw new NotCheckable({ es: `${root} no es una carpeta`, en: `${root} is not a folder` });
    }
    const refs = new Map<Exercise, string>();
    for (const exercise of EXERCISES) {
      const ref = await findRef(root, exercise);
      if (ref !== undefined) refs.set(exercise, ref);
    }
    return new Subject(root, refs, scratch);
  }

  /** The exercises with a branch; without any, the working tree counts as exercise 8. */
  get exercises(): readonly Exercise[] {
    return this.#refs.size > 0 ? [...this.#refs.keys()] : ['ej8'];
  }

  get hasBranches(): boolean {
    return this.#refs.size > 0;
  }

  /** Makes a temporary copy of the branch of an exercise, or of the working tree. */
  async copy(exercise: Exercise): Promise<string> {
    const folder = join(this.#scratch, exercise);
    await mkdir(folder, { recursive: true });
    const ref = this.#refs.get(exercise);
    if (ref === undefined) await copyTree(this.path, folder);
    else await exportRef(this.path, ref, folder);
    return folder;
  }
}

/** A local branch, else one of the remote `origin`. */
async function findRef(root: string, exercise: Exercise): Promise<string | undefined> {
  for (const ref of [`refs/heads/${exercise}`, `refs/remotes/origin/${exercise}`]) {
    const found = await run('git', [
      '-C',
      root,
      'rev-parse',
      '--verify',
      '--quiet',
      `${ref}^{commit}`,
    ]).catch(() => undefined);
    if (found !== undefined) return found.stdout.trim();
  }
  return undefined;
}

async function exportRef(root: string, ref: string, folder: string): Promise<void> {
  const archive = join(folder, '..', `${ref}.tar`);
  const options = { maxBuffer: ARCHIVE_BYTES_MAX };
  await run('git', ['-C', root, 'archive', '--format=tar', '--output', archive, ref], options);
  await run('tar', ['-xf', archive, '-C', folder]);
  await rm(archive);
}

async function copyTree(root: string, folder: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (NOT_COPIED.has(name)) continue;
    await cp(join(root, name), join(folder, name), {
      recursive: true,
      verbatimSymlinks: true,
      filter: source => !NOT_COPIED.has(source.slice(source.lastIndexOf('/') + 1)),
    });
  }
}

/**
 * Creates the folder of a run, after removing the folders and processes that killed runs have
 * left.
 */
export async function makeScratch(): Promise<string> {
  await removeLeftovers();
  return mkdtemp(join(tmpdir(), `loteria-check-${process.pid}-`));
}

async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = FOLDER.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const folder = join(tmpdir(), name);
    await endProcessesOf(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Kills the processes of a run, which have its folder in their environment. */
async function endProcessesOf(folder: string): Promise<void> {
  const wanted = `${RUN_VARIABLE}=${folder}`;
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '');
    if (!environment.split('\0').includes(wanted)) continue;
    try {
      process.kill(Number(name), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}
