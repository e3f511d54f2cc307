import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import { betWith, rowOf } from '../lottery/bets.ts';
import { forge, linesOf, loteria, readFiles, writeFiles } from '../store/store-folder.ts';
import { AUDITOR_SCRIPT } from '../support/count-again.ts';
import { BETS, closedLottery } from './closed-lottery.ts';

const HAS_PYTHON = spawnSync('python3', ['--version']).status === 0;

const read = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8');
const write = (folder: string, name: string, content: string | Uint8Array): void =>
  writeFileSync(join(folder, name), content);

function edit(folder: string, name: string, change: (text: string) => string): void {
  const before = read(folder, name);
  const after = change(before);
  expect(after).not.toBe(before);
  write(folder, name, after);
}

/** Changes the rows of `bets.csv`, a text each. */
function editRows(folder: string, change: (rows: string[]) => void): void {
  edit(folder, 'bets.csv', text => {
    const rows = text.split(/(?<=\r\n)/);
    change(rows);
    return rows.join('');
  });
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What an auditor is given: everything but the journal. */
async function auditorsCopy(options: Parameters<typeof closedLottery>[0] = {}): Promise<string> {
  const folder = await closedLottery(options);
  rmSync(join(folder, 'bets.journal'));
  return folder;
}

interface Found {
  readonly code: number | null;
  /** The checks that found a difference. */
  readonly differences: readonly string[];
}

async function audit(folder: string, ...args: readonly string[]): Promise<Found> {
  const { code, stdout } = await loteria(folder, ['audit', folder, ...args]);
  return {
    code,
    differences: [...stdout.matchAll(/^(.*\S) +differs /gm)].map(([, what]) => what!),
  };
}

function auditWithPython(folder: string): Found {
  const { status, stdout } = spawnSync('python3', [AUDITOR_SCRIPT, folder], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
  });
  return {
    code: status,
    differences: [...stdout.matchAll(/^DIFIERE {2}(.*?): /gm)].map(([, what]) => what!),
  };
}

function needPython(context: TestContext): void {
  if (!HAS_PYTHON) context.skip('python3, which counts again, is not installed');
}

interface Keys {
  readonly privateKey: KeyObject;
  /** File with the public key. */
  readonly file: string;
}

function makeKeys(folder: string, name = 'auditor.pub'): Keys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const file = join(folder, name);
  writeFileSync(file, publicKey.export({ type: 'spki', format: 'pem' }));
  return { privateKey, file };
}

const signActa = (folder: string, { privateKey }: Keys): void =>
  write(folder, 'acta.sig', sign(null, Buffer.from(read(folder, 'acta.txt')), privateKey));

interface Tampering {
  readonly what: string;
  readonly tamper: (folder: string) => void | Promise<void>;
  /** The checks that find it: those of `loteria audit`, and those of the script. */
  readonly audit: string;
  readonly python: string;
}

const TAMPERINGS: readonly Tampering[] = [
  {
    what: 'a bet that was added',
    tamper: folder => editRows(folder, rows => rows.push(rowOf(betWith({ agency: 2, number: 5 })))),
    audit: 'length of bets.csv, SHA-256 of bets.csv, bets, bets of agency 2',
    python: 'agency 2, bets, bytes, sha256',
  },
  {
    what: 'a bet that was changed',
    tamper: folder => edit(folder, 'bets.csv', text => text.replace(',1\r\n', ',2\r\n')),
    audit: 'SHA-256 of bets.csv, bets of agency 1',
    python: 'agency 1, sha256',
  },
  {
    what: 'a winner that was dropped',
    tamper: folder => editRows(folder, rows => rows.shift()),
    audit:
      'length of bets.csv, SHA-256 of bets.csv, bets, bets of agency 1, winners, winners of agency 1',
    python: 'agency 1, bets, bytes, sha256, agency 1, winners',
  },
  {
    what: 'a bet that was moved to another agency',
    tamper: folder => editRows(folder, rows => (rows[5] = rows[5]!.replace(/^3,/, '2,'))),
    audit: 'SHA-256 of bets.csv, bets of agency 2, bets of agency 3',
    python: 'agency 2, agency 3, sha256',
  },
  {
    what: 'a bet that was moved to an agency which did not take part',
    tamper: folder => editRows(folder, rows => (rows[5] = rows[5]!.replace(/^3,/, '9,'))),
    audit: 'SHA-256 of bets.csv, bets of agency 3, bets of agency 9',
    python: 'agency 3, agency 9, sha256',
  },
  {
    what: 'two bets of two agencies that were exchanged',
    tamper: folder => editRows(folder, rows => ([rows[2], rows[3]] = [rows[3]!, rows[2]!])),
    audit: 'SHA-256 of bets.csv',
    python: 'sha256',
  },
  {
    what: 'two winners of an agency that were exchanged',
    tamper: folder => editRows(folder, rows => ([rows[0], rows[2]] = [rows[2]!, rows[0]!])),
    audit: 'SHA-256 of bets.csv, bets of agency 1, winners of agency 1',
    python: 'agency 1, sha256, agency 1',
  },
  {
    what: 'a row that is no bet',
    tamper: folder => edit(folder, 'bets.csv', text => text.replace('1999-03-17', '1999-02-30')),
    audit: 'rows of bets.csv, SHA-256 of bets.csv',
    python: 'fila 1 de bets.csv, agency 1, bets, sha256, agency 1, winners',
  },
  {
    what: 'a last row that has lost its line end',
    tamper: folder => edit(folder, 'bets.csv', text => text.trimEnd()),
    audit: 'length of bets.csv, SHA-256 of bets.csv, bets of agency 3',
    python: 'agency 3, bytes, sha256',
  },
  {
    what: 'a file of bytes without line ends',
    tamper: folder => write(folder, 'bets.csv', Buffer.alloc(2 * 1024 * 1024, 0x78)),
    audit: 'rows of bets.csv, length of bets.csv, SHA-256 of bets.csv',
    python:
      'fila 1 de bets.csv, agency 1, agency 2, agency 3, bets, bytes, sha256, agency 1, agency 2, winners',
  },
  {
    what: 'an empty file in place of the bets',
    tamper: folder => write(folder, 'bets.csv', ''),
    audit:
      'length of bets.csv, SHA-256 of bets.csv, bets, bets of agency 1, bets of agency 2, bets of agency 3, winners, winners of agency 1, winners of agency 2',
    python: 'agency 1, agency 2, agency 3, bets, bytes, sha256, agency 1, agency 2, winners',
  },
  {
    what: 'an acta of another lottery with the same bets',
    tamper: async folder => {
      const other = await closedLottery({ begun: '2024-08-22T10:00:00.000Z' });
      copyFileSync(join(other, 'acta.txt'), join(folder, 'acta.txt'));
    },
    audit: 'lottery of the draw, SHA-256 of acta.txt',
    python: 'acta-sha256, lottery',
  },
  {
    what: 'an acta that another one has replaced',
    tamper: folder => edit(folder, 'acta.txt', text => text.replace('acta: 1', 'acta: 2')),
    audit: 'acta of the draw, SHA-256 of acta.txt',
    python: 'acta, acta-sha256',
  },
  {
    what: 'a draw over other bets',
    tamper: async folder => {
      const [first, ...rest] = BETS;
      const other = await closedLottery({
        bets: [[...first!, betWith({ document: '99' })], ...rest],
      });
      copyFileSync(join(other, 'acta-sorteo.txt'), join(folder, 'acta-sorteo.txt'));
    },
    audit: 'SHA-256 of acta.txt, winners, winners of agency 1',
    python: 'acta-sha256, agency 1, winners',
  },
  {
    what: 'a winner that the draw leaves out',
    tamper: folder =>
      edit(folder, 'acta-sorteo.txt', text =>
        text
          .replace('winners: 3', 'winners: 2')
          .replace(/agency 1: .*/, `agency 1: winners 1 sha256 ${sha256('11\n')}`),
      ),
    audit: 'winners, winners of agency 1',
    python: 'agency 1, winners',
  },
  {
    what: 'a winner that the draw replaces',
    tamper: folder =>
      edit(folder, 'acta-sorteo.txt', text =>
        text.replace(/agency 2: .*/, `agency 2: winners 1 sha256 ${sha256('21\n')}`),
      ),
    audit: 'winners of agency 2',
    python: 'agency 2',
  },
  {
    what: 'an agency that the draw leaves out',
    tamper: folder => edit(folder, 'acta-sorteo.txt', text => text.replace(/agency 3: .*\n/, '')),
    audit: 'winners of agency 3',
    python: 'agency 3',
  },
  {
    what: 'another winning number',
    tamper: folder =>
      edit(folder, 'acta-sorteo.txt', text => text.replace('number: 7574', 'number: 3')),
    audit: 'winning number',
    python: 'number',
  },
  {
    what: 'an agency that stands twice in the acta',
    tamper: folder =>
      edit(folder, 'acta.txt', text =>
        text.replace(/(agency 4: .*\n)/, '$1agency 4: bets 0 sha256 00\n'),
      ),
    audit: 'acta.txt',
    python: 'claves distintas de acta.txt, agency 4, acta-sha256',
  },
];

describe('loteria audit', () => {
  test('finds no difference in the folder of a server', async () => {
    const folder = await closedLottery();
    const { code, stdout, stderr } = await loteria('/', ['audit', folder]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^rows of bets.csv +ok +7, each a valid bet$/m);
    expect(stdout).toMatch(/^winners of agency 1 +ok +2 winners sha256 [0-9a-f]{64}$/m);
    expect(stdout).toMatch(/^acta-sorteo.txt in the journal +ok /m);
    expect(stdout).toMatch(/\nno differences\n$/);
  });

  test('needs only the bets and the acta, and says what it has not checked', async () => {
    const folder = await auditorsCopy({ drawn: false });
    const { code, stdout } = await loteria('/', ['audit', folder]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^acta-sorteo.txt +not checked +there is none, the draw has not been held$/m,
    );
    expect(stdout).toMatch(/^signature +not checked +there is none$/m);
    expect(stdout).toMatch(/^bets.journal +not checked +there is none$/m);
  });

  test('reads DATA_DIR when no folder is given, and the files that are named', async () => {
    const folder = await auditorsCopy();
    const elsewhere = join(folder, 'acta-of-the-paper.txt');
    writeFileSync(elsewhere, read(folder, 'acta.txt'));
    rmSync(join(folder, 'acta.txt'));
    const { code, stdout } = await loteria('/', ['audit', '--acta', elsewhere], {
      DATA_DIR: folder,
    });
    expect({ code, end: stdout.split('\n').at(-2) }).toEqual({ code: 0, end: 'no differences' });
  });

  test.each(TAMPERINGS)('and docs/auditoria.py find $what', async ({ tamper, ...expected }) => {
    const folder = await auditorsCopy();
    await tamper(folder);
    expect(await audit(folder)).toEqual({ code: 1, differences: expected.audit.split(', ') });
    if (!HAS_PYTHON) return;
    expect(auditWithPython(folder)).toEqual({ code: 1, differences: expected.python.split(', ') });
  });
});

describe('docs/auditoria.py', () => {
  test('finds no difference where there is none, before and after the draw', async context => {
    needPython(context);
    expect(auditWithPython(await auditorsCopy())).toEqual({ code: 0, differences: [] });
    expect(auditWithPython(await auditorsCopy({ drawn: false }))).toEqual({
      code: 0,
      differences: [],
    });
  });

  test('ends with 2 where a file is missing', async context => {
    needPython(context);
    const folder = await auditorsCopy();
    rmSync(join(folder, 'acta.txt'));
    expect(auditWithPython(folder)).toEqual({ code: 2, differences: [] });
  });

  test('has at most 80 lines and imports nothing but the standard library', () => {
    const lines = readFileSync(AUDITOR_SCRIPT, 'utf8').split('\n');
    expect(lines.length - 1).toBeLessThanOrEqual(80);
    const imported = lines.flatMap(line => /^(?:import|from) (\w+)/.exec(line)?.[1] ?? []);
    expect(imported).toEqual(['csv', 'sys', 'collections', 'datetime', 'hashlib', 'pathlib']);
  });
});

describe('the signature', () => {
  test('is verified with the key, and not checked without it', async () => {
    const folder = await auditorsCopy();
    const keys = makeKeys(folder);
    signActa(folder, keys);
    const { code, stdout } = await loteria('/', ['audit', folder, '--key', keys.file]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^signature +ok +by the key [0-9a-f]{64}$/m);
    const without = await loteria('/', ['audit', folder]);
    expect(without.code).toBe(0);
    expect(without.stdout).toMatch(
      /^signature +not checked +there is one, --key FILE names the key/m,
    );
  });

  test.each<[what: string, spoil: (folder: string, keys: Keys) => void]>([
    ['is missing', () => {}],
    ['is of another key', folder => signActa(folder, makeKeys(folder, 'other.pub'))],
    ['has another length', folder => write(folder, 'acta.sig', 'signed')],
    [
      'is of another text',
      (folder, keys) => {
        signActa(folder, keys);
        edit(folder, 'acta.txt', text => text.replace('T23:00', 'T22:59'));
      },
    ],
  ])('is a difference when it %s', async (_, spoil) => {
    const folder = await auditorsCopy({ drawn: false });
    const keys = makeKeys(folder);
    spoil(folder, keys);
    expect(await audit(folder, '--key', keys.file)).toEqual({
      code: 1,
      differences: ['signature'],
    });
  });
});

describe('the journal', () => {
  test('tells files that agree with each other but are of other bets', async () => {
    const folder = await closedLottery();
    const other = await closedLottery({ bets: BETS.slice(1) });
    for (const name of ['bets.csv', 'acta.txt', 'acta-sorteo.txt'])
      copyFileSync(join(other, name), join(folder, name));
    expect(await audit(folder)).toEqual({ code: 1, differences: ['bets.journal'] });
  });

  test('tells an acta that was changed together with the draw', async () => {
    const folder = await closedLottery();
    edit(folder, 'acta.txt', text => text.replace('T23:00', 'T22:59'));
    edit(folder, 'acta-sorteo.txt', text =>
      text.replace(/(?<=acta-sha256: ).*/, sha256(read(folder, 'acta.txt'))),
    );
    expect(await audit(folder)).toEqual({
      code: 1,
      differences: ['acta.txt in the journal', 'acta-sorteo.txt in the journal'],
    });
  });

  test('tells a draw that was removed', async () => {
    const folder = await closedLottery();
    rmSync(join(folder, 'acta-sorteo.txt'));
    expect(await audit(folder)).toEqual({
      code: 1,
      differences: ['acta-sorteo.txt in the journal'],
    });
  });

  test('with an acta of other bets is found by loteria journal verify, with the first difference', async () => {
    const folder = await closedLottery();
    const { journal } = readFiles(folder);
    const close = linesOf(journal).findIndex(line => line.includes('"type":"close"')) + 1;
    const forged = forge(journal, close, record => ({
      ...record,
      text: String(record['text']).replace(/(?<=agency 2: bets 2 sha256 ).*/, '0'.repeat(64)),
    }));
    writeFiles(folder, { journal: forged });
    const { code, stderr } = await loteria('/', ['journal', 'verify', folder]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^loteria: acta 1 in bets.journal is not of these bets, bets of agency 2: expected 2 bets sha256 0{64}, found 2 bets sha256 /,
    );
  });
});

describe('wrong usage', () => {
  test.each([
    ['bets.csv', 'bets.csv is missing'],
    ['acta.txt', 'it is written when the lottery closes'],
  ])('a folder without %s ends with 2', async (name, why) => {
    const folder = await auditorsCopy();
    rmSync(join(folder, name));
    const { code, stdout, stderr } = await loteria('/', ['audit', folder]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(why);
  });

  test.each([
    [['--key', 'none.pub'], '--key: none.pub cannot be read as a public key in PEM (ENOENT)'],
    [['--key', 'acta.txt'], '--key: acta.txt cannot be read as a public key in PEM'],
    [['--acta', 'none.txt'], 'there is no none.txt'],
    [['--signature', 'none.sig'], 'there is no none.sig'],
    [['--sig'], "unknown option '--sig'"],
  ])('%j ends with 2 and says what is wrong', async (args, fault) => {
    const folder = await auditorsCopy();
    const { code, stdout, stderr } = await loteria(folder, ['audit', '.', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(fault);
  });
});
