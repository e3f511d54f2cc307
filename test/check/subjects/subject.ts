import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type SubjectLanguage = 'python' | 'node';

/** One edit of a mutant. */
export interface Patch {
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** How many clients the subject's compose file has. */
export const SUBJECT_CLIENTS = 5;

/**
 * Writes a student's repository: the correct solution of exercise 8 in a language, with the edits of a mutant, committed on
 * the branch `ej8`.
 *
 * @returns its folder, which the caller removes
 * @throws Error when the text of a patch does not stand in its file exactly once
 */
export function makeSubject(language: SubjectLanguage, patches: readonly Patch[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'loteria-subject-'));
  try {
    for (const part of ['common', language])
      cpSync(join(import.meta.dirname, part), folder, { recursive: true });
    for (const patch of patches) applyPatch(folder, patch);
    run(folder, 'sh', ['generar-compose.sh', 'docker-compose-dev.yaml', String(SUBJECT_CLIENTS)]);
    run(folder, 'git', ['init', '--quiet', '--initial-branch=ej8']);
    run(folder, 'git', ['add', '--all']);
    run(folder, 'git', [...IDENTITY, 'commit', '--quiet', '--message=Ejercicio 8']);
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  return folder;
}

const IDENTITY = ['-c', 'user.name=Estudiante', '-c', 'user.email=estudiante@example.org'];

function applyPatch(folder: string, { file, find, replace }: Patch): void {
  const path = join(folder, file);
  const parts = readFileSync(path, 'utf8').split(find);
  if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times:\n${find}`);
  writeFileSync(path, parts.join(replace));
}

function run(cwd: string, command: string, args: readonly string[]): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}
