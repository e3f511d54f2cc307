import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COURSE_DATA, needCourseData } from '../support/course-data.ts';
import { PROGRAM } from '../support/built-program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { type Outcome, ROOT, sh } from './shell.ts';

/** A folder with the script, and what runs it there for the files of so many agencies. */
async function project() {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'scripts'));
  await cp(join(ROOT, 'scripts/dataset.sh'), join(folder, 'scripts/dataset.sh'));
  const data = join(folder, '.data');
  const provide = (agencies: number): Outcome =>
    sh('scripts/dataset.sh', [String(agencies), process.execPath, PROGRAM], { cwd: folder });
  const files = async (): Promise<string[]> => (await readdir(join(data, 'dataset'))).toSorted();
  return { data, provide, files };
}

test('make dataset generates missing bets and lists the files', async () => {
  const { data, provide, files } = await project();
  const { status, stdout, stderr } = provide(2);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('agency-2.csv');
  expect(await files()).toEqual(['agency-1.csv', 'agency-2.csv', 'expected.json']);
  expect(await readdir(data)).toEqual(['dataset']);
});

test('make dataset does nothing when every file exists', async () => {
  const { data, provide, files } = await project();
  await mkdir(join(data, 'dataset'), { recursive: true });
  await writeFile(join(data, 'dataset/agency-1.csv'), 'mine');
  expect(provide(1)).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(provide(0)).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(await files()).toEqual(['agency-1.csv']);
});

test('make dataset keeps existing files and replaces empty folders made by Docker', async () => {
  const { data, provide, files } = await project();
  await mkdir(join(data, 'dataset/agency-3.csv'), { recursive: true });
  await writeFile(join(data, 'dataset/agency-2.csv'), 'mine');
  expect(provide(3).status).toBe(0);
  expect(await readFile(join(data, 'dataset/agency-2.csv'), 'utf8')).toBe('mine');
  expect(await readFile(join(data, 'dataset/agency-3.csv'), 'utf8')).toMatch(/^([^,]+,){4}\d+\r\n/);
  // What is expected of all three would be wrong here.
  expect(await files()).toEqual(['agency-1.csv', 'agency-2.csv', 'agency-3.csv']);
});

test('make dataset does not remove a folder with content', async () => {
  const { data, provide } = await project();
  await mkdir(join(data, 'dataset/agency-1.csv/mine'), { recursive: true });
  const { status, stderr } = provide(1);
  expect(status).toBe(1);
  expect(stderr).toContain(
    '.data/dataset/agency-1.csv is a folder where a file should be: remove it',
  );
});

test('make dataset reports an invalid zip', async () => {
  const { data, provide } = await project();
  await mkdir(data);
  await writeFile(join(data, 'dataset.zip'), 'no zip');
  const { status, stderr } = provide(1);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^loteria: --from \.data\/dataset\.zip cannot be unpacked: /);
  expect((await readdir(data)).toSorted()).toEqual(['dataset', 'dataset.zip']);
});

test("make dataset unpacks the course's zip and generates what it lacks", async context => {
  needCourseData(context);
  const { data, provide, files } = await project();
  await mkdir(data);
  await cp(COURSE_DATA, join(data, 'dataset.zip'));
  expect(provide(6).status).toBe(0);
  expect(await files()).toEqual([1, 2, 3, 4, 5, 6].map(agency => `agency-${agency}.csv`));
  expect((await stat(join(data, 'dataset/agency-1.csv'))).size).toBe(1_251_486);
});
