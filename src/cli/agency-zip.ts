import { mkdir } from 'node:fs/promises';
import { ConfigError } from '../config/errors.ts';
import { type AgencyFile, findAgencyFiles, unpackAgencyFiles } from '../dataset/files.ts';

/**
 * Unpacks the agencies' files of a zip into a folder, which is made when it is missing.
 *
 * @param option the command line's option that named the zip
 * @throws ConfigError when the zip cannot be unpacked, or holds no such file
 */
export async function unpackZip(option: string, zipPath: string, folder: string): Promise<AgencyFile[]> {
  await mkdir(folder, { recursive: true });
  try {
    await unpackAgencyFiles(zipPath, folder);
  } catch (error) {
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
