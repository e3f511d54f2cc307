import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findAgencyFiles, unpackAgencyFiles } from '../../src/dataset/files.ts';
import { needsPython } from '../lottery/python.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { words } from '../support/words.ts';

/** A zip with these entries. Python does not validate names, so it creates invalid ones too. */
async function makeZip(entries: readonly (readonly [string, string])[]): Promise<string> {
  const path = join(await temporaryFolder(), 'data.zip');
  const script = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for name, text in json.load(sys.stdin):
        archive.writestr(name, text)
`;
  execFileSync('python3', ['-W', 'ignore', '-c', script, path], { input: JSON.stringify(entries) });
  return path;
}

/** All files below a folder, by path. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    content[path.slice(folder.length + 1)] = await readFile(path, 'utf8');
  }
  return content;
}

describe("a folder of agencies' files", () => {
  test('gives them by agency, and nothing else that lies there', async () => {
    const folder = await temporaryFolder();
    const names = ['agency-10.csv', 'agency-2.csv', 'agency-1.csv', 'agency-65535.csv'];
    const others = words(`
      agency-0.csv agency-01.csv agency-65536.csv agency-.csv agency-1.csv.bak
      xagency-1.csv AGENCY-3.csv agency-x.csv expected.json agency-7.CSV
    `);
    for (const name of [...names, ...others]) await writeFile(join(folder, name), '');
    expect(await findAgencyFiles(folder)).toEqual(
      [1, 2, 10, 65535].map(agency => ({ agency, path: join(folder, `agency-${agency}.csv`) })),
    );
  });

  test('may be empty', async () => {
    expect(await findAgencyFiles(await temporaryFolder())).toEqual([]);
  });
});

describe("a zip of agencies' files", () => {
  test('gives them whatever folder of it they are in, and nothing else', async context => {
    needsPython(context);
    const zip = await makeZip([
      ['data/', ''],
      ['data/agency-1.csv', 'one\r\n'],
      ['agency-2.csv', 'dós\r\n'],
      ['__MACOSX/data/._agency-1.csv', 'x'],
      ['README.txt', 'x'],
      ['deep/er/agency-3.csv', ''],
    ]);
    const folder = await temporaryFolder();
    await unpackAgencyFiles(zip, folder);
    expect(await contentOf(folder)).toEqual({
      'agency-1.csv': 'one\r\n',
      'agency-2.csv': 'dós\r\n',
      'agency-3.csv': '',
    });
  });

  test.for([
    '../agency-1.csv',
    '../../agency-1.csv',
    'data/../../agency-1.csv',
    '/tmp/agency-1.csv',
    '..\\agency-1.csv',
    'C:\\agency-1.csv',
    'C:/agency-1.csv',
  ])('with the name %s writes nothing outside its folder', async (name, context) => {
    needsPython(context);
    const outer = await temporaryFolder();
    const folder = join(outer, 'a', 'data');
    await mkdir(folder, { recursive: true });
    const before = await contentOf(outer);
    try {
      await unpackAgencyFiles(await makeZip([[name, 'x']]), folder);
    } catch (error) {
      expect((error as Error).message).toMatch(/path|name|character/i);
    }
    const added = Object.keys(await contentOf(outer)).filter(path => !(path in before));
    for (const path of added) expect(path).toBe('a/data/agency-1.csv');
  });

  test('that lies about the size of a file is refused', async context => {
    needsPython(context);
    const path = await makeZip([['agency-1.csv', 'Ana,Paz,1,1990-01-02,1\r\n'.repeat(10_000)]]);
    const bytes = await readFile(path);
    // The field "uncompressed size" of the local header, and of the central directory, whose
    // signature is PK 1 2.
    const directory = bytes.indexOf(Buffer.from('504b0102', 'hex'));
    for (const lie of [10, 2 ** 31]) {
      bytes.writeUInt32LE(lie, 22);
      bytes.writeUInt32LE(lie, directory + 24);
      await writeFile(path, bytes);
      const folder = await temporaryFolder();
      await expect(unpackAgencyFiles(path, folder)).rejects.toThrow(/bytes|size/);
      // The written part is at most the announced size, or the file's.
      const written = Object.values(await contentOf(folder)).map(text => text.length);
      for (const length of written) expect(length).toBeLessThanOrEqual(Math.min(240_000, lie));
    }
  });

  test('that announces more than the limit is refused before it is unpacked', async context => {
    needsPython(context);
    const path = await makeZip(
      Array.from({ length: 5 }, (_, index) => [`agency-${index + 1}.csv`, 'x'] as const),
    );
    const bytes = await readFile(path);
    let entry = bytes.indexOf(Buffer.from('504b0102', 'hex'));
    while (entry >= 0) {
      bytes.writeUInt32LE(0xffff_fffe, entry + 24);
      entry = bytes.indexOf(Buffer.from('504b0102', 'hex'), entry + 4);
    }
    await writeFile(path, bytes);
    await expect(unpackAgencyFiles(path, await temporaryFolder())).rejects.toThrow();
  });

  test('with the same file twice is refused, and nothing is unpacked', async context => {
    needsPython(context);
    const zip = await makeZip([
      ['a/agency-1.csv', 'first'],
      ['b/agency-1.csv', 'second'],
    ]);
    const folder = await temporaryFolder();
    await expect(unpackAgencyFiles(zip, folder)).rejects.toThrow('it holds agency-1.csv twice');
    expect(await contentOf(folder)).toEqual({});
  });

  test('with more files than the limit is refused', async context => {
    needsPython(context);
    const zip = await makeZip(
      Array.from({ length: 10_001 }, (_, index) => [`note-${index}.txt`, ''] as const),
    );
    await expect(unpackAgencyFiles(zip, await temporaryFolder())).rejects.toThrow(
      'more than 10000 files',
    );
  });

  test('that is damaged or no zip is refused', async context => {
    needsPython(context);
    const path = await makeZip([['agency-1.csv', 'Ana,Paz,1,1990-01-02,1\r\n'.repeat(1_000)]]);
    const bytes = await readFile(path);
    const wrong = [Buffer.alloc(0), Buffer.from('no zip'), bytes.subarray(0, bytes.length - 30)];
    const flipped = Buffer.from(bytes);
    flipped.fill(0xff, 60, 90);
    for (const content of [...wrong, flipped]) {
      await writeFile(path, content);
      await expect(unpackAgencyFiles(path, await temporaryFolder())).rejects.toThrow(Error);
    }
  });
});
