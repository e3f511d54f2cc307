import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import { COURSE_DATA, needCourseData, ROWS } from '../support/course-data.ts';
import { blocksOf } from '../support/document-commands.ts';
import { projectAfter } from '../support/project-folder.ts';

/** The blocks of commands of a page, in order. */
const commandsOf = (page: string): string[] => blocksOf(page).map(({ text }) => text);

function needTools(context: TestContext): void {
  for (const [tool, ...args] of [
    ['bash', '--version'],
    ['python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 9))'],
    ['openssl', 'pkeyutl', '-help'],
    ['sha256sum', '--version'],
  ] as const) {
    const { status, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
    if (status !== 0) context.skip(`${tool}, which the page uses, is not installed or too old`);
    // OpenSSL before 3.0 does not sign with Ed25519.
    if (tool === 'openssl' && !stderr.includes('-rawin')) context.skip('openssl is older than 3.0');
  }
}

interface Block {
  readonly commands: string;
  readonly output: string;
}

/** Runs the blocks of a page in one shell, which ends at the first error. */
function runPage(page: string, cwd: string): Block[] {
  const blocks = commandsOf(page);
  const end = '-- end of the block';
  const script = ['set -euo pipefail', ...blocks.map(commands => `${commands}echo '${end}'`)].join(
    '\n',
  );
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
  });
  expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
  return stdout
    .split(`${end}\n`)
    .slice(0, -1)
    .map((output, index) => ({ commands: blocks[index]!, output }));
}

/** Output of the first block with a command. */
const outputOf = (blocks: readonly Block[], command: string): string =>
  blocks.find(({ commands }) => commands.includes(command))!.output;

const digestsIn = (text: string): string[] => text.match(/\b[0-9a-f]{64}\b/g) ?? [];

function expectAllVerified(blocks: readonly Block[], project: string): void {
  const acta = readFileSync(join(project, 'data/acta.txt'), 'utf8');
  const agency = /^agency 3: bets \d+ sha256 (\S+)$/m.exec(acta)![1]!;
  // The standard tools compute the same digests as the acta.
  expect(digestsIn(outputOf(blocks, 'sha256sum copy/bets.csv'))).toEqual([
    /^sha256: (\S+)$/m.exec(acta)![1],
    agency,
  ]);
  expect(outputOf(blocks, 'loteria acta check')).toContain(agency);
  const [own, listed] = digestsIn(outputOf(blocks, 'sha256sum winners-3.txt'));
  expect(own).toBe(listed);
  const [fingerprint] = digestsIn(outputOf(blocks, 'openssl genpkey'));
  expect(outputOf(blocks, 'loteria audit data')).toContain(`by the key ${fingerprint}\n`);
  expect(outputOf(blocks, 'loteria audit data')).toMatch(/^acta-sorteo.txt in the journal +ok/m);
  expect(outputOf(blocks, 'loteria audit copy')).toMatch(/diferencias: 0\n[^]*\nno differences\n$/);
  const sorteo = readFileSync(join(project, 'data/acta-sorteo.txt'), 'utf8');
  expect(digestsIn(outputOf(blocks, 'pkeyutl -verify'))).toEqual([
    /^acta-sha256: (\S+)$/m.exec(sorteo)![1],
  ]);
  expect(outputOf(blocks, 'pkeyutl -verify')).toContain('Signature Verified Successfully');
}

describe('docs/AUDIT.md', () => {
  test('has commands that work as written', async context => {
    needTools(context);
    const project = await projectAfter('--agencies', '3', '--bets', '30000', '--seed', '7574');
    expectAllVerified(runPage('docs/AUDIT.md', project), project);
  });

  test("has commands that verify a lottery with the course's data", async context => {
    needTools(context);
    needCourseData(context);
    const project = await projectAfter('--data', COURSE_DATA);
    const blocks = runPage('docs/AUDIT.md', project);
    expectAllVerified(blocks, project);
    expect(outputOf(blocks, 'loteria audit data')).toMatch(
      new RegExp(`^rows of bets.csv +ok +${ROWS}, each a valid bet$`, 'm'),
    );
  });

  test('has the same commands as its Spanish translation', () => {
    expect(commandsOf('docs/es/AUDITORIA.md')).toEqual(commandsOf('docs/AUDIT.md'));
    expect(commandsOf('docs/AUDIT.md').length).toBeGreaterThan(0);
  });
});
