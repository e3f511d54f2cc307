import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AgencyError, Stopped } from '../../src/agency/errors.ts';
import { type CheckedFile, checkFile } from '../../src/agency/file-check.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { pipeFile } from './pipe-file.ts';
import { betLines, betsFile, failureOf, formatOf } from './start-agency.ts';

const NEVER = new AbortController().signal;

function nameFile(path: string, stop: AbortSignal): Promise<CheckedFile> {
  const { batch } = createBaseDialect(new PlainBetReader()).agency(DEFAULT_LIMITS, 1);
  return checkFile(formatOf(path), batch, () => {}, stop);
}

async function fileOf(content: string | Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'agency.csv');
  await writeFile(path, content);
  return path;
}

const nameOf = async (path: string): Promise<string> => (await nameFile(path, NEVER)).name;

describe('the upload name', () => {
  test('is not computed after a stop', async () => {
    const named = nameFile(await betsFile(3), AbortSignal.abort());
    await expect(named).rejects.toBeInstanceOf(Stopped);
  });

  test('depends on the content, not on the path or the time', async () => {
    const [one, other] = [await betsFile(50_000), await betsFile(50_000)];
    await utimes(other, 1, 1);
    expect(await nameOf(other)).toBe(await nameOf(one));
  });

  test.each([
    ['an extra bet', betLines(1, 4)],
    ['a missing bet', betLines(1, 2)],
    ['no final line end', betLines(1, 3).trimEnd()],
    ['a different last byte', betLines(1, 3).replace(/3\n$/, '4\n')],
    ['a different order', betLines(2, 3) + betLines(1, 1)],
    ['no content', ''],
  ])('differs for %s', async (_, content) => {
    expect(await nameOf(await fileOf(content))).not.toBe(await nameOf(await betsFile(3)));
  });

  test('conforms to the protocol for any content', async () => {
    const folder = await temporaryFolder();
    let files = 0;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async content => {
        const path = join(folder, String(files++));
        await writeFile(path, content);
        expect(await nameOf(path)).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
      }),
      { numRuns: 30 },
    );
  });

  test('of a pipe is unique', async () => {
    const { path } = await pipeFile(await temporaryFolder());
    const [one, other] = [await nameFile(path, NEVER), await nameFile(path, NEVER)];
    expect(one).toMatchObject({
      rereadable: false,
      name: expect.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
    });
    expect(other.name).not.toBe(one.name);
  });

  test.each([
    ['a missing file', 'none.csv', 'it does not exist (ENOENT)'],
    ['a folder', '.', 'it is a folder (EISDIR)'],
  ])('of %s is refused with its path and the setting that names it', async (_, name, why) => {
    const path = join(await temporaryFolder(), name);
    const error = await failureOf(nameFile(path, NEVER));
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(
      `cannot read ${path}, ${why}; file.name in config.yaml or CLI_FILE_NAME names it`,
    );
  });
});
