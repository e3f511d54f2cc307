import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { EXERCISES, type Exercise } from './exercise.ts';
import { NotCheckable } from './finding.ts';

const run = promisify(execFile);

/** Of an archive of a branch. */
const ARCHIVE_BYTES_MAX = 512 * 1024 * 1024;

/** What is not part of a program and may be large; the agencies' files are made up anyway. */
const NOT_COPIED = new Set(['.git', 'node_modules', '.data', '.venv', 'venv', '__pycache__']);

/** Names a run's folder, with the id of its process: what a killed run has left is known by it. */
const FOLDER = /^loteria-check-(\d+)-/;

/** The variable by which the processes of a run are known, with its folder. */
export const RUN_VARIABLE = 'LOTERIA_CHECK_RUN';

/** A repository that is checked. Nothing in it is written. */
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

  /** The exercises that have a branch; without any, what is checked out counts as the last one. */
  get exercises(): readonly Exercise[] {
    return this.#refs.size > 0 ? [...this.#refs.keys()] : ['ej8'];
  }

  get hasBranches(): boolean {
    return this.#refs.size > 0;
  }

  /** A temporary copy of the branch of an exercise, or of what is checked out. */
  async copy(exercise: Exercise): Promise<string> {
    const folder = join(this.#scratch, exercise);
    await mkdir(folder, { recursive: true });
    const ref = this.#refs.get(exercise);
    if (ref === undefined) await copyTree(this.path, folder);
    else await exportRef(this.path, ref, folder);
    return folder;
  }
}

/** A local branch, else one of the remote that was cloned. */
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
 * The folder of a run. What was left by runs that were killed is removed, and their processes are
 * ended.
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

/** Ends the processes that have the folder of a run in their environment. */
async function endProcessesOf(folder: string): Promise<void> {
  const wanted = `${RUN_VARIABLE}=${folder}`;
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '');
    if (!environment.split('\0').includes(wanted)) continue;
    try {
      process.kill(Number(name), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
