import { access, constants, lstat, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ClientConfig } from '../config/client-config.ts';
import { ConfigError } from '../config/errors.ts';
import { FileRefused, IS_LINK, openPrivate, tryToCreate } from '../files/private.ts';
import { reasonNotCreated } from '../files/system-error.ts';
import { beginsAsActa } from '../lottery/acta.ts';
import { rejectedFile } from './agency-file.ts';

/** What the client may write over. A crash may have cut it. */
interface Kind {
  /** How messages name the file. */
  readonly name: string;
  readonly content: string;
  readonly isOther: (content: string) => boolean;
  /** Whether it may be a device or a pipe. */
  readonly isStream: boolean;
}

/**
 * The beginning of a line that is no document. An expression for the whole file would need memory
 * for each line.
 */
const OTHER_LINE = /(?:^|\n)(?!\d{1,10}(?:\r?\n|$))[^]/;

const WINNERS: Kind = {
  name: 'winners.file',
  content: 'documents of winners',
  isOther: content => OTHER_LINE.test(content),
  isStream: true,
};

const ACTA: Kind = {
  name: 'the acta of winners.file',
  content: 'an acta de cierre',
  isOther: content => !beginsAsActa(content),
  isStream: false,
};

/** The files of a `winners.file`. */
interface WinnersFiles {
  readonly documents: string;
  /** Undefined where the dialect has none, and for a device or a pipe. */
  readonly acta: string | undefined;
}

/**
 * The files of `winners.file`, checked before anything is sent.
 *
 * @throws ConfigError if one is not writable or is another file
 */
export async function checkWinnersFile(
  documents: string,
  config: Pick<ClientConfig, 'file' | 'protocol'>,
): Promise<WinnersFiles> {
  const own = [config.file, rejectedFile(config.file)];
  const isStream = await requireWritable(documents, WINNERS, own);
  if (isStream || config.protocol !== 'resumable') return { documents, acta: undefined };
  const acta = `${documents}.acta`;
  await requireWritable(acta, ACTA, own);
  return { documents, acta };
}

/**
 * @param own other files of this client
 * @returns whether it is a device or a pipe
 */
async function requireWritable(
  path: string,
  { name, content, isOther, isStream: mayBeStream }: Kind,
  own: readonly string[],
): Promise<boolean> {
  try {
    const stats = await lstat(path).catch(() => undefined);
    const isStream = stats !== undefined && !stats.isFile();
    if (stats?.isSymbolicLink()) throw new FileRefused(path, IS_LINK);
    if (stats?.isDirectory())
      throw new FileRefused('it', 'is a folder; move it away, or name another winners.file');
    if (isStream && !mayBeStream) throw new FileRefused('it', 'is no regular file; move it away');
    // An empty or missing file could not be told by its content.
    if (!isStream && own.some(each => resolve(each) === resolve(path)))
      throw new FileRefused('it', 'is for bets or skipped lines; name another winners.file');
    // The slash makes the check fail for anything but a folder.
    await access(stats === undefined ? `${dirname(path)}/` : path, constants.W_OK);
    if (stats?.isFile() && isOther(await readFile(path, 'latin1')))
      throw new FileRefused(path, `has other content than ${content}; move it away`);
    // Detects long names and immutable files. Devices and pipes are not opened.
    if (stats === undefined) await tryToCreate(path);
    if (stats?.isFile()) await (await openPrivate(path, constants.O_WRONLY)).close();
    return isStream;
  } catch (error) {
    throw new ConfigError(
      `${name} is '${path}', which cannot be written, ${reasonNotCreated(error)}`,
      error,
    );
  }
}
