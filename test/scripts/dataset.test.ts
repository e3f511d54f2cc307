import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { needsPython } from '../lottery/python.ts';
import { COURSE_DATA, needCourseData } from '../support/course-data.ts';
import { PROGRAM } from '../support/built-program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { type Outcome, ROOT, sh } from './shell.ts';

/** A folder with the script, and a function that runs it for a number of agencies. */
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

const MADE_UP = "made-up bets, seed 7574 (the course's data goes to .data/dataset.zip)";

/** Its message about the source of the files. */
const origins = ({ stdout }: Outcome): string[] =>
  stdout.split('\n').flatMap(line => /^dataset: (.+)$/.exec(line)?.[1] ?? []);

test('make dataset makes up missing bets, and prints the origin of the files each time', async () => {
  const { data, provide, files } = await project();
  const first = provide(2);
  expect(first).toEqual({
    status: 0,
    stdout: `dataset: ${MADE_UP}: agencies 1 2\n`,
    stderr: '',
  });
  expect(await files()).toEqual(['agency-1.csv', 'agency-2.csv', 'expected.json', 'provided.txt']);
  expect(await readdir(data)).toEqual(['dataset']);
  const again = provide(2);
  expect(again.stdout).toBe(`dataset: ${MADE_UP}: agencies 1 2\n`);
});

test('make dataset keeps existing files, and reports them', async () => {
  const { data, provide, files } = await project();
  await mkdir(join(data, 'dataset'), { recursive: true });
  await writeFile(join(data, 'dataset/agency-1.csv'), 'mine');
  expect(origins(provide(1))).toEqual([
    'files that were in .data/dataset (remove them to take others): agencies 1',
  ]);
  expect(provide(0)).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(await files()).toEqual(['agency-1.csv', 'provided.txt']);
});

test('make dataset takes a new zip instead of made-up bets, and keeps files changed by hand', async context => {
  needsPython(context);
  const { data, provide, files } = await project();
  const contentOf = (id: number): Promise<string> =>
    readFile(join(data, `dataset/agency-${id}.csv`), 'utf8');
  const zip = async (bets: Readonly<Record<number, string>>): Promise<void> => {
    const folder = await temporaryFolder();
    for (const [id, text] of Object.entries(bets))
      await writeFile(join(folder, `agency-${id}.csv`), text);
    const paths = Object.keys(bets).map(id => join(folder, `agency-${id}.csv`));
    execFileSync('python3', ['-m', 'zipfile', '-c', join(data, 'dataset.zip'), ...paths]);
  };
  provide(4);
  await writeFile(join(data, 'dataset/agency-2.csv'), 'mine');
  await zip({ 1: 'first', 2: 'second', 3: 'third' });
  const said = [
    'bets of .data/dataset.zip: agencies 1 3',
    `${MADE_UP}: agencies 4`,
    'files that were in .data/dataset (remove them to take others): agencies 2',
  ];
  expect(origins(provide(4))).toEqual(said);
  expect(await Promise.all([1, 2, 3].map(contentOf))).toEqual(['first', 'mine', 'third']);
  expect(await files()).not.toContain('expected.json');
  expect(origins(provide(4))).toEqual(said);
  await zip({ 1: 'newer' });
  expect(origins(provide(4))).toEqual(said);
  expect(await Promise.all([1, 2, 3].map(contentOf))).toEqual(['newer', 'mine', 'third']);
});

test('make dataset replaces empty folders made by Docker', async () => {
  const { data, provide, files } = await project();
  await mkdir(join(data, 'dataset/agency-3.csv'), { recursive: true });
  await writeFile(join(data, 'dataset/agency-2.csv'), 'mine');
  expect(provide(3).status).toBe(0);
  expect(await readFile(join(data, 'dataset/agency-2.csv'), 'utf8')).toBe('mine');
  expect(await readFile(join(data, 'dataset/agency-3.csv'), 'utf8')).toMatch(/^([^,]+,){4}\d+\r\n/);
  // The common expectation does not apply here.
  expect(await files()).not.toContain('expected.json');
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
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^loteria: --from \.data\/dataset\.zip cannot be unpacked: .+\ndataset: remove \.data\/dataset\.zip to take made-up bets\n$/,
  );
  expect((await readdir(data)).toSorted()).toEqual(['dataset', 'dataset.zip']);
});

test("make dataset unpacks the course's zip and generates what it lacks", async context => {
  needCourseData(context);
  const { data, provide, files } = await project();
  await mkdir(data);
  await cp(COURSE_DATA, join(data, 'dataset.zip'));
  expect(origins(provide(6))).toEqual([
    'bets of .data/dataset.zip: agencies 1 2 3 4 5',
    `${MADE_UP}: agencies 6`,
  ]);
  const names = [1, 2, 3, 4, 5, 6].map(agency => `agency-${agency}.csv`);
  expect(await files()).toEqual([...names, 'provided.txt']);
  expect((await stat(join(data, 'dataset/agency-1.csv'))).size).toBe(1_251_486);
});
