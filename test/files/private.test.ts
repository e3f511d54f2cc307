import {
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkWinnersFile } from '../../src/cli/winners-file.ts';
import {
  createPrivate,
  makePrivateFolder,
  makeWay,
  openPrivate,
  replacePrivate,
  writePrivate,
} from '../../src/files/private.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

/** A file that must stay unchanged, and a link to it. */
async function linked(): Promise<{ folder: string; target: string; link: string }> {
  const folder = await temporaryFolder();
  const [target, link] = [join(folder, 'target'), join(folder, 'link')];
  writeFileSync(target, 'as it was', { mode: 0o644 });
  symlinkSync(target, link);
  return { folder, target, link };
}

describe('a private file', () => {
  test('is created with mode 600, in folders with mode 700', async () => {
    const outer = await temporaryFolder();
    const before = modeOf(outer);
    const folder = join(outer, 'made', 'here');
    await makePrivateFolder(folder);
    await makePrivateFolder(outer);
    await writePrivate(join(folder, 'file'), 'one');
    await writePrivate(join(folder, 'file'), '2');
    expect(
      [before, join(outer, 'made'), folder, join(folder, 'file')].map(path =>
        path === before ? modeOf(outer) : modeOf(path),
      ),
    ).toEqual([before, '700', '700', '600']);
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('2');
  });

  test.each<[string, (link: string) => Promise<unknown>]>([
    ['writePrivate', link => writePrivate(link, 'x')],
    ['openPrivate', link => openPrivate(link, constants.O_RDWR)],
    ['makeWay', link => makeWay([link], true)],
  ])('is not written through a symbolic link by %s', async (_, write) => {
    const { target, link } = await linked();
    await expect(write(link)).rejects.toThrow(`${link} is a symbolic link, which is not followed`);
    expect(readFileSync(target, 'utf8')).toBe('as it was');
    const dangling = join(await temporaryFolder(), 'dangling');
    symlinkSync(join(dangling, '..', 'nothing'), dangling);
    await expect(write(dangling)).rejects.toThrow(`${dangling} is a symbolic link`);
    expect(existsSync(join(dangling, '..', 'nothing'))).toBe(false);
  });
});

test('a file is replaced after a crash has left an unfinished one', async () => {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'file.new'), 'unfinished, and longer than the other one');
  await replacePrivate(join(folder, 'file'), 'one');
  await replacePrivate(join(folder, 'file'), 'other');
  expect(readdirSync(folder)).toEqual(['file']);
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('other');
});

describe('several processes at the same time', () => {
  const times = Array.from({ length: 16 }, (_, index) => String(index));

  test('create a file once, whole, and leave nothing else', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    const texts = times.map(digit => digit.repeat(100_000));
    const created = await Promise.all(texts.map(text => createPrivate(path, Buffer.from(text))));
    expect(created.filter(Boolean)).toHaveLength(1);
    expect(readFileSync(path, 'utf8')).toBe(texts[created.indexOf(true)]);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('find the same winners.file writable, and create none', async () => {
    const folder = await temporaryFolder();
    const config = { file: 'agency.csv', protocol: 'resumable' } as const;
    for (let round = 0; round < 200; round += 1) {
      const path = join(folder, String(round));
      await Promise.all([1, 2, 3, 4].map(() => checkWinnersFile(path, config)));
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('makeWay', () => {
  test('names an existing file and removes none', async () => {
    const { folder, target } = await linked();
    const names = [join(folder, 'new'), target, join(folder, 'link')];
    await expect(makeWay(names, false)).rejects.toThrow(
      `${target} is there already; --force overwrites it`,
    );
    await expect(makeWay(names, true)).rejects.toThrow('is a symbolic link');
    await expect(makeWay([target, folder], true)).rejects.toThrow(`${folder} is not a file`);
    expect(readFileSync(target, 'utf8')).toBe('as it was');
  });

  test('removes an existing file when forced', async () => {
    const { folder, target } = await linked();
    await makeWay([target, join(folder, 'new')], true);
    expect(existsSync(target)).toBe(false);
  });
});
