import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Pages with commands for the reader, relative to the root. */
export const PAGES: readonly string[] = [
  'README.md',
  'README.es.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`)
    .toSorted(),
];

/** A block of commands, or one of them, possibly of several lines. */
export interface DocumentCommands {
  readonly page: string;
  /** The preceding heading of level 2. */
  readonly chapter: string;
  /** The preceding heading of any level. */
  readonly section: string;
  readonly text: string;
}

/** The blocks of commands of a page, in order. */
export function blocksOf(page: string): DocumentCommands[] {
  const source = readFileSync(join(ROOT, page), 'utf8');
  const blocks: DocumentCommands[] = [];
  let [chapter, section] = ['', ''];
  const parts = source.matchAll(
    /^```(?<language>.*)\n(?<text>[^]*?)^```$|^(?<level>#+) (?<title>.*)$/gm,
  );
  for (const { groups } of parts) {
    const { language, text, level, title } = groups!;
    if (title !== undefined) {
      section = title;
      if (level!.length < 3) chapter = title;
    } else if (language === 'sh' && !text!.startsWith('#!')) {
      blocks.push({ page, chapter, section, text: text! });
    }
  }
  return blocks;
}

/** The commands of a page, in order, without trailing comments. */
export function commandsOf(page: string): DocumentCommands[] {
  return blocksOf(page).flatMap(block => {
    const commands: DocumentCommands[] = [];
    let text = '';
    for (const line of block.text.trim().split('\n')) {
      text += `\n${line}`;
      if (!isComplete(text)) continue;
      commands.push({ ...block, text: text.replaceAll(/ +# .*$/gm, '').trim() });
      text = '';
    }
    if (text !== '') throw new Error(`${page} has a command without an end: ${text}`);
    return commands.filter(command => command.text !== '');
  });
}

/** Whether it is a complete command for a shell. */
function isComplete(text: string): boolean {
  if (text.endsWith('\\')) return false;
  const { status, stderr } = spawnSync('bash', ['-n', '-c', text], { encoding: 'utf8' });
  return status === 0 && stderr === '';
}

/** Whether `test/docker` runs the command. */
export const needsContainers = ({ text }: DocumentCommands): boolean =>
  /^(?:make (?:-s )?docker-compose|docker |\.\/generar-compose\.sh |\.\/validar-)/.test(text);

/** Pages whose container commands `test/docker` runs. Other pages repeat them. */
export const CONTAINER_PAGES = ['README.md', 'docs/EXERCISES.md', 'docs/OPERATIONS.md'];

/** Pages with a test of their own, which runs every command. */
export const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  'docs/AUDIT.md': 'test/audit/audit-page.test.ts',
  'docs/es/AUDITORIA.md': 'test/audit/audit-page.test.ts',
};

/** Commands of a section that no test runs verbatim. */
export interface NotRun {
  readonly page: string;
  readonly section: string;
  /** The matching commands; default: all. */
  readonly those?: RegExp;
  /** Their number. */
  readonly count: number;
  readonly why: string;
  /** The test of what they do. */
  readonly instead?: string;
}

const PROJECT = 'it installs the project, or runs every test, this one too';
const NODES = 'it needs root, the packages of Debian, and minutes of failovers between three nodes';
const CLUSTER = 'it needs ten containers and minutes';
const COURSE = "it needs the course's repository, and an engine on which nothing else runs";
const SERVICE = 'it changes the system as root, under systemd';
const CAPTURE = 'it captures until Ctrl-C, with the right to do so';

const operations = (section: string, count: number): NotRun => ({
  page: 'docs/OPERATIONS.md',
  section,
  count,
  why: NODES,
  instead: 'test/cluster/killed.test.ts',
});

export const NOT_RUN: readonly NotRun[] = [
  { page: 'README.md', section: 'Lotería Nacional', count: 2, why: PROJECT },
  { page: 'README.es.md', section: 'Lotería Nacional', count: 2, why: PROJECT },
  {
    page: 'docs/EXERCISES.md',
    section: 'More than one server',
    count: 6,
    why: CLUSTER,
    instead: 'test/docker/cluster.test.ts',
  },
  { page: 'docs/EXERCISES.md', section: "The course's own tests", count: 13, why: COURSE },
  {
    page: 'docs/es/EJERCICIOS.md',
    section: 'Las ramas y las pruebas de la cátedra',
    count: 8,
    why: COURSE,
  },
  operations('Operations', 1),
  operations('One machine', 9),
  operations('Three machines', 17),
  {
    page: 'docs/OPERATIONS.md',
    section: 'With compose',
    count: 3,
    why: CLUSTER,
    instead: 'test/docker/cluster.test.ts',
  },
  {
    page: 'docs/OPERATIONS.md',
    section: 'A server as a service',
    count: 12,
    why: SERVICE,
    instead: 'test/deploy/systemd.test.ts',
  },
  operations('What an acknowledgement is worth', 1),
  operations('Monitoring', 2),
  operations('By itself', 6),
  operations('By hand', 1),
  operations('Backup and restore', 5),
  operations('To a point in time, beside the running nodes', 5),
  operations('As the new state of all nodes', 6),
  operations('The bets as a file', 4),
  operations('A node has lost its disk', 7),
  operations('Two nodes at once', 6),
  operations('Privileges', 1),
  operations('Another lottery', 1),
  operations('Upgrade', 7),
  {
    page: 'docs/OPERATIONS.md',
    section: 'With containers',
    those: /^docker exec server1 /,
    count: 2,
    why: CLUSTER,
    instead: 'test/store/postgres/by-hand.test.ts',
  },
  {
    page: 'docs/wireshark/README.md',
    section: 'Look',
    count: 2,
    why: CAPTURE,
    instead: 'test/deploy/wireshark.test.ts',
  },
  {
    page: 'docs/es/WIRESHARK.md',
    section: 'Captura',
    count: 2,
    why: CAPTURE,
    instead: 'test/deploy/wireshark.test.ts',
  },
];

/** Whether the row matches a command. */
export const concerns = (row: NotRun, { page, section, text }: DocumentCommands): boolean =>
  row.page === page && row.section === section && (row.those?.test(text) ?? true);

/** The commands of a page that a test can run verbatim. */
export const runnableOf = (page: string): DocumentCommands[] =>
  commandsOf(page).filter(command => !NOT_RUN.some(row => concerns(row, command)));
