/** The usual errors of files and of connections, in words. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user has no permission',
  EAI_AGAIN: 'the name of the host cannot be resolved now',
  ECONNREFUSED: 'no server listens there',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'something is there already',
  EFBIG: 'the file would be larger than its limit',
  EHOSTUNREACH: 'the host cannot be reached',
  EIO: 'the disk reports an error',
  EISDIR: 'it is a folder',
  ELOOP: 'a symbolic link leads to itself',
  EMFILE: 'this process has too many open files',
  ENAMETOOLONG: 'its name is too long',
  ENETUNREACH: 'the network cannot be reached',
  ENFILE: 'the system has too many open files',
  ENOENT: 'it does not exist',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a file stands where a folder is needed',
  ENOTFOUND: 'no host has that name',
  EPERM: 'the system does not permit it',
  EROFS: 'its file system is read-only',
  ETIMEDOUT: 'the host does not answer',
};

/** `it is a folder (EISDIR)`; undefined for a code that has no words. */
export function wordsFor(code: string | undefined): string | undefined {
  const words = REASONS[code ?? ''];
  return words && `${words} (${code})`;
}

/** Why a file or folder cannot be used, with the code of the system: `it is a folder (EISDIR)`. */
export function reasonOf(error: unknown): string {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const words = wordsFor(code);
  if (words !== undefined) return words;
  if (code !== undefined && syscall !== undefined) return `${code} on ${syscall}`;
  return error instanceof Error ? error.message : String(error);
}

/** The error with the path of its file, which the system does not tell of a write. */
export function withPath(error: unknown, path: string): NodeJS.ErrnoException {
  return Object.assign(error as NodeJS.ErrnoException, { path });
}

/** As `reasonOf`, for a file that was to be created. */
export function reasonNotCreated(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'its folder does not exist (ENOENT)' : reasonOf(error);
}

/** Transient system errors: too many open files, no memory, no room, an interrupted call. */
const TRANSIENT: ReadonlySet<unknown> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EINTR',
  'ENOSPC',
  'EDQUOT',
]);

/** Whether a retry may succeed. */
export function isTransient(error: unknown): boolean {
  return TRANSIENT.has((error as NodeJS.ErrnoException | undefined)?.code);
}
