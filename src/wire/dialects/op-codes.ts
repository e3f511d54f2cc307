import assert from 'node:assert';
import { BET_FIELDS, type FieldRanges } from '../../lottery/bet-rules.ts';
import type { ByteQueue } from '../byte-queue.ts';
import { Reader, Writer } from '../cursor.ts';
import type { AgencyCodec, CentralCodec, Dialect } from '../dialect.ts';
import { BASE_CONVERSATION } from '../dialect.ts';
import type { Limits } from '../limits.ts';
import { type ItemShape, ListScan } from '../list-scan.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { PEER_TEXT_LENGTH_MAX, peerText } from '../peer-text.ts';
import { WireError } from '../refusal.ts';
import { StreamDecoder } from '../stream-decoder.ts';
import { HEADER_BYTES as BASE_HEADER_BYTES } from '../typed-frames.ts';
import { BatchReader, BatchWriter, type BetFormat, fieldsLength, valueOf } from './bets.ts';

/**
 * The dialect op-codes (protocol page). No message has a length: its fields determine its end.
 * Integers are big-endian.
 *
 *     batch   = 03; u16 count; `count` bets, all of one agency
 *     bet     = 01; u8 agency; str nombre; str apellido; str documento; str nacimiento; u16 numero
 *     answer  = 02; u8 code; str text for a person
 *     notify  = 04; u8 agency; u8 kind
 *     winners = 05; u16 count; `count` str, the documents
 *     str     = u16 length; `length` bytes, UTF-8
 *
 *     agency                                          central
 *     batch                                           answer 1: stored / 2: error in the batch
 *     notify 0: all bets sent                         no answer
 *     notify 1: question for the winners              answer 3: not yet / 4, then winners
 *
 * A connection survives an error: the agency leaves that batch out.
 */
export function createOpCodesDialect(): Dialect {
  const bets = new BatchReader(betFormatOf(0));
  return {
    name: 'op-codes',
    conversation: {
      ...BASE_CONVERSATION,
      finishIsAnswered: false,
      survivesRefusedBatch: true,
      serverMayClose: true,
    },
    agencyMax: AGENCY_MAX,
    central: limits => new OpCodesCentralCodec(bets, limits),
    agency: (limits, id) => new OpCodesAgencyCodec(limits, id),
  };
}

/** Operations. */
const BET = 1;
const ANSWER = 2;
const BATCH = 3;
const NOTIFY = 4;
const WINNERS = 5;
/** Codes of an answer. */
const STORED = 1;
const BATCH_ERROR = 2;
const NOT_DRAWN = 3;
const WINNERS_FOLLOW = 4;
/** Kinds of a notification. */
const ALL_SENT = 0;
const ASK = 1;

const AGENCY_MAX = 255;
/** The original server refuses a batch with a greater one. */
const NUMBER_OF_ORIGINAL_MAX = 9997;
const U16_MAX = 65_535;

const OP_BYTES = 1;
const LENGTH_BYTES = 2;
/** Operation and count, before the bets or documents. */
const LIST_HEAD_BYTES = OP_BYTES + 2;
/** Operation and agency, before the fields of a bet. */
const BET_HEAD_BYTES = OP_BYTES + 1;
const BET_TEXTS = BET_FIELDS.length - 1;
/** A bet whose texts are empty. */
const BET_BYTES_MIN = BET_HEAD_BYTES + BET_TEXTS * LENGTH_BYTES + 2;
/** Operation and code, before the text of an answer. */
const ANSWER_HEAD_BYTES = OP_BYTES + 1;
const NOTIFY_BYTES = OP_BYTES + 2;

/** Of a number the value is sent: leading zeros are lost. */
function betFormatOf(agency: number): BetFormat {
  return {
    read(from) {
      from.skip(BET_HEAD_BYTES);
      for (let text = 0; text < BET_TEXTS; text += 1) from.field(text, from.u16());
      from.number(BET_TEXTS, from.u16());
      return undefined;
    },
    bytesOf: bet => BET_BYTES_MIN + fieldsLength(bet, BET_TEXTS),
    write(to, bet) {
      const { bytes, starts, ends } = bet;
      to.u8(BET).u8(agency);
      for (let text = 0; text < BET_TEXTS; text += 1) {
        to.u16(ends[text]! - starts[text]!).bytes(bytes, starts[text], ends[text]);
      }
      to.u16(numberOf(bet));
    },
    // The original server may refuse it, which must not cost other bets.
    standsAlone: bet => numberOf(bet) > NUMBER_OF_ORIGINAL_MAX,
  };
}

function numberOf({ bytes, starts, ends }: FieldRanges): number {
  return valueOf(bytes, starts[BET_TEXTS]!, ends[BET_TEXTS]!);
}

const BET_SHAPE: ItemShape = {
  bytesMin: BET_BYTES_MIN,
  /** @throws WireError `malformed` for anything but a bet of the batch's agency */
  end(queue, at) {
    if (queue.length > at && queue.byteAt(at) !== BET) {
      throw new WireError('malformed', `operation ${queue.byteAt(at)} in the place of a bet`);
    }
    if (queue.length > at + OP_BYTES) {
      checkAgency(queue.byteAt(at + OP_BYTES));
      // A batch is stored as that of one agency, all or nothing.
      if (queue.byteAt(at + OP_BYTES) !== queue.byteAt(LIST_HEAD_BYTES + OP_BYTES)) {
        throw new WireError('malformed', 'bets of more than one agency in a batch');
      }
    }
    let field = at + BET_HEAD_BYTES;
    let end = at + BET_BYTES_MIN;
    for (let text = 0; text < BET_TEXTS; text += 1) {
      if (queue.length < field + LENGTH_BYTES) return end;
      const length = queue.u16At(field);
      field += LENGTH_BYTES + length;
      end += length;
    }
    return end;
  },
};

const TEXT_SHAPE: ItemShape = { bytesMin: LENGTH_BYTES, end: textEnd };

function textEnd(queue: ByteQueue, at: number): number {
  const start = at + LENGTH_BYTES;
  return queue.length < start ? start : start + queue.u16At(at);
}

function checkAgency(agency: number): void {
  if (agency === 0) throw new WireError('malformed', 'agency 0, ids are from 1 to 255');
}

/** The first byte of a message is its operation. */
abstract class OpCodesDecoder<Message> extends StreamDecoder<Message> {
  readonly #shape: ItemShape;
  readonly #listBytesMax: number;
  /** The list that is incomplete. */
  #scan: ListScan | undefined;

  /** @param listBytesMax longest list in bytes, with its operation */
  constructor(shape: ItemShape, listBytesMax: number) {
    super();
    this.#shape = shape;
    this.#listBytesMax = listBytesMax;
  }

  /** @throws WireError `unknown-message`, `payload-too-large` or `malformed` */
  protected override decode(): Message | undefined {
    return this.queue.length === 0 ? undefined : this.decodeMessage(this.queue.byteAt(0));
  }

  protected abstract decodeMessage(op: number): Message | undefined;

  /** Consumes a list and returns its items; undefined while it is incomplete. */
  protected takeList(): Uint8Array | undefined {
    const { queue } = this;
    if (queue.length < LIST_HEAD_BYTES) return undefined;
    const count = queue.u16At(OP_BYTES);
    this.#scan ??= new ListScan(this.#shape, LIST_HEAD_BYTES, count, this.#listBytesMax);
    const length = this.#scan.lengthIn(queue);
    if (length === undefined) return undefined;
    this.#scan = undefined;
    return queue.take(length, LIST_HEAD_BYTES);
  }
}

class OpCodesCentralCodec extends OpCodesDecoder<ClientMessage> implements CentralCodec {
  readonly readBets: CentralCodec['readBets'];

  constructor(bets: BatchReader, limits: Limits) {
    super(BET_SHAPE, batchBytesMax(limits));
    this.readBets = bets.readBets;
  }

  protected override decodeMessage(op: number): ClientMessage | undefined {
    switch (op) {
      case BATCH:
        return this.#decodeBatch();
      case NOTIFY:
        return this.#decodeNotify();
      default:
        throw new WireError('unknown-message', `operation ${op}`);
    }
  }

  /** The bets name the agency: a batch without a bet names none. */
  #decodeBatch(): ClientMessage | undefined {
    const payload = this.takeList();
    if (payload === undefined) return undefined;
    const agency = payload[OP_BYTES];
    return agency === undefined ? { kind: 'empty-batch' } : { kind: 'batch', payload, agency };
  }

  #decodeNotify(): ClientMessage | undefined {
    if (this.queue.length < NOTIFY_BYTES) return undefined;
    const [agency, kind] = this.queue.take(NOTIFY_BYTES, OP_BYTES) as unknown as [number, number];
    checkAgency(agency);
    if (kind === ALL_SENT) return { kind: 'finish', agency };
    if (kind === ASK) return { kind: 'ask-winners', agency };
    throw new WireError('malformed', `a notification of kind ${kind}`);
  }

  encode(reply: ServerMessage, to?: ClientMessage['kind']): readonly Uint8Array[] {
    // The end of the bets has no answer, neither a positive nor a negative one.
    if (to === 'finish') return [];
    switch (reply.kind) {
      case 'accepted':
        return [encodeAnswer(STORED)];
      case 'not-drawn':
        return [encodeAnswer(NOT_DRAWN)];
      case 'winners':
        return [encodeAnswer(WINNERS_FOLLOW), encodeWinners(reply.documents)];
      case 'refused':
      case 'bets-refused':
        return [encodeAnswer(BATCH_ERROR, reply.refusal.detail)];
      default:
        return [];
    }
  }
}

/** Longest batch: as long as a frame of the base protocol with its header, 8192 bytes. */
function batchBytesMax({ payloadBytesMax }: Limits): number {
  return BASE_HEADER_BYTES + payloadBytesMax;
}

class OpCodesAgencyCodec extends OpCodesDecoder<ServerAnswer> implements AgencyCodec {
  readonly batch: BatchWriter;
  readonly #id: number;
  /** Whether the winners are due: their announcement has arrived. */
  #winnersFollow = false;

  constructor(limits: Limits, id: number) {
    if (id < 1 || id > AGENCY_MAX) {
      throw new RangeError(
        `the dialect op-codes has agencies from 1 to ${AGENCY_MAX}, and this is agency ${id}`,
      );
    }
    super(TEXT_SHAPE, OP_BYTES + limits.replyPayloadBytesMax);
    this.#id = id;
    this.batch = new BatchWriter(limits, betFormatOf(id), {
      header: Uint8Array.of(BATCH, 0, 0),
      bytesMax: batchBytesMax(limits),
      finish(frame, count) {
        // A payload has at most 1 MiB, room for 42,000 of the shortest bets.
        assert(count <= U16_MAX);
        frame.writeUInt16BE(count, OP_BYTES);
      },
    });
  }

  override get pending(): boolean {
    return super.pending || this.#winnersFollow;
  }

  identify(): undefined {
    return undefined;
  }

  finish(): Uint8Array {
    return Uint8Array.of(NOTIFY, this.#id, ALL_SENT);
  }

  askWinners(): Uint8Array {
    return Uint8Array.of(NOTIFY, this.#id, ASK);
  }

  protected override decodeMessage(op: number): ServerAnswer | undefined {
    if (op === WINNERS) return this.#decodeWinners();
    if (op !== ANSWER) throw new WireError('unknown-message', `operation ${op}`);
    if (this.#winnersFollow) {
      throw new WireError('malformed', 'no winners behind the answer that announces them');
    }
    return this.#decodeAnswer();
  }

  #decodeAnswer(): ServerAnswer | undefined {
    const end = textEnd(this.queue, ANSWER_HEAD_BYTES);
    if (this.queue.length < end) return undefined;
    const answer = new Reader(this.queue.take(end, OP_BYTES));
    const code = answer.u8();
    switch (code) {
      case STORED:
        return { kind: 'accepted' };
      case BATCH_ERROR: {
        const detail = peerText(answer.text(answer.u16())) || 'an error in the batch';
        return { kind: 'bets-refused', refusal: { code: 'invalid-bet', detail } };
      }
      case NOT_DRAWN:
        return { kind: 'not-drawn' };
      case WINNERS_FOLLOW:
        this.#winnersFollow = true;
        return this.next();
      default:
        throw new WireError('malformed', `an answer with the code ${code}`);
    }
  }

  /** The announcement may be missing: winners are unambiguous without it. */
  #decodeWinners(): ServerAnswer | undefined {
    const payload = this.takeList();
    if (payload === undefined) return undefined;
    this.#winnersFollow = false;
    const from = new Reader(payload);
    const documents: string[] = [];
    while (from.left > 0) documents.push(from.text(from.u16()));
    return { kind: 'winners', documents };
  }
}

/** The text is the reason of a refusal; other codes need none. */
function encodeAnswer(code: number, text = ''): Uint8Array {
  return encodeTexts(Uint8Array.of(ANSWER, code), [text.slice(0, PEER_TEXT_LENGTH_MAX)]);
}

/** @throws WireError `malformed` when there are more than a `u16` can count */
function encodeWinners(documents: readonly string[]): Uint8Array {
  const { length } = documents;
  if (length > U16_MAX) {
    throw new WireError('malformed', `${length} winners, and op-codes can count ${U16_MAX}`);
  }
  return encodeTexts(Uint8Array.of(WINNERS, length >>> 8, length), documents);
}

/** A message: `head`, then each text as a `str`. */
function encodeTexts(head: Uint8Array, texts: readonly string[]): Uint8Array {
  const encoded = texts.map(text => Buffer.from(text));
  const length = encoded.reduce((sum, text) => sum + LENGTH_BYTES + text.length, head.length);
  const to = new Writer(length).bytes(head);
  for (const text of encoded) to.u16(text.length).bytes(text);
  return to.copy();
}
