import { execFileSync } from 'node:child_process';
import {
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkWinnersFile } from '../../src/cli/winners-file.ts';
import { pipeFile } from '../agency/pipe-file.ts';
import { FakeCentral } from '../support/fake-central.ts';
import { freePort } from '../support/free-port.ts';
import { type Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const DONE = { code: 0, signal: null };
const FAILED = { code: 1, signal: null };
const WRONG_USAGE = { code: 2, signal: null };

const GOOD = 'Ana,Pérez,11,1990-01-02,7574\n';

/** A user without any permissions. */
const NOBODY = 65_534;

type Environment = Record<string, string>;

async function folderWith(content: string): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'agency.csv'), content);
  return folder;
}

/** A client of an unprivileged user. */
async function startOrdinaryUser(folder: string, port: number, env: Environment): Promise<Program> {
  if (process.getuid!() !== 0) return startClient(folder, 1, port, env);
  await chown(folder, NOBODY, NOBODY);
  const through = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  return startClient(folder, 1, port, env, through);
}

describe('winners.file', () => {
  test.each([
    ['in a missing folder', 'nowhere/winners.txt', 'its folder does not exist (ENOENT)'],
    ['that is a folder', '.', 'it is a folder; move it away, or name another winners.file'],
    ['below a file', 'agency.csv/winners.txt', 'a file stands where a folder is needed (ENOTDIR)'],
    ['with a name that is too long', 'w'.repeat(300), 'its name is too long (ENAMETOOLONG)'],
    ['that ends with a slash', 'winners/', 'its folder does not exist (ENOENT)'],
  ])('%s is rejected with exit code 2 before anything is sent', async (_, path, reason) => {
    const central = await FakeCentral.listen();
    const client = startClient(await folderWith(GOOD), 1, central.port, { CLI_WINNERS_FILE: path });
    expect(await client.exited).toEqual(WRONG_USAGE);
    expect(client.stderr).toBe(
      `loteria: winners.file is '${path}', which cannot be written, ${reason}\n`,
    );
    expect(central.conversations).toEqual([]);
  });

  test.each([
    ['a symbolic link', 'link', 'is a symbolic link, which is not followed; name the file itself'],
    [
      'a file with other content',
      'letter.txt',
      'has other content than documents of winners; move it away',
    ],
  ])('is neither followed nor overwritten when it is %s', async (_, path, why) => {
    const central = await FakeCentral.listen();
    const folder = await folderWith(GOOD);
    await symlink('target', join(folder, 'link'));
    await writeFile(join(folder, 'letter.txt'), GOOD);
    const client = startClient(folder, 1, central.port, { CLI_WINNERS_FILE: path });
    expect(await client.exited).toEqual(WRONG_USAGE);
    expect(client.stderr).toBe(
      `loteria: winners.file is '${path}', which cannot be written, ${path} ${why}\n`,
    );
    expect(await readFile(join(folder, 'letter.txt'), 'utf8')).toBe(GOOD);
    expect(central.conversations).toEqual([]);
  });
});

test.each([
  ['a crash has cut its last line', '22\n1'],
  ['it has a million lines', '30904465\n'.repeat(1_000_000)],
  ['its lines end in CR LF', '22\r\n'],
])('winners.file is written over when %s', async (_, content) => {
  const folder = await folderWith(GOOD);
  const { port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
  await writeFile(join(folder, 'winners.txt'), content);
  const client = startClient(folder, 1, port, { CLI_WINNERS_FILE: 'winners.txt' });
  expect(await client.exited).toEqual(DONE);
  expect(await readFile(join(folder, 'winners.txt'), 'utf8')).toBe('11\n');
});

test.each(['x', '\n', '11\n\n', '11\nx\n', '11\r', '12345678901', `${'1\n'.repeat(1_000_000)}x`])(
  'winners.file is not writable when it has other content (case %#)',
  async content => {
    const path = join(await temporaryFolder(), 'winners.txt');
    await writeFile(path, content);
    const checked = checkWinnersFile(path, { file: 'agency.csv', protocol: 'base' });
    await expect(checked).rejects.toThrow('has other content than documents');
  },
);

describe('the acta beside winners.file', () => {
  /** A client whose `winners.txt.acta` is refused before it connects. */
  async function refused(env: Environment, prepare: (folder: string) => Promise<unknown>) {
    const folder = await folderWith(GOOD);
    await prepare(folder);
    const before = await readdir(folder);
    const central = await FakeCentral.listen();
    const client = startClient(folder, 1, central.port, {
      CLI_WINNERS_FILE: 'winners.txt',
      ...env,
    });
    expect(await client.exited).toEqual(WRONG_USAGE);
    expect(central.conversations).toEqual([]);
    expect(await readdir(folder)).toEqual(before);
    return { folder, stderr: client.stderr };
  }

  test.each<[string, string, (path: string) => Promise<unknown>]>([
    [
      'a file with other content',
      'winners.txt.acta has other content than an acta de cierre; move it away',
      path => writeFile(path, 'loteria-acta 2\n'),
    ],
    ['a folder', 'it is a folder; move it away, or name another winners.file', path => mkdir(path)],
    ['a pipe', 'it is no regular file; move it away', async path => execFileSync('mkfifo', [path])],
    [
      'a symbolic link',
      'winners.txt.acta is a symbolic link, which is not followed; name the file itself',
      path => symlink('agency.csv', path),
    ],
  ])('is refused with exit code 2 when it is %s', async (_, why, make) => {
    const { stderr } = await refused({}, folder => make(join(folder, 'winners.txt.acta')));
    expect(stderr).toBe(
      `loteria: the acta of winners.file is 'winners.txt.acta', which cannot be written, ${why}\n`,
    );
  });

  test.each([
    ['bets', 'agency5', 'agency5.acta', GOOD],
    ['no bets', 'agency5', 'agency5.acta', ''],
    ['lines to skip', 'REJECTED-w', 'w.acta', `x\n${GOOD}`],
  ])('is not the file of this client with %s', async (_, winners, file, content) => {
    const env = {
      CLI_FILE_NAME: file,
      CLI_FILE_INVALID: 'skip',
      CLI_FILE_ALLOWEMPTY: 'true',
      CLI_WINNERS_FILE: winners,
    };
    const { folder, stderr } = await refused(env, at => writeFile(join(at, file), content));
    expect(stderr).toBe(
      `loteria: the acta of winners.file is '${winners}.acta', which cannot be written, it is for bets or skipped lines; name another winners.file\n`,
    );
    expect(await readFile(join(folder, file), 'utf8')).toBe(content);
  });

  test.each(['', 'loteria-', 'loteria-acta 1\nlottery: x\n'])(
    'is written over when a crash has left a part of it (%j)',
    async part => {
      const folder = await folderWith(GOOD);
      await writeFile(join(folder, 'winners.txt.acta'), part);
      const { port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
      const client = startClient(folder, 1, port, { CLI_WINNERS_FILE: 'winners.txt' });
      expect(await client.exited).toEqual(DONE);
      const acta = await readFile(join(folder, 'acta.txt'), 'utf8');
      expect(await readFile(join(folder, 'winners.txt.acta'), 'utf8')).toBe(acta);
    },
  );

  test('is not written when winners.file is a device or a pipe', async () => {
    const folder = await folderWith(GOOD);
    const { port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', ['--mode=666', pipe]);
    const reader = await open(pipe, 'r+');
    for (const CLI_WINNERS_FILE of ['/dev/null', 'pipe']) {
      const client = await startOrdinaryUser(folder, port, { CLI_WINNERS_FILE });
      expect(await client.exited).toEqual(DONE);
      expect(client.linesOf('consulta_ganadores', 'success')).toHaveLength(1);
      await expect(stat(`${CLI_WINNERS_FILE}.acta`)).rejects.toThrow('ENOENT');
      await expect(stat(`${pipe}.acta`)).rejects.toThrow('ENOENT');
    }
    const { buffer, bytesRead } = await reader.read();
    await reader.close();
    expect(buffer.toString('utf8', 0, bytesRead)).toBe('11\n');
  });
});

describe('the REJECTED file', () => {
  const SKIP = { CLI_FILE_INVALID: 'skip' };

  test('with other content is not overwritten', async () => {
    const folder = await folderWith(`x\n${GOOD}`);
    await writeFile(join(folder, 'REJECTED-agency.csv'), 'corrected by hand\n');
    const central = await FakeCentral.listen();
    const client = startClient(folder, 1, central.port, SKIP);
    expect(await client.exited).toEqual(FAILED);
    expect(central.conversations).toEqual([]);
    expect(await readFile(join(folder, 'REJECTED-agency.csv'), 'utf8')).toBe('corrected by hand\n');
  });

  test.each(['a file of another user', 'a folder', 'a pipe', 'a dangling link'])(
    'replaces nothing that has its name (%s)',
    async what => {
      const folder = await folderWith(`x\n${GOOD}`);
      const rejected = join(folder, 'REJECTED-agency.csv');
      if (what === 'a file of another user') await writeFile(rejected, 'theirs\n', { mode: 0 });
      else if (what === 'a folder') await mkdir(rejected);
      else if (what === 'a pipe') execFileSync('mkfifo', [rejected]);
      else await symlink('nothing', rejected);
      const before = await lstat(rejected);
      const central = await FakeCentral.listen();
      const client = await startOrdinaryUser(folder, central.port, SKIP);
      const isUnusable = what === 'a file of another user' || what === 'a folder';
      expect(await client.exited).toEqual(isUnusable ? WRONG_USAGE : FAILED);
      expect(client.lines.at(-1)!.details['error']).toMatch(
        /^(?:cannot write )?REJECTED-agency\.csv.*; move it away/,
      );
      expect(client.linesOf('skip_lines')).toEqual([]);
      expect(central.conversations).toEqual([]);
      const { ino, size } = await lstat(rejected);
      expect([ino, size]).toEqual([before.ino, before.size]);
      expect((await readdir(folder)).toSorted()).toEqual(['REJECTED-agency.csv', 'agency.csv']);
    },
  );

  test('of a pipe is refused before the upload if it cannot be written', async () => {
    const folder = await temporaryFolder();
    await pipeFile(folder);
    await mkdir(join(folder, 'REJECTED-agency.csv'));
    const central = await FakeCentral.listen();
    const client = startClient(folder, 1, central.port, SKIP);
    expect(await client.exited).toEqual(WRONG_USAGE);
    expect(central.conversations).toEqual([]);
  });

  test('of several agencies in one folder has the lines of one of them', async () => {
    const folder = await temporaryFolder();
    const port = await freePort();
    const clients = [];
    for (const agency of [1, 2, 3, 4, 5]) {
      await mkdir(join(folder, String(agency)));
      const file = `${agency}/agency.csv`;
      await writeFile(join(folder, file), `agency ${agency}\n${GOOD}`);
      const env = { ...SKIP, CLI_FILE_NAME: file, CLI_RETRY_MAXELAPSED: '1ms' };
      clients.push(startClient(folder, agency, port, env));
    }
    for (const client of clients) expect(await client.exited).toEqual(FAILED);
    const kept = clients.findIndex(client => client.linesOf('skip_lines').length > 0);
    expect(await readFile(join(folder, 'REJECTED-agency.csv'), 'utf8')).toBe(
      `agency ${kept + 1}\n`,
    );
    expect(clients.flatMap(client => client.linesOf('skip_lines'))).toHaveLength(1);
  });
});
