import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';
import type { BetField, FieldRanges } from '../lottery/bet-rules.ts';
import type { Limits } from './limits.ts';
import type { BetsMessage, ClientMessage, ServerAnswer, ServerMessage } from './message.ts';

/**
 * One encoding of the conversation between an agency and the central. A dialect does no I/O and
 * knows no rules of the lottery: it turns bytes in any chunking into messages, and messages into
 * bytes. It is chosen once, per listener or per client, and passed in.
 */
export interface Dialect {
  readonly name: string;
  readonly conversation: Conversation;
  /** Highest agency id that the dialect can encode. */
  readonly agencyMax: number;
  /** The central's half of one connection. */
  central(limits: Limits): CentralCodec;
  /** The half of agency `id` of one connection. */
  agency(limits: Limits, id: number): AgencyCodec;
}

/** The properties of a dialect's conversation, besides its bytes, that both sides have to know. */
export interface Conversation {
  /** Whether the end of an agency's bets is answered; if not, the agency sends it only once. */
  readonly finishIsAnswered: boolean;
  /** Whether an agency polls for its winners, or the central sends them after the draw. */
  readonly winners: 'asked' | 'sent';
  /** Whether each question for the winners has a connection of its own, closed after the answer. */
  readonly connectionPerQuestion: boolean;
  /** Whether a connection survives a refused batch: the agency sends the next one. */
  readonly survivesRefusedBatch: boolean;
  /** Whether each frame is a write of its own: peers decode one frame per read. */
  readonly writePerFrame: boolean;
  /** Whether the agency closes while it waits for the draw, as a sequential server needs. */
  readonly closesBetweenPolls: boolean;
  /** Whether some servers close the connection after each answer. */
  readonly serverMayClose: boolean;
}

export const BASE_CONVERSATION: Conversation = {
  finishIsAnswered: true,
  winners: 'asked',
  connectionPerQuestion: false,
  survivesRefusedBatch: false,
  writePerFrame: false,
  closesBetweenPolls: true,
  serverMayClose: false,
};

/** A dialect whose uploads survive broken connections. */
export interface ResumableDialect extends Dialect {
  agency(limits: Limits, id: number): ResumableCodec;
}

/** Bytes in, messages out; the caller sets the pace. */
export interface Decoder<Message> {
  /** Adds bytes of the stream, which belong to the decoder until its next `push`. */
  push(chunk: Uint8Array): void;
  /**
   * The next complete message; undefined when more bytes are needed.
   *
   * @throws WireError for bytes that are no message; the decoder is unusable afterwards
   */
  next(): Message | undefined;
  /** Whether part of an incomplete message has arrived. */
  readonly pending: boolean;
  /** Bytes in memory that `next` has not consumed. */
  readonly bufferedBytes: number;
}

export interface CentralCodec extends Decoder<ClientMessage> {
  /** The bets of a message as rows, or their first fault. `message` may be reused afterwards. */
  readBets(message: BetsMessage, agency: number): BetBatch | BatchFault;
  /**
   * The frames of a reply, one write each; none where the dialect has no answer.
   *
   * @param to the message that is answered; undefined for undecodable bytes and timeouts
   * @throws WireError `malformed` when the dialect cannot encode the reply
   */
  encode(reply: ServerMessage, to?: ClientMessage['kind']): readonly Uint8Array[];
}

export interface AgencyCodec extends Decoder<ServerAnswer> {
  readonly batch: FrameEncoder;
  /** The first frame of a connection; undefined where every message names the agency. */
  identify(): Uint8Array | undefined;
  finish(): Uint8Array;
  /** The question for the winners; throws where they are sent without one. */
  askWinners(): Uint8Array;
}

/** The agency's half with the messages of a resumable upload. */
export interface ResumableCodec extends AgencyCodec {
  readonly batch: NumberedBatchEncoder;
  resume(upload: string): Uint8Array;
  uploadDone(batches: number, bets: number): Uint8Array;
  /** @param seen number of the last acta that the agency has seen, 0 before the first */
  awaitWinners(seen: number): Uint8Array;
  disputeActa(acta: number, bets: number, sha256: string): Uint8Array;
}

/** Collects valid bets into the frame of one batch. */
export interface BatchEncoder {
  /** Bets in the batch. */
  readonly count: number;
  /** Adds bets straight from a file's lines; undefined where there is only `add`. */
  readonly lines?: LineBatchWriter | undefined;
  /**
   * Adds a bet that the rules found valid: `added`; `full` when only the next batch has room for
   * it; or why the dialect cannot encode it.
   */
  add(bet: FieldRanges): 'added' | 'full' | UnsendableBet;
  /** Returns the frame of the batch and clears the encoder. */
  take(): Uint8Array;
}

export interface FrameEncoder extends BatchEncoder {
  /** Returns the message of the only bet (exercise 5) and clears the encoder. */
  takeSingle(): Uint8Array;
}

/**
 * Adds many lines of an agency's file at a time, where the payload holds the fields as the file
 * does. The bytes are those that `add` would write; a line that it skips may be a valid bet.
 */
export interface LineBatchWriter {
  /** Sets the bytes of the file, to be used until the next `load`, and their field delimiter. */
  load(chunk: Uint8Array, delimiter: number): void;
  /**
   * Adds lines from `at` on, up to an unusual one, the end of the room, or `countMax` bets in the
   * batch. Returns the place after them: the line there needs `add`.
   */
  addLines(at: number, countMax: number): number;
}

export interface NumberedBatchEncoder extends FrameEncoder {
  /** Returns the frame of the batch as part of an upload and clears the encoder. */
  takeNumbered(seq: number): Uint8Array;
  /** Returns the fields with `|` between them, valid until the next `add`; clears the encoder. */
  takeFields(): Uint8Array;
}

/** Why a dialect cannot encode a field. `docs/ERRORS.md` explains each. */
export const UNSENDABLE_REASONS = [
  /** It holds the dialect's own separator. */
  'separator',
  /** It is longer than the dialect, or its server, accepts. */
  'too-long-for-dialect',
  /** The dialect's integer cannot hold it, or its server refuses it. */
  'out-of-range-for-dialect',
] as const;

/** A valid bet that the dialect cannot encode. */
export interface UnsendableBet {
  readonly field: BetField;
  readonly reason: (typeof UNSENDABLE_REASONS)[number];
}

/** The hot loop from lines to fields of the base protocol; implemented in `kernel/`. */
export interface LineCopier {
  load(chunk: Uint8Array, delimiter: number): void;
  /**
   * Copies usual lines from `at` on, with `|` before each bet and between its fields: at most
   * `countMax` lines in at most `roomBytes`. `fields` is valid until the next call; `end` is the
   * place after the last line.
   */
  copy(
    at: number,
    roomBytes: number,
    countMax: number,
  ): { readonly fields: Uint8Array; readonly count: number; readonly end: number };
}

/** Opens the hot loop; undefined where the machine cannot run it. */
export type OpenLineCopier = () => LineCopier | undefined;

/** The hot loop from a payload of the base protocol to rows; implemented in `kernel/`. */
export interface BetReader {
  /** Reads `n|` and then 5·n fields. */
  readBatch(payload: Uint8Array, agency: number): BetBatch | BatchFault;
  /** Reads the five fields of one bet. */
  readBet(payload: Uint8Array, agency: number): BetBatch | BatchFault;
}
