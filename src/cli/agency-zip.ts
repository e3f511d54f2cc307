import { ConfigError } from '../config/errors.ts';
import { FileRefused, makePrivateFolder } from '../files/private.ts';
import { type AgencyFile, findAgencyFiles, unpackAgencyFiles } from '../dataset/files.ts';

/**
 * Unpacks the agencies' files of a zip into a folder, which is made when it is missing.
 *
 * @param option the command line's option that named the zip
 * @param force whether files that are there are overwritten
 * @throws FileRefused when one is and may not be; ConfigError when the zip cannot be unpacked, or holds no such file
 */
export async function unpackZip(
  option: string,
  zipPath: string,
  folder: string,
  force = false,
): Promise<AgencyFile[]> {
  await makePrivateFolder(folder);
  try {
    await unpackAgencyFiles(zipPath, folder, force);
  } catch (error) {
    if (error instanceof FileRefused) throw error;
    throw new ConfigError(
      `${option} ${zipPath} is no zip that can be unpacked: ${(error as Error).message}`,
      error,
    );
  }
  const files = await findAgencyFiles(folder);
  if (files.length === 0)
    throw new ConfigError(`${option} ${zipPath} holds no agency-1.csv, agency-2.csv, …`);
  return files;
}
