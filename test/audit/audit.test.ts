import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { needsPython } from '../lottery/python.ts';
import { forge, linesOf, loteria, readFiles, sha256, writeFiles } from '../store/store-folder.ts';
import { AUDITOR_SCRIPT } from '../support/count-again.ts';
import { audit, auditorsCopy, auditWithPython, edit, read, write } from './auditors.ts';
import { BETS, closedLottery } from './closed-lottery.ts';

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

  test('needs only bets and acta, and lists what it has not checked', async () => {
    const folder = await auditorsCopy({ drawn: false });
    const { code, stdout } = await loteria('/', ['audit', folder]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^acta-sorteo.txt +not checked +there is none, the draw has not been held$/m,
    );
    expect(stdout).toMatch(/^signature +not checked +there is none$/m);
    expect(stdout).toMatch(/^bets.journal +not checked +there is none$/m);
  });

  test('reads DATA_DIR without a folder argument, and the file of --acta', async () => {
    const folder = await auditorsCopy();
    const elsewhere = join(folder, 'acta-of-the-paper.txt');
    writeFileSync(elsewhere, read(folder, 'acta.txt'));
    rmSync(join(folder, 'acta.txt'));
    const { code, stdout } = await loteria('/', ['audit', '--acta', elsewhere], {
      DATA_DIR: folder,
    });
    expect({ code, end: stdout.split('\n').at(-2) }).toEqual({ code: 0, end: 'no differences' });
  });
});

describe('docs/auditoria.py', () => {
  test('finds no difference in intact folders before and after the draw', async context => {
    needsPython(context);
    expect(auditWithPython(await auditorsCopy())).toEqual({ code: 0, differences: [] });
    expect(auditWithPython(await auditorsCopy({ drawn: false }))).toEqual({
      code: 0,
      differences: [],
    });
  });

  test('exits with code 2 when a file is missing', async context => {
    needsPython(context);
    const folder = await auditorsCopy();
    rmSync(join(folder, 'acta.txt'));
    expect(auditWithPython(folder)).toEqual({ code: 2, differences: [] });
  });

  test('has at most 80 lines and imports only the standard library', () => {
    const lines = readFileSync(AUDITOR_SCRIPT, 'utf8').split('\n');
    expect(lines.length - 1).toBeLessThanOrEqual(80);
    const imported = lines.flatMap(line => /^(?:import|from) (\w+)/.exec(line)?.[1] ?? []);
    expect(imported).toEqual(['csv', 'sys', 'collections', 'datetime', 'hashlib', 'pathlib']);
  });
});

describe('the signature', () => {
  test('is verified with --key, and not checked without it', async () => {
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
    ['is made with another key', folder => signActa(folder, makeKeys(folder, 'other.pub'))],
    ['has another length', folder => write(folder, 'acta.sig', 'signed')],
    [
      'signs another text',
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
  test('reveals consistent files of other bets', async () => {
    const folder = await closedLottery();
    const other = await closedLottery({ bets: BETS.slice(1) });
    for (const name of ['bets.csv', 'acta.txt', 'acta-sorteo.txt'])
      copyFileSync(join(other, name), join(folder, name));
    expect(await audit(folder)).toEqual({ code: 1, differences: ['bets.journal'] });
  });

  test('reveals an acta changed together with the draw', async () => {
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

  test('reveals a removed acta-sorteo.txt', async () => {
    const folder = await closedLottery();
    rmSync(join(folder, 'acta-sorteo.txt'));
    expect(await audit(folder)).toEqual({
      code: 1,
      differences: ['acta-sorteo.txt in the journal'],
    });
  });

  test('fails journal verify with the first difference to an acta of other bets', async () => {
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

describe('wrong usage of loteria audit', () => {
  test.each([
    ['bets.csv', 'bets.csv is missing'],
    ['acta.txt', 'it is written when the lottery closes'],
  ])('exits with code 2 for a folder without %s', async (name, why) => {
    const folder = await auditorsCopy();
    rmSync(join(folder, name));
    const { code, stdout, stderr } = await loteria('/', ['audit', folder]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(why);
  });

  test.each(['bets.csv', 'bets.journal', 'acta.txt'])(
    'exits with code 2 where %s cannot be read, which is no difference',
    async name => {
      const folder = await auditorsCopy();
      rmSync(join(folder, name), { force: true });
      symlinkSync(name, join(folder, name));
      const { code, stdout, stderr } = await loteria('/', ['audit', folder]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`${name}, a symbolic link leads to itself (ELOOP)`);
    },
  );

  test.each([
    [['--key', 'none.pub'], '--key: none.pub cannot be read, it does not exist (ENOENT)'],
    [['--key', 'acta.txt'], '--key: acta.txt holds no public key in PEM'],
    [['--acta', 'none.txt'], 'there is no none.txt'],
    [['--signature', 'none.sig'], 'there is no none.sig'],
    [['--sig'], "unknown option '--sig'"],
  ])('exits with code 2 and names the fault (%j)', async (args, fault) => {
    const folder = await auditorsCopy();
    const { code, stdout, stderr } = await loteria(folder, ['audit', '.', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(fault);
  });
});
