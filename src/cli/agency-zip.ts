import { ConfigError } from '../config/errors.ts';
import { FileRefused, makePrivateFolder } from '../files/private.ts';
import { reasonOf } from '../files/system-error.ts';
import { type AgencyFile, findAgencyFiles, unpackAgencyFiles } from '../dataset/files.ts';

/**
 * Unpacks the agencies' files of a zip into a folder, which is created if it is missing.
 *
 * @param name what errors call the zip, such as `--from bets.zip`
 * @param force whether existing files are overwritten
 * @throws FileRefused if a file exists; ConfigError if the zip is unusable or has no such file
 */
export async function unpackZip(
  name: string,
  zipPath: string,
  folder: string,
  force = false,
): Promise<AgencyFile[]> {
  await makePrivateFolder(folder);
  try {
    await unpackAgencyFiles(zipPath, folder, force);
  } catch (error) {
    if (error instanceof FileRefused) throw error;
    const reason = reasonOf(error).replace(/\.$/, '');
    throw new ConfigError(`${name} cannot be unpacked: ${reason}`, error);
  }
  const files = await findAgencyFiles(folder);
  if (files.length === 0) throw new ConfigError(`${name} has no agency-1.csv, agency-2.csv, …`);
  return files;
}
