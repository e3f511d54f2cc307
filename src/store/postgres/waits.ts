/**
 * Every wait of the store on PostgreSQL, in milliseconds. One that ends without an answer drops the connection; the next
 * connection finds out what became of the statement.
 */
export const WAITS = {
  /** TCP, TLS and authentication. */
  connectMs: 5000,
  /** A statement, also for the server (`statement_timeout`, which does not end a commit's wait for a standby). */
  statementMs: 10_000,
  /** A statement that commits: longer, and the server looks for another primary. */
  commitMs: 5000,
  /** A lock, which another server holds while its commit waits (`lock_timeout`). */
  lockMs: 4000,
  /** A server that hangs while it holds the lock loses its connection (`idle_in_transaction_session_timeout`). */
  turnMs: 5000,
  /** Bytes that a peer does not acknowledge (`tcp_user_timeout`). */
  silenceMs: 10_000,
  /** From one look at log and settings to the next, where nothing is notified. */
  lookMs: 1000,
  /** Before another connection is tried. */
  retryMs: 500,
  /** How long batches wait for an engine that is away before they are refused. */
  patienceMs: 15_000,
  /** How long a command that only reads waits for it. */
  inspectionMs: 10_000,
} as const;

/** Length at which a record of the log is full, in bytes. */
export const RECORD_BYTES = 384 * 1024;

/** Records that one statement reads without their rows, and with them. */
export const FACTS_PAGE = 1000;
export const ROWS_PAGE = 8;
