import { createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise } from 'yauzl';
import { makeWay, PRIVATE_FILE } from '../files/private.ts';
import { parseAgency } from '../lottery/bet-rules.ts';

const AGENCY_FILE = /^agency-([1-9]\d{0,4})\.csv$/;

/** Limits for the sizes that a zip claims. */
const ZIP_FILES_MAX = 10_000;
const ZIP_BYTES_MAX = 16 * 1024 ** 3;

export interface AgencyFile {
  readonly agency: number;
  readonly path: string;
}

/** The agencies' files of a folder, in order of the agency. */
export async function findAgencyFiles(folder: string): Promise<AgencyFile[]> {
  const files: AgencyFile[] = [];
  for (const name of await readdir(folder)) {
    const agency = agencyOf(name);
    if (agency !== undefined) files.push({ agency, path: join(folder, name) });
  }
  return files.toSorted((a, b) => a.agency - b.agency);
}

/**
 * Unpacks the agencies' files of a zip, from any of its folders, and no other files.
 *
 * @param force whether existing files are overwritten
 * @throws FileRefused if a file exists and `force` is not set; Error if the zip is damaged or too
 *   large
 */
export async function unpackAgencyFiles(
  zipPath: string,
  folder: string,
  force = false,
): Promise<void> {
  const zip = await openPromise(zipPath, { autoClose: false });
  try {
    let files = 0;
    let bytes = 0;
    const found: { readonly entry: Entry; readonly path: string }[] = [];
    for await (const entry of zip.eachEntry()) {
      files += 1;
      if (files > ZIP_FILES_MAX)
        throw new Error(`${zipPath} holds more than ${ZIP_FILES_MAX} files`);
      const name = entry.fileName.split('/').at(-1) ?? '';
      if (agencyOf(name) === undefined) continue;
      bytes += entry.uncompressedSize;
      if (bytes > ZIP_BYTES_MAX)
        throw new Error(`${zipPath} unpacks to more than ${ZIP_BYTES_MAX} bytes`);
      const path = join(folder, name);
      if (found.some(other => other.path === path)) throw new Error(`it holds ${name} twice`);
      found.push({ entry, path });
    }
    await makeWay(
      found.map(({ path }) => path),
      force,
    );
    for (const { entry, path } of found) {
      const content: Readable = await zip.openReadStreamPromise(entry);
      await pipeline(content, createWriteStream(path, { flags: 'wx', mode: PRIVATE_FILE }));
    }
  } finally {
    zip.close();
  }
}

function agencyOf(name: string): number | undefined {
  const digits = AGENCY_FILE.exec(name)?.[1];
  return digits === undefined ? undefined : parseAgency(digits);
}
