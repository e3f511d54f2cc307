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
