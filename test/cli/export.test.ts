import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { DamageError } from '../../src/store/csv/damage.ts';
import { batchNamed } from '../contract/store-contract.ts';
import {
  betsPath,
  drawIn,
  fillFolder,
  forge,
  journalPath,
  loteria,
  readFiles,
  ROWS,
  type Said,
  TIME,
  writeFiles,
} from '../store/store-folder.ts';
import { PROGRAM } from '../support/built-program.ts';
import { startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const SEAL = createHash('sha256').update(ROWS).digest('hex');
const SUMMARY = `6 bets, ${ROWS.length} bytes, sha256 ${SEAL}`;
const BEFORE = { state: 'complete', bets: 6, bytes: ROWS.length, sha256: SEAL };
const AFTER = {
  ...BEFORE,
  state: 'drawn',
  draw: { time: TIME, bytes: ROWS.length, sha256: SEAL, winners: { 1: 2, 2: 1 } },
};

/** A folder with a filled store in `data`, and the path of its export. */
interface Place {
  readonly folder: string;
  readonly data: string;
  readonly file: string;
}

async function filled(drawn: boolean): Promise<Place> {
  const folder = await temporaryFolder();
  const data = join(folder, 'data');
  mkdirSync(data);
  await fillFolder(data);
  if (drawn) await drawIn(data);
  return { folder, data, file: join(folder, 'out.csv') };
}

function exported({ data, file }: Place, ...args: readonly string[]): Promise<Said> {
  return loteria('/', ['export', file, ...args], { DATA_DIR: data, NUMBER_AGENCIES: '2' });
}

const sealIn = ({ file }: Place): unknown => JSON.parse(readFileSync(`${file}.seal`, 'utf8'));

describe('loteria export', () => {
  test('writes rows and seal before the draw, and changes nothing', async () => {
    const place = await filled(false);
    const before = readFiles(place.data);
    expect(await exported(place)).toEqual({
      code: 0,
      stderr: '',
      stdout: `${SUMMARY}\nthe draw has not been held, every agency has finished\n`,
    });
    expect(readFileSync(place.file)).toEqual(ROWS);
    expect(sealIn(place)).toEqual(BEFORE);
    expect(readFiles(place.data)).toEqual(before);
    expect(readdirSync(place.folder).toSorted()).toEqual(['data', 'out.csv', 'out.csv.seal']);
  });

  test('writes the draw and winner counts after the draw, no documents, for the owner only', async () => {
    const place = await filled(true);
    expect(await exported(place)).toEqual({
      code: 0,
      stderr: '',
      stdout: `${SUMMARY}\nthe draw was held ${TIME}, and this file is what was drawn\n`,
    });
    expect(readFileSync(place.file)).toEqual(ROWS);
    expect(sealIn(place)).toEqual(AFTER);
    for (const path of [place.file, `${place.file}.seal`])
      expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('runs beside a server without the folder lock', async () => {
    const place = await filled(false);
    const { server } = await startServer(place.data, { NUMBER_AGENCIES: '2' });
    await server.logged('sorteo');
    const before = readFiles(place.data);
    expect((await exported(place)).code).toBe(0);
    expect(readFileSync(place.file)).toEqual(ROWS);
    expect(sealIn(place)).toMatchObject({ state: 'drawn', draw: { sha256: SEAL } });
    expect(readFiles(place.data)).toEqual(before);
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test('writes many bets completely and in order', async () => {
    const place = await filled(false);
    const rows = Array.from(
      { length: 60_000 },
      (_, n) => `1,Ana María,de la Cruz,${n},1990-01-01,${n % 10_000}\n`,
    );
    const data = join(place.folder, 'many');
    mkdirSync(data);
    writeFileSync(join(data, 'bets.csv'), rows.join(''));
    // A server adopts them.
    const { server } = await startServer(data, { NUMBER_AGENCIES: '2' });
    const { stdout } = await exported({ ...place, data });
    expect(stdout).toMatch(/^60000 bets, \d{7} bytes, /);
    expect(readFileSync(place.file, 'utf8')).toBe(rows.join(''));
    server.kill('SIGTERM');
    await server.exited;
  });
});

describe('loteria export leaves no file', () => {
  test('when the store is damaged, and names place and reason', async () => {
    const place = await filled(true);
    writeFiles(place.data, { bets: ROWS.subarray(0, -1) });
    expect(await exported(place)).toEqual({
      code: 1,
      stdout: '',
      stderr: `loteria: bets.csv is damaged at offset ${ROWS.length - 1}, the file ends here, the journal vouches for ${ROWS.length} bytes; ${DamageError.wayOut}\n`,
    });
    const changed = Buffer.from(ROWS);
    changed[ROWS.length - 3]! ^= 1;
    writeFiles(place.data, { bets: changed });
    expect(await exported(place)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('does not match') as string,
    });
    expect(readdirSync(place.folder)).toEqual(['data']);
  });

  test('when the output cannot be written', async () => {
    const place = await filled(false);
    const file = join(place.folder, 'missing', 'out.csv');
    const { code, stderr } = await exported({ ...place, file });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^loteria: .*missing\/out\.csv cannot be written, its folder does not exist \(ENOENT\)\n$/,
    );
  });

  test('when the output hits a size limit, and reports no damage', async () => {
    const place = await filled(false);
    const data = join(place.folder, 'many');
    mkdirSync(data);
    const { store } = await CsvStore.open(data);
    for (let batch = 0; batch < 3; batch += 1) await store.append(batchNamed(batch, 30_000));
    await store.close();
    // Simulates a disk that is full after a kilobyte or two.
    const limited = spawnSync(
      'sh',
      ['-c', 'ulimit -f 2; exec "$@"', 'sh', process.execPath, PROGRAM, 'export', place.file],
      {
        env: { DATA_DIR: data },
        encoding: 'utf8',
      },
    );
    expect(limited).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `loteria: cannot use ${place.file}.part, the file would be larger than its limit (EFBIG)\n`,
    });
    expect(readdirSync(place.folder).toSorted()).toEqual(['data', 'many']);
  });

  test('for a store in memory, exit code 2', async () => {
    const place = await filled(false);
    expect(
      await loteria('/', ['export', place.file], { DATA_DIR: place.data, SERVER_STORE: 'memory' }),
    ).toEqual({
      code: 2,
      stdout: '',
      stderr: 'loteria: SERVER_STORE is memory: only the server itself can read it\n',
    });
    expect(readdirSync(place.folder)).toEqual(['data']);
  });
});

describe('loteria export to a file', () => {
  test.each(['out.csv', 'out.csv.seal'])('does not overwrite %s without --force', async name => {
    const place = await filled(true);
    const there = join(place.folder, name);
    writeFileSync(there, 'dear');
    expect(await exported(place)).toEqual({
      code: 1,
      stdout: '',
      stderr: `loteria: ${there} is there already; --force overwrites it\n`,
    });
    expect(readFileSync(there, 'utf8')).toBe('dear');
    expect((await exported(place, '--force')).code).toBe(0);
    expect(readFileSync(place.file)).toEqual(ROWS);
    expect(sealIn(place)).toEqual(AFTER);
  });

  test.each(['out.csv', 'out.csv.seal', 'out.csv.part', 'out.csv.seal.part'])(
    'does not replace %s when it is a folder, and removes nothing',
    async name => {
      const place = await filled(true);
      const folder = join(place.folder, name);
      mkdirSync(folder);
      const others = ['out.csv', 'out.csv.seal', 'out.csv.part'].filter(other => other !== name);
      for (const other of others) writeFileSync(join(place.folder, other), 'dear');
      for (const force of [[], ['--force']]) {
        expect(await exported(place, ...force)).toEqual({
          code: 1,
          stdout: '',
          stderr: `loteria: ${folder} is not a file\n`,
        });
      }
      expect(readdirSync(place.folder).toSorted()).toEqual(['data', name, ...others].toSorted());
      for (const other of others)
        expect(readFileSync(join(place.folder, other), 'utf8')).toBe('dear');
    },
  );

  test.each(['out.csv', 'out.csv.seal'])(
    'does not replace %s when it is a symbolic link',
    async name => {
      const place = await filled(true);
      const link = join(place.folder, name);
      symlinkSync('missing', link);
      expect(await exported(place, '--force')).toMatchObject({
        code: 1,
        stderr: `loteria: ${link} is a symbolic link, which is not followed; name the file itself\n`,
      });
      expect(readdirSync(place.folder).toSorted()).toEqual(['data', name]);
    },
  );

  test('does not overwrite an unfinished export without --force', async () => {
    const place = await filled(true);
    writeFileSync(`${place.file}.part`, 'half');
    expect(await exported(place)).toEqual({
      code: 1,
      stdout: '',
      stderr: `loteria: ${place.file}.part is there already, another export writes it or was interrupted; --force overwrites it\n`,
    });
    expect((await exported(place, '--force')).code).toBe(0);
    expect(readdirSync(place.folder).toSorted()).toEqual(['data', 'out.csv', 'out.csv.seal']);
  });

  test('never overwrites a file of the store, even with --force', async () => {
    const place = await filled(true);
    const before = readFiles(place.data);
    const alias = join(place.folder, 'alias.csv');
    linkSync(betsPath(place.data), alias);
    for (const file of [
      betsPath(place.data),
      journalPath(place.data),
      join(place.data, 'bets.lock'),
      alias,
    ]) {
      expect(await exported({ ...place, file }, '--force')).toEqual({
        code: 1,
        stdout: '',
        stderr: `loteria: ${file} is a file of the store itself\n`,
      });
    }
    expect(readFiles(place.data)).toEqual(before);
  });
});

test('loteria export of rows that differ from the seal fails and keeps the file', async () => {
  const place = await filled(true);
  const other = '0'.repeat(64);
  const { journal } = readFiles(place.data);
  writeFiles(place.data, { journal: forge(journal, 7, record => ({ ...record, sha256: other })) });
  expect(await exported(place)).toEqual({
    code: 1,
    stdout: `${SUMMARY}\nthe draw was held ${TIME}\n`,
    stderr:
      `loteria: ${place.file} is not what was drawn: it has ${ROWS.length} bytes with sha256 ${SEAL}, the seal of the draw says ` +
      `${ROWS.length} bytes with sha256 ${other}; the file was kept for inspection\n`,
  });
  expect(readFileSync(place.file)).toEqual(ROWS);
  expect(sealIn(place)).toMatchObject({ sha256: SEAL, draw: { sha256: other } });
});
