import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';
import type { BetField, FieldRanges } from '../lottery/bet-rules.ts';
import type { Limits } from './limits.ts';
import type { BetsMessage, ClientMessage, ServerAnswer, ServerMessage } from './message.ts';

/**
 * One way to put the conversation between an agency and the central into bytes. A dialect does no input or output and
 * knows no rules of the lottery: it turns bytes in any chunking into messages and messages into bytes. It is chosen
 * once, per listener or per client, and passed in.
 */
export interface Dialect {
  readonly name: string;
  readonly conversation: Conversation;
  /** Highest id of an agency that the dialect has bytes for. */
  readonly agencyMax: number;
  /** The central's half, for one connection. */
  central(limits: Limits): CentralCodec;
  /** The half of agency `id`, for one connection. */
  agency(limits: Limits, id: number): AgencyCodec;
}

/** How a conversation goes, beside its bytes: what both sides must know of a dialect to follow the rules in it. */
export interface Conversation {
  /** Whether the end of an agency's bets is answered. Where it is not, an agency says it once and nobody knows whether it arrived. */
  readonly finishIsAnswered: boolean;
  /** Whether an agency asks for its winners, again and again until there are some, or is sent them after the draw. */
  readonly winners: 'asked' | 'sent';
  /** Whether each question for the winners has a connection of its own, which both sides close after the answer. */
  readonly questionsApart: boolean;
  /** Whether a connection goes on after a batch of which nothing was stored: the agency leaves it out and sends the next one. */
  readonly outlivesRefusedBatch: boolean;
  /** Whether no two frames may share a segment, in either direction: peers decode what one read returns. */
  readonly framesApart: boolean;
  /** Whether the agency closes while it waits for the draw: a sequential server serves the next one then. */
  readonly closesWhileWaiting: boolean;
  /** Whether some servers close the connection after each answer. */
  readonly serverMayClose: boolean;
}

/** The conversation of the base protocol. */
export const BASE_CONVERSATION: Conversation = {
  finishIsAnswered: true,
  winners: 'asked',
  questionsApart: false,
  outlivesRefusedBatch: false,
  framesApart: false,
  closesWhileWaiting: true,
  serverMayClose: false,
};

/** A dialect with uploads that survive broken connections. */
export interface ResumableDialect extends Dialect {
  agency(limits: Limits, id: number): ResumableCodec;
}

/** Bytes in, messages out, at the pace of whoever asks. */
export interface Decoder<Message> {
  /** Takes the next bytes of the stream. They belong to the decoder until its next `push`. */
  push(chunk: Uint8Array): void;
  /**
   * The next complete message, or undefined when more bytes are needed.
   *
   * @throws WireError when the bytes are no message of the dialect; the decoder is of no use afterwards
   */
  next(): Message | undefined;
  /** Whether bytes of a message that is not complete are waiting. */
  readonly pending: boolean;
  /** Bytes that are held in memory: those of a message that is not complete, and those that nobody has asked for yet. */
  readonly heldBytes: number;
}

export interface CentralCodec extends Decoder<ClientMessage> {
  /** The bets of a message, as rows; or the first thing that is wrong with them. Nothing is kept of `message`. */
  readBets(message: BetsMessage, agency: number): BetBatch | BatchFault;
  /**
   * The frames of a reply, each to be written with one write; none where the dialect says nothing.
   *
   * @param to what is answered, unless it is no message: bytes that are none, a time that is over
   * @throws WireError `malformed` when the dialect has no bytes for it
   */
  encode(reply: ServerMessage, to?: ClientMessage['kind']): readonly Uint8Array[];
}

export interface AgencyCodec extends Decoder<ServerAnswer> {
  readonly batch: BatchEncoder;
  /** Who is speaking, to be sent first; undefined where every message says it. */
  identify(): Uint8Array | undefined;
  finish(): Uint8Array;
  /** The question for the winners; not where they are sent without one. */
  askWinners(): Uint8Array;
}

/** What an agency says besides when its upload is to survive broken connections. */
export interface ResumableCodec extends AgencyCodec {
  readonly batch: NumberedBatchEncoder;
  resume(upload: string): Uint8Array;
  uploadDone(batches: number, bets: number): Uint8Array;
  /** @param seen number of the last acta that the agency has seen, 0 before the first */
  awaitWinners(seen: number): Uint8Array;
  disputeActa(acta: number, bets: number, sha256: string): Uint8Array;
}

/** Gathers valid bets into the frame of one batch. */
export interface BatchEncoder {
  /** Number of bets gathered. */
  readonly count: number;
  /** The fast way for bets that stand in a file one after the other; undefined where there is only `add`. */
  readonly lines?: LineGatherer | undefined;
  /**
   * Adds a bet that the rules found valid: `added`; or `full` when it fits only into the next batch; or what makes it
   * impossible to send in this dialect.
   */
  add(bet: FieldRanges): 'added' | 'full' | UnsendableBet;
  /** The frame of the batch; the encoder is empty again. */
  take(): Uint8Array;
  /** The frame of a message for the bet that was added alone (exercise 5); the encoder is empty again. */
  takeSingle(): Uint8Array;
}

/**
 * Adds bets as they stand in the agency's file, many at a time: an encoder may have it when its payload holds the fields as
 * the file does. What it adds, `add` would have added with the same bytes; what it leaves may be a bet all the same.
 */
export interface LineGatherer {
  /** Takes the next bytes of the file, to be used up to the next `load`, and the byte between its fields. */
  load(chunk: Uint8Array, delimiter: number): void;
  /**
   * Adds the lines from `at` on for as long as they are usual ones and have room, until there are `countMax` bets in the
   * batch. Returns the place behind them, where the line begins that is to be added in another way.
   */
  gather(at: number, countMax: number): number;
}

export interface NumberedBatchEncoder extends BatchEncoder {
  /** The frame of the batch as part of an upload; the encoder is empty again. */
  takeNumbered(seq: number): Uint8Array;
  /** The fields of the batch with a `|` between them, valid until the next bet is added; the encoder is empty again. */
  takeFields(): Uint8Array;
}

/** Why a dialect has no bytes for a field. `docs/ERRORS.md` explains each. */
export const UNSENDABLE_REASONS = [
  /** It holds the dialect's own separator. */
  'separator',
  /** It is longer than the dialect, or its server, takes. */
  'too-long-for-dialect',
  /** It is a number that the dialect's integer cannot hold, or its server refuses. */
  'out-of-range-for-dialect',
] as const;

type UnsendableReason = (typeof UNSENDABLE_REASONS)[number];

export interface UnsendableBet {
  readonly field: BetField;
  /** The bet is valid but the dialect has no bytes for it. */
  readonly reason: UnsendableReason;
}

/** The hot loop from lines to fields, of dialects with the fields of the base protocol; the implementation is in `kernel/`. */
export interface LineCopier {
  load(chunk: Uint8Array, delimiter: number): void;
  /**
   * Copies usual lines from `at` on, with `|` before each bet and between its fields: at most `countMax` lines in at most
   * `roomBytes`. The fields are to be taken before the next call; `end` is the place behind the last line.
   */
  copy(
    at: number,
    roomBytes: number,
    countMax: number,
  ): { readonly fields: Uint8Array; readonly count: number; readonly end: number };
}

/** Opens the hot loop for whoever needs it; undefined where the machine cannot run it. */
export type OpenLineCopier = () => LineCopier | undefined;

/**
 * The hot loop from a payload to rows. Dialects with the fields of the base protocol are given one of the
 * implementations in `kernel/`.
 */
export interface BetReader {
  /** Reads `n|` and then 5·n fields. */
  readBatch(payload: Uint8Array, agency: number): BetBatch | BatchFault;
  /** Reads the five fields of one bet. */
  readBet(payload: Uint8Array, agency: number): BetBatch | BatchFault;
}
