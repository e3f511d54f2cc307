import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DamageError } from '../../src/store/csv/damage.ts';
import {
  appendLines,
  crc32Of,
  drawn,
  filled,
  forge,
  linesOf,
  loteria,
  offsetOf,
  readFiles,
  ROWS,
  TIME,
  writeFiles,
} from '../store/store-folder.ts';
import { PROGRAM } from '../support/built-program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const SEAL = createHash('sha256').update(ROWS).digest('hex');

describe('loteria journal verify', () => {
  test('prints counts, digest, draw and seal after the draw', async () => {
    expect(await loteria('/', ['journal', 'verify', await drawn()])).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'bets.journal  7 lines',
        `bets.csv      6 bets, ${ROWS.length} bytes`,
        `sha256        ${SEAL}`,
        `draw          held ${TIME}, 6 bets, 3 winners`,
        `seal          ${SEAL}`,
        'everything is as it was written',
        '',
      ].join('\n'),
    });
  });

  test('reports an open draw and unfinished bytes, which are no damage', async () => {
    const folder = await filled();
    const { bets, journal } = readFiles(folder);
    writeFiles(folder, {
      bets: Buffer.concat([bets, Buffer.from('1,Ana')]),
      journal: journal.subarray(0, -2),
    });
    const torn = linesOf(journal).at(-1)!.length - 2;
    expect(await loteria('/', ['journal', 'verify', folder])).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'bets.journal  5 lines',
        `bets.csv      6 bets, ${ROWS.length} bytes`,
        `sha256        ${SEAL}`,
        'draw          not held; finished agencies: 1, 2',
        `unfinished    5 bytes of bets.csv and ${torn} bytes of bets.journal, never acknowledged: the next start cuts them off`,
        'everything is as it was written',
        '',
      ].join('\n'),
    });
    expect(readFiles(folder).bets).toHaveLength(ROWS.length + 5);
  });

  test('reports damage with file, offset and reason only, exit code 1', async () => {
    const folder = await drawn();
    const { bets, journal } = readFiles(folder);
    const line = offsetOf(journal, 3);
    const spoilt = Buffer.from(journal);
    spoilt[line + 20]! ^= 1;
    const cases = [
      [
        { bets, journal: spoilt },
        `bets.journal is damaged at offset ${line}, the checksum of the line does not match`,
      ],
      [
        { bets: bets.subarray(0, 100), journal },
        `bets.csv is damaged at offset 100, the file ends here, the journal vouches for ${JSON.parse(linesOf(journal)[1]!.toString()).end} bytes`,
      ],
      [
        { bets, journal: forge(journal, 7, record => ({ ...record, bets: 7 })) },
        `bets.journal is damaged at offset ${offsetOf(journal, 7)}, a draw over 7 bets, 6 are there`,
      ],
    ] as const;
    for (const [files, message] of cases) {
      writeFiles(folder, files);
      expect(await loteria('/', ['journal', 'verify', folder])).toEqual({
        code: 1,
        stdout: '',
        stderr: `loteria: ${message}; ${DamageError.wayOut}\n`,
      });
    }
  });

  test('takes the folder from argument, DATA_DIR, config.ini or working directory', async () => {
    const root = await temporaryFolder();
    // Distinguished by their number of lines.
    for (const [index, name] of ['argument', 'variable', 'config', '.'].entries()) {
      const folder = join(root, name);
      mkdirSync(folder, { recursive: true });
      const lines = Array.from({ length: index }, (_, agency) => ({ type: 'finished', agency }));
      const begin = { type: 'begin', version: 1, time: TIME };
      writeFiles(folder, {
        bets: Buffer.alloc(0),
        journal: appendLines(Buffer.alloc(0), begin, ...lines),
      });
    }
    const linesSeen = async (args: string[], env: Record<string, string> = {}): Promise<string> => {
      const { stdout, stderr } = await loteria(root, ['journal', 'verify', ...args], env);
      return /(\d+) lines/.exec(stdout)?.[1] ?? stderr;
    };
    expect(await linesSeen([])).toBe('4');
    writeFileSync(join(root, 'config.ini'), '[DEFAULT]\nSERVER_PORT = 12345\nDATA_DIR = config\n');
    expect(await linesSeen([])).toBe('3');
    expect(await linesSeen([], { DATA_DIR: 'variable' })).toBe('2');
    expect(await linesSeen(['argument'], { DATA_DIR: 'variable' })).toBe('1');
  });
});

test.each<[string, readonly string[][]]>([
  [
    'bets.csv',
    [
      ['journal', 'verify'],
      ['draw', 'status'],
    ],
  ],
  [
    'bets.journal',
    [
      ['journal', 'verify'],
      ['journal', 'show'],
      ['agency', 'list'],
    ],
  ],
])('a folder in place of %s is named, exit code 1', async (name, commands) => {
  const folder = await filled();
  rmSync(join(folder, name), { force: true });
  mkdirSync(join(folder, name));
  for (const command of commands) {
    expect(await loteria('/', [...command, folder])).toEqual({
      code: 1,
      stdout: '',
      stderr: `loteria: cannot read ${join(folder, name)}, it is a folder (EISDIR)\n`,
    });
  }
});

describe('loteria journal show', () => {
  test('prints the journal as text', async () => {
    const first = JSON.parse(linesOf(readFiles(await drawn()).journal)[1]!.toString()) as {
      end: number;
    };
    const { code, stdout } = await loteria('/', ['journal', 'show', await drawn()]);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      `     1  begin       ${TIME}, format 2`,
      `     2  group       rows up to ${first.end}, crc32 ${crc32Of(ROWS.subarray(0, first.end))}`,
      '     2              agency 1: 3 bets, 1 batch from batch 1 of upload one',
      `     3  group       rows up to ${ROWS.length}, crc32 ${crc32Of(ROWS.subarray(first.end))}`,
      '     3              agency 2: 2 bets, 1 batch from batch 1 of upload two',
      '     3              agency 2: batch 2 of upload two refused, bet 1, birthdate, not-a-date',
      '     3              agency 1: 1 bets, 1 batch',
      '     4  finished    agency 1, upload one',
      '     5  finished    agency 2',
      `     6  checkpoint  rows up to ${ROWS.length}, sha256 ${SEAL}`,
      `     7  draw        ${TIME}, 6 bets, rows up to ${ROWS.length}, sha256 ${SEAL}`,
      '     7              agency 1: 2 winners, 11 13',
      '     7              agency 2: 1 winners, 21',
      '',
    ]);
  });

  test('prints every line with its offset as JSON', async () => {
    const folder = await drawn();
    const { journal } = readFiles(folder);
    const { code, stdout } = await loteria('/', ['journal', 'show', '--json', folder]);
    expect(code).toBe(0);
    const lines = linesOf(journal).map((line, index) => {
      const { check: _, n, ...record } = JSON.parse(line.toString()) as Record<string, unknown>;
      return { n, offset: offsetOf(journal, index + 1), ...record };
    });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line) as unknown),
    ).toEqual(lines);
  });

  test('prints the lines before the damage, then its place, exit code 1', async () => {
    const folder = await drawn();
    const { journal } = readFiles(folder);
    const offset = offsetOf(journal, 4);
    const spoilt = Buffer.from(journal);
    spoilt[offset] = 0x7c;
    writeFiles(folder, { journal: spoilt });
    const { code, stdout, stderr } = await loteria('/', ['journal', 'show', '--json', folder]);
    expect(code).toBe(1);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(stderr).toBe(
      `loteria: bets.journal is damaged at offset ${offset}, the checksum of the line does not match; ${DamageError.wayOut}\n`,
    );
  });

  test('exits with code 0 when its output pipe is closed', async () => {
    const folder = await temporaryFolder();
    const finished = Array.from({ length: 5000 }, (_, agency) => ({ type: 'finished', agency }));
    const begin = { type: 'begin', version: 1, time: TIME };
    writeFiles(folder, { journal: appendLines(Buffer.alloc(0), begin, ...finished) });
    const script = '{ "$1" "$2" journal show "$3"; echo "exit $?" >&2; } | head -n 1';
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', script, 'sh', process.execPath, PROGRAM, folder],
      {
        encoding: 'utf8',
      },
    );
    expect({ stdout, stderr }).toEqual({
      stdout: `     1  begin       ${TIME}, format 1\n`,
      stderr: 'exit 0\n',
    });
  });
});
