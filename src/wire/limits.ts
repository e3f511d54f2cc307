/**
 * Every size, count, queue and wait that a peer can drive, with its unit and its reason (protocol
 * page, "Limits"). The configuration may change those that it names; nothing else in the program
 * sets a limit of its own.
 */
export interface Limits {
  /**
   * Longest payload of a client's message, in bytes: with its 8-byte header a packet never exceeds
   * 8 kB.
   */
  readonly payloadBytesMax: number;
  /** Longest payload of the central's message, in bytes: a list of winners has no other bound. */
  readonly replyPayloadBytesMax: number;
  /**
   * Longest acta that is sent to agencies, in bytes: some 10,000 agencies. Longer ones have only
   * the operator's port.
   */
  readonly actaBytesMax: number;
  /** Longest line of the echo server (exercises 1-4), in bytes. */
  readonly echoLineBytesMax: number;
  /** Unanswered requests per connection: beyond, the central stops reading it (back-pressure). */
  readonly unansweredMax: number;
  /** Messages of one connection that are answered in one turn of the event loop: fairness. */
  readonly messagesPerTurnMax: number;
  /** Unsynced bytes of rows in the whole server: beyond, no connection is read (back-pressure). */
  readonly unsyncedBytesMax: number;
  /** Bytes that all connections buffer together: beyond, the one that buffers most is cut. */
  readonly bufferedBytesMax: number;
  /** Open connections in all. */
  readonly connectionsMax: number;
  /** Open connections of one agency. */
  readonly agencyConnectionsMax: number;
  /** Batches of one upload that may be invalid: each is kept in memory and in the journal. */
  readonly refusedBatchesMax: number;
  /**
   * Time that a question for the winners of a finished agency waits for the draw, in milliseconds:
   * long polling for agencies that ask every few seconds.
   */
  readonly questionWaitMs: number;
  /** Connections that may wait for the draw; further questions are answered at once. */
  readonly questionsWaitingMax: number;
  /** Time between two `PING`s to an agency that waits for the draw, in milliseconds. */
  readonly pingIntervalMs: number;
  /**
   * Least bytes that move in a window of time while a message or an answer is awaited: a deadline
   * cuts a peer that stands still, not one whose link is slow. 512 in 10 s is a fifth of a link of
   * 2 kbit/s.
   */
  readonly progressBytesMin: number;
  /** Time for the TLS handshake, in milliseconds: its 6 kB or so take half of it at 2 kbit/s. */
  readonly handshakeTimeoutMs: number;
  /**
   * Window for the first message of a connection: for the whole of it or `progressBytesMin`, in
   * milliseconds.
   */
  readonly firstMessageTimeoutMs: number;
  /** Window for the rest of a message that has begun, in milliseconds. */
  readonly messageTimeoutMs: number;
  /** Time without any message, in milliseconds. */
  readonly idleTimeoutMs: number;
  /**
   * Time in which a peer takes a slice (64 kB) of the answers that wait for it, in milliseconds.
   * Long, because the kernel reports no smaller steps, and one takes more than four minutes at 2
   * kbit/s.
   */
  readonly unreadTimeoutMs: number;
  /**
   * Time a closing connection waits for the peer to close too, in milliseconds, reading and
   * ignoring what comes. Short, because a server that stops waits for it, and containers are
   * sometimes given no more than a second.
   */
  readonly lingerTimeoutMs: number;
  /**
   * Bytes read and ignored on a closing connection: a peer that sends on is cut off. Room for a
   * full window of batches.
   */
  readonly lingerBytesMax: number;
  /**
   * Time between two reads on a closing connection, each of at most 64 kB or so, in milliseconds.
   */
  readonly lingerReadMs: number;
  /**
   * Time for accepted requests to be answered when the process is asked to stop, in milliseconds.
   */
  readonly stopTimeoutMs: number;
  /**
   * Time the agency waits for an answer of the central, or for `progressBytesMin` of it, in
   * milliseconds. Before the first answer on a connection it waits on, as a sequential server may
   * be serving another agency.
   */
  readonly answerTimeoutMs: number;
  /** Time the agency waits for a connection to be established, in milliseconds. */
  readonly connectTimeoutMs: number;
}

/**
 * Room for the longest bet: two names, document, birthdate and number with their separators, and
 * the numbers before.
 */
export const PAYLOAD_BYTES_MIN = 1024;

const SECOND = 1_000;
const MEGABYTE = 1024 * 1024;

export const DEFAULT_LIMITS: Limits = {
  payloadBytesMax: 8192 - 8,
  replyPayloadBytesMax: 64 * MEGABYTE,
  actaBytesMax: MEGABYTE,
  echoLineBytesMax: 8192,
  unansweredMax: 64,
  messagesPerTurnMax: 16,
  unsyncedBytesMax: 4 * MEGABYTE,
  bufferedBytesMax: 256 * MEGABYTE,
  connectionsMax: 4096,
  agencyConnectionsMax: 16,
  refusedBatchesMax: 10_000,
  questionWaitMs: 10 * SECOND,
  questionsWaitingMax: 2048,
  pingIntervalMs: 10 * SECOND,
  progressBytesMin: 512,
  handshakeTimeoutMs: 60 * SECOND,
  firstMessageTimeoutMs: 10 * SECOND,
  messageTimeoutMs: 10 * SECOND,
  idleTimeoutMs: 300 * SECOND,
  unreadTimeoutMs: 300 * SECOND,
  lingerTimeoutMs: SECOND / 2,
  lingerBytesMax: MEGABYTE,
  lingerReadMs: 20,
  stopTimeoutMs: 5 * SECOND,
  answerTimeoutMs: 60 * SECOND,
  connectTimeoutMs: 10 * SECOND,
};
