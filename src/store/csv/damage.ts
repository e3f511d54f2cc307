import { StoreError } from '../store.ts';

/**
 * A file is not what was made durable once: bytes were changed, removed, or belong to another file. Nothing is repaired by
 * guessing; whoever opens the store stops.
 */
export class DamageError extends StoreError {
  static readonly wayOut =
    "restore bets.csv and bets.journal together from a copy that 'loteria journal verify' accepts";

  readonly file: string;
  /** Where the file is not right any more, in bytes from its start. */
  readonly offset: number;
  readonly reason: string;

  constructor(file: string, offset: number, reason: string, cause?: unknown) {
    super('unusable', `${file} is damaged at offset ${offset}, ${reason}; ${DamageError.wayOut}`, cause);
    this.name = 'DamageError';
    this.file = file;
    this.offset = offset;
    this.reason = reason;
  }
}
