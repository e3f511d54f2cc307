/** Waits of the store on PostgreSQL, in milliseconds. */
export const WAITS = {
  /** Connecting, an answer, a commit's wait for its standby; after it the connection is dropped. */
  answerMs: 5000,
  /** The lock that another server holds while it appends. Shorter than `answerMs`. */
  lockMs: 4000,
  /** Between two reads of log and settings without a notification. */
  lookMs: 1000,
  /** The longest that a record waits for more facts. */
  gatherMs: 10,
  /** Before the next connection attempt. */
  retryMs: 500,
  /** Until batches are refused because the engine is away. */
  patienceMs: 15_000,
} as const;

/** Length at which a record of the log is full, and from which on it does not wait for the one before; in bytes. */
export const RECORD_BYTES = 384 * 1024;
export const OVERLAP_BYTES = 128 * 1024;

/** Records that one statement reads; with their rows it begins none behind so many bytes. */
export const FACTS_PAGE = 500;
export const PAGE_BYTES = 1024 * 1024;
