import { StoreError } from '../store.ts';

/**
 * A file differs from what was made durable: bytes were changed, removed, or belong to another
 * file. Nothing is repaired by guessing.
 */
export class DamageError extends StoreError {
  static readonly wayOut =
    "restore bets.csv and bets.journal together from a copy that 'loteria journal verify' accepts";

  readonly file: string;
  /** Of the first damage, in bytes. */
  readonly offset: number;
  readonly reason: string;

  constructor(file: string, offset: number, reason: string, cause?: unknown) {
    super(
      'unusable',
      `${file} is damaged at offset ${offset}, ${reason}; ${DamageError.wayOut}`,
      cause,
    );
    this.name = 'DamageError';
    this.file = file;
    this.offset = offset;
    this.reason = reason;
  }
}
