/** Errors of the system that pass by themselves: too many open files, no memory, no room, an interrupted call. */
const PASSING: ReadonlySet<unknown> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EINTR',
  'ENOSPC',
  'EDQUOT',
]);

/** Whether what failed may succeed when it is tried again. */
export function isPassing(error: unknown): boolean {
  return PASSING.has((error as NodeJS.ErrnoException | undefined)?.code);
}
