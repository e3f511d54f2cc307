/** The usual errors of files, in words. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user has no permission',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'something is there already',
  EIO: 'the disk reports an error',
  EISDIR: 'it is a folder',
  EMFILE: 'this process has too many open files',
  ENAMETOOLONG: 'its name is too long',
  ENFILE: 'the system has too many open files',
  ENOENT: 'it does not exist',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a file stands where a folder is needed',
  EPERM: 'the system does not permit it',
  EROFS: 'its file system is read-only',
};

/** Why a file or folder cannot be used, with the code of the system: `it is a folder (EISDIR)`. */
export function reasonOf(error: unknown): string {
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  if (REASONS[code] !== undefined) return `${REASONS[code]} (${code})`;
  if (code !== '' && syscall !== undefined) return `${code} on ${syscall}`;
  return error instanceof Error ? error.message : String(error);
}

/** As `reasonOf`, for a file that was to be created. */
export function reasonNotCreated(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'its folder does not exist (ENOENT)' : reasonOf(error);
}
