import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import { makeSubject } from '../check/subjects/subject.ts';
import {
  CONTAINER_PAGES,
  commandsOf,
  concerns,
  type DocumentCommands,
  NOT_RUN,
  needsContainers,
  PAGES,
  runnableOf,
  TESTED_ELSEWHERE,
} from '../support/document-commands.ts';
import { freePort } from '../support/free-port.ts';
import { Program, startClient, startServer } from '../support/program.ts';
import { projectAfter, projectFolder } from '../support/project-folder.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Pages whose commands run here, with functions that create their project folders. */
const PAGES_HERE: Readonly<Record<string, () => Promise<string>>> = {
  'README.md': projectFolder,
  'README.es.md': projectFolder,
  'docs/CHECK.md': withSolutions,
  'docs/CONFIG.md': projectFolder,
  'docs/OPERATIONS.md': withOpenLottery,
  'docs/PAGE.md': projectFolder,
  'docs/PROTOCOL.md': projectFolder,
  'docs/STORE.md': () => projectAfter('--agencies', '3', '--bets', '3000'),
  'docs/es/CHECKER.md': withSolutions,
  'docs/es/CONFIGURACION.md': projectFolder,
  'docs/es/OPERACION.md': withOpenLottery,
  'docs/es/WIRESHARK.md': projectFolder,
  'docs/wireshark/README.md': projectFolder,
};

const SOLUTIONS = ['tp0', 'entregas/ana', 'entregas/eva'];

/** Solutions of the assignment, in the home folder and in a teacher's folder. */
async function withSolutions(): Promise<string> {
  const project = await projectFolder();
  await mkdir(join(project, 'entregas'));
  for (const name of SOLUTIONS) await rename(makeSubject('python'), join(project, name));
  return project;
}

/** The upload in the examples of operators' pages. */
const EXAMPLE_UPLOAD = '5d78d4c4b1f0a7e2c3d4e5f60718293a';

/** The folder of a lottery of five agencies, of which three have finished. */
async function withOpenLottery(): Promise<string> {
  const project = await projectFolder();
  const data = join(project, 'data');
  await mkdir(data);
  const { server, port } = await startServer(data, { NUMBER_AGENCIES: '5' });
  for (const agency of [1, 2, 3]) {
    const file = join(project, `agency-${agency}.csv`);
    await writeFile(file, `Ana,Paz,${agency},1990-01-01,7574\n`);
    startClient(data, agency, port, { CLI_FILE_NAME: file });
    await server.line(
      ({ action, details }) => action === 'agency_finished' && details['agency'] === String(agency),
    );
  }
  server.kill('SIGTERM');
  await server.exited;
  return project;
}

/** Runs commands in a project folder, in the state of one shell. */
class Reader {
  readonly #project: string;
  readonly #ports = new Map<string, number>();
  readonly #clients: Program[] = [];
  /** State of the shell between two commands. */
  readonly #kept: string[] = [];

  constructor(project: string) {
    this.#project = project;
  }

  async run(command: string): Promise<void> {
    const own = await this.#own(command);
    const isLong = / (?:server|client)$/.test(own);
    const script = [...this.#kept, isLong ? `exec env ${own}` : own].join('\n');
    if (/^(?:export|cd|umask) /.test(own)) this.#kept.push(own);
    const program = Program.start([], {
      cwd: this.#project,
      through: ['bash', '-euo', 'pipefail', '-c', script],
      // An address without an engine: solutions are checked without Docker.
      env: { HOME: this.#project, DOCKER_HOST: 'tcp://127.0.0.1:1' },
    });
    if (own.endsWith(' server')) await program.logged('listen');
    else if (own.endsWith(' client')) this.#clients.push(program);
    else await succeeded(program, command);
  }

  /** Waits for the clients. */
  async end(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map(client => succeeded(client, 'client')));
  }

  /** Adapts a command: free ports, the test's folder, and only one check. */
  async #own(command: string): Promise<string> {
    for (const [port] of command.matchAll(/\b(?:1234\d|8080)\b/g))
      if (!this.#ports.has(port)) this.#ports.set(port, await freePort());
    return command
      .replaceAll(/\b(?:1234\d|8080)\b/g, port => String(this.#ports.get(port)))
      .replaceAll('/tmp/', `${this.#project}/`)
      .replace(EXAMPLE_UPLOAD, () => this.#upload())
      .replace(/ --only \S+/, '')
      .replace(/ check (?!--list)/, ' check --only ej8:compose ');
  }

  /** The upload of agency 3. */
  #upload(): string {
    const journal = readFileSync(join(this.#project, 'data/bets.journal'), 'utf8');
    return /"type":"finished","agency":3,"upload":"(\w+)"/.exec(journal)![1]!;
  }
}

async function succeeded(program: Program, command: string): Promise<void> {
  const { code } = await program.exited;
  expect({ code, stderr: program.stderr }, command).toEqual({ code: 0, stderr: '' });
}

/** The commands of each section of a page, after those of its chapter's beginning. */
function sectionsOf(page: string): string[][] {
  const commands = runnableOf(page).filter(command => !needsContainers(command));
  const own = (section: string): DocumentCommands[] =>
    commands.filter(command => command.section === section);
  const sections = [...new Set(commands.map(({ section }) => section))];
  return sections.map(section => {
    const { chapter } = own(section)[0]!;
    return [...(chapter === section ? [] : own(chapter)), ...own(section)].map(({ text }) => text);
  });
}

function needTools(context: TestContext, page: string): void {
  if (page === 'docs/STORE.md' && spawnSync('jq', ['--version']).status !== 0)
    context.skip('jq, which the page uses, is not installed');
}

test.for(Object.entries(PAGES_HERE))(
  'every command of %s works as written',
  async ([page, prepare], context) => {
    needTools(context, page);
    const prepared = await prepare();
    const sections = sectionsOf(page).map(async commands => {
      const project = await temporaryFolder();
      await cp(prepared, project, { recursive: true, verbatimSymlinks: true });
      const reader = new Reader(project);
      for (const [index, command] of commands.entries()) {
        await reader.run(command);
        if (!commands[index + 1]?.endsWith(' client')) await reader.end();
      }
    });
    await Promise.all(sections);
  },
);

describe('a command of a document', () => {
  const all = PAGES.flatMap(commandsOf);

  test('is run by a test, or a table says why not', () => {
    const inContainers = new Set(
      CONTAINER_PAGES.flatMap(runnableOf)
        .filter(needsContainers)
        .map(({ text }) => text),
    );
    const forgotten = all.filter(
      command =>
        !(command.page in TESTED_ELSEWHERE) &&
        !NOT_RUN.some(row => concerns(row, command)) &&
        !(needsContainers(command) ? inContainers.has(command.text) : command.page in PAGES_HERE),
    );
    expect(forgotten).toEqual([]);
  });

  test('that is not run is counted, so that no new one hides behind a reason', () => {
    const counted = NOT_RUN.map(row => all.filter(command => concerns(row, command)).length);
    expect(counted).toEqual(NOT_RUN.map(({ count }) => count));
  });

  test('that another test runs is there, and so is the test', () => {
    for (const [page, file] of Object.entries(TESTED_ELSEWHERE)) {
      expect(readFileSync(join(ROOT, file), 'utf8')).toContain(page);
    }
    const instead = NOT_RUN.flatMap(row => row.instead ?? []);
    expect(instead.filter(file => !existsSync(join(ROOT, file)))).toEqual([]);
  });
});
