/** Transient system errors: too many open files, no memory, no room, an interrupted call. */
const PASSING: ReadonlySet<unknown> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EINTR',
  'ENOSPC',
  'EDQUOT',
]);

/** Whether a retry may succeed. */
export function isPassing(error: unknown): boolean {
  return PASSING.has((error as NodeJS.ErrnoException | undefined)?.code);
}
