/** Waits of the store on PostgreSQL, in milliseconds. */
export const WAITS = {
  /**
   * For connecting, an answer, and a commit's wait for its standby; then the connection is dropped.
   */
  answerMs: 5000,
  /** The lock that another server holds while it appends. Shorter than `answerMs`. */
  lockMs: 4000,
  /** Between two reads of the log without a notification. */
  lookMs: 1000,
  /** The longest that a record waits for more facts. */
  gatherMs: 10,
  /** Before the next connection attempt. */
  retryMs: 500,
  /** Until batches are refused because the engine is away. */
  patienceMs: 15_000,
} as const;

/** Length of a full record, and of one that does not wait for the record before; in bytes. */
export const RECORD_BYTES = 384 * 1024;
export const OVERLAP_BYTES = 128 * 1024;

/** Records, and bytes of rows, that one statement reads. */
export const FACTS_PAGE = 500;
export const PAGE_BYTES = 1024 * 1024;
