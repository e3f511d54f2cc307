import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgencyProtocol, listenerOf } from '../../../src/wire/dialect-names.ts';

/** A correct program: exercise 8 in a language, or the echo server of exercises 1 to 4. */
export type SubjectProgram = 'python' | 'node' | 'echo';

const BRANCHES: Readonly<Record<SubjectProgram, readonly string[]>> = {
  python: ['ej8'],
  node: ['ej8'],
  echo: ['ej1', 'ej2', 'ej3', 'ej4'],
};

/** Echo clients have no file. */
const WITHOUT_FILES: Patch = {
  file: 'generar-compose.sh',
  find: '      - ./.data/agency-$client.csv:/agency.csv\n',
  replace: '',
};

/** An edit of a mutant. */
export interface Patch {
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** Number of clients in the subject's compose file. */
const SUBJECT_CLIENTS = 5;

/**
 * Creates a student's repository: a correct program with the edits of a mutant, on the branches of
 * its exercises.
 *
 * @returns its folder, which the caller removes
 * @throws Error when the text of a patch does not occur in its file exactly once
 */
export function makeSubject(program: SubjectProgram, patches: readonly Patch[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'loteria-subject-'));
  const [branch, ...others] = BRANCHES[program];
  try {
    for (const part of ['common', program])
      cpSync(join(import.meta.dirname, part), folder, { recursive: true });
    for (const patch of program === 'echo' ? [WITHOUT_FILES, ...patches] : patches)
      applyPatch(folder, patch);
    runIn(folder, 'sh', ['generar-compose.sh', 'docker-compose-dev.yaml', String(SUBJECT_CLIENTS)]);
    runIn(folder, 'git', ['init', '--quiet', `--initial-branch=${branch}`]);
    runIn(folder, 'git', ['add', '--all']);
    runIn(folder, 'git', [...IDENTITY, 'commit', '--quiet', '--message=TP0']);
    for (const other of others) runIn(folder, 'git', ['branch', other]);
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  return folder;
}

/** Dialects of `test/peers` that can encode every bet; csv-frames has no comma in names. */
export const PEERS = ['base', 'check_win', 'op_codes', 'push_codes'] as const;

/**
 * Creates a student's repository with a dialect of `test/peers`: the correct Python program with
 * another protocol.
 *
 * @returns its folder, which the caller removes
 */
export function makePeerSubject(peer: (typeof PEERS)[number]): string {
  const folder = makeSubject('python');
  for (const part of ['server', 'client']) {
    const program = join(folder, part);
    renameSync(join(program, 'main.py'), join(program, 'solution.py'));
    cpSync(join(import.meta.dirname, 'peers', part), program, { recursive: true });
    cpSync(join(ROOT, 'test/peers/common.py'), join(program, 'common.py'));
    cpSync(join(ROOT, `test/peers/${peer}.py`), join(program, 'dialect.py'));
  }
  runIn(folder, 'git', ['add', '--all']);
  runIn(folder, 'git', [...IDENTITY, 'commit', '--quiet', `--message=${peer}`]);
  return folder;
}

/**
 * Creates a repository with this project's programs, in one of its dialects.
 *
 * @returns its folder, which the caller removes
 */
export function makeOwnSubject(protocol: AgencyProtocol): string {
  const folder = mkdtempSync(join(tmpdir(), 'loteria-subject-'));
  for (const part of ['generar-compose.sh', 'server/config.ini', 'client/config.yaml'])
    cpSync(join(ROOT, part), join(folder, part));
  const file = 'docker-compose-dev.yaml';
  runIn(folder, 'sh', ['generar-compose.sh', file, String(SUBJECT_CLIENTS), 'ej8']);
  const compose = readFileSync(join(folder, file), 'utf8')
    .replace('      - HTTP_PORT=', `      - SERVER_LISTENERS=${listenerOf(protocol)}:12345\n$&`)
    .replaceAll('      - CLI_ID=', `      - CLI_PROTOCOL=${protocol}\n$&`);
  writeFileSync(join(folder, file), compose);
  return folder;
}

const ROOT = join(import.meta.dirname, '../../..');

export const IDENTITY = ['-c', 'user.name=Estudiante', '-c', 'user.email=estudiante@example.org'];

function applyPatch(folder: string, { file, find, replace }: Patch): void {
  const path = join(folder, file);
  const parts = readFileSync(path, 'utf8').split(find);
  if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times:\n${find}`);
  writeFileSync(path, parts.join(replace));
}

function runIn(cwd: string, command: string, args: readonly string[]): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}
