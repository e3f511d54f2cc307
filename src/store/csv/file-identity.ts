import { lstat } from 'node:fs/promises';

/** Identifies a file, independent of its path. */
export interface FileIdentity {
  /** Device and inode. The inode of an open file is not reused. */
  readonly id: string;
  /** Time of creation, in milliseconds; 0 where the file system does not keep it. */
  readonly bornMs: number;
  readonly bytes: number;
}

/** Does not follow a symbolic link; undefined for a missing file. */
export async function identifyFile(path: string): Promise<FileIdentity | undefined> {
  try {
    const stats = await lstat(path, { bigint: true });
    return { id: idOf(stats), bornMs: Number(stats.birthtimeNs) / 1e6, bytes: Number(stats.size) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function idOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${dev}:${ino}`;
}

/** The reason of a failed `O_NOFOLLOW`. */
export const LINK_REASON =
  'it is a symbolic link, which the store does not follow; put the file itself there';
