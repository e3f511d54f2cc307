import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/temp-folder.ts';
import { GENERATOR, generate, sh } from './shell.ts';

describe('the exercise of generar-compose.sh', () => {
  /** The exercise in the heading that a copy of the script writes, next to a file `.exercise`. */
  async function chosen(
    file: string | undefined,
    variable: string | undefined,
    argument: string | undefined,
  ): Promise<string> {
    const folder = await temporaryFolder();
    await cp(GENERATOR, join(folder, 'generar-compose.sh'));
    if (file !== undefined) await writeFile(join(folder, '.exercise'), `${file}\n`);
    const elsewhere = join(folder, 'elsewhere');
    await mkdir(elsewhere);
    const args = ['out.yaml', '1', ...(argument === undefined ? [] : [argument])];
    const env = variable === undefined ? {} : { EXERCISE: variable };
    const { status, stderr } = sh('../generar-compose.sh', args, { cwd: elsewhere, env });
    if (status !== 0) return stderr;
    return /^# (\w+) /.exec(await readFile(join(elsewhere, 'out.yaml'), 'utf8'))![1]!;
  }

  test.each([
    ['ej2', 'ej3', 'ej4', 'ej4'],
    ['ej2', 'ej3', undefined, 'ej3'],
    ['ej2', '', undefined, 'ej2'],
    [undefined, undefined, undefined, 'ej8'],
  ])(
    'of .exercise %s, $EXERCISE %s and the argument %s is %s',
    async (file, variable, argument, exercise) => {
      expect(await chosen(file, variable, argument)).toBe(exercise);
    },
  );

  test('is refused with its source when it does not exist', async () => {
    expect(await chosen('ej9', undefined, undefined)).toContain(
      "the file .exercise is 'ej9', which is no exercise",
    );
    expect(await chosen('ej1', 'EJ1', undefined)).toContain(
      "the environment variable EXERCISE is 'EJ1'",
    );
  });
});

test.each([
  [[]],
  [['out.yaml']],
  [['', '1']],
  [['out.yaml', '']],
  [['out.yaml', 'five']],
  [['out.yaml', '-1']],
  [['out.yaml', '1.5']],
  [['out.yaml', '05']],
  [['out.yaml', '1 ']],
  [['out.yaml', '100000']],
  [['out.yaml', '1', 'ej0']],
  [['out.yaml', '1', 'ej10']],
  [['out.yaml', '1', 'ej1', 'more']],
  [['--cluster']],
  [['out.yaml', '--cluster']],
  [['out.yaml', '1', 'ej8', '--cluster', 'more']],
  [['out.yaml', '1', '--clusters']],
  [['out.yaml', '1', '--page-port']],
  [['out.yaml', '1', '--page-port', 'high']],
  [['out.yaml', '1', '--page-port=']],
  [['out.yaml', '1', '--page-port', '65535']],
])('generar-compose.sh %j is refused: usage, exit code 1, and nothing is written', async args => {
  const folder = await temporaryFolder();
  const { status, stdout, stderr } = generate(folder, args);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(
    /^Usage: generar-compose\.sh FILE CLIENTS \[ej1\|.*\|ej8\] \[--page-port PORT\] \[--cluster\] \[--force\]\ngenerar-compose\.sh: .+\n$/,
  );
  expect(await readdir(folder)).toEqual([]);
});

test.each(['--help', '-h'])('generar-compose.sh %s explains each option', async option => {
  const folder = await temporaryFolder();
  const { status, stdout, stderr } = generate(folder, [option]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const word of ['Usage: ', '--page-port PORT', '--cluster', '--force'])
    expect(stdout).toContain(word);
  expect(await readdir(folder)).toEqual([]);
});

test('generar-compose.sh overwrites a foreign file only with --force', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'out.yaml');
  await writeFile(path, 'notes\n');
  const refused = generate(folder, ['out.yaml', '1']);
  expect(refused).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('out.yaml is there already') as string,
  });
  expect(await readFile(path, 'utf8')).toBe('notes\n');
  expect(generate(folder, ['out.yaml', '1', '--force']).status).toBe(0);
  const one = await readFile(path, 'utf8');
  expect(generate(folder, ['out.yaml', '2']).status).toBe(0);
  expect(await readFile(path, 'utf8')).not.toBe(one);
});

test.each(['missing/out.yaml', '/dev/full'])(
  'generar-compose.sh names %s, which it cannot write',
  async file => {
    const { status, stdout, stderr } = generate(await temporaryFolder(), [file, '1']);
    expect(status).toBe(1);
    expect(stdout).not.toContain('success');
    expect(stderr).toContain(`generar-compose.sh: ${file} cannot be written\n`);
  },
);
