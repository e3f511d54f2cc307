import type { BatchFault, BetBatch } from '../../lottery/bet-batch.ts';
import { BET_FIELDS, type FieldRanges, fieldText } from '../../lottery/bet-rules.ts';
import { RowGatherer } from '../../lottery/row-gatherer.ts';
import type { ByteQueue } from '../byte-queue.ts';
import type {
  AgencyCodec,
  BatchEncoder,
  CentralCodec,
  Conversation,
  Dialect,
  UnsendableBet,
} from '../dialect.ts';
import { QueueDecoder } from '../queue-decoder.ts';
import { type Limits, PAYLOAD_BYTES_MIN } from '../limits.ts';
import { type ItemShape, ListScan } from '../list-scan.ts';
import type { BetsMessage, ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { PEER_TEXT_LENGTH_MAX, peerText } from '../peer-text.ts';
import { WireError } from '../refusal.ts';
import { HEADER_BYTES as BASE_HEADER_BYTES } from '../typed-frames.ts';
import { putBytes, putDigits, putU16 } from './put-bytes.ts';

/**
 * The dialect op-codes (protocol page). No message has a length: where it ends, its fields tell. Integers are big-endian.
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
 *     notify 1: tell me the winners                   answer 3: not yet / 4, and winners behind it
 *
 * A connection goes on for as long as the agency likes, also after an error: the agency leaves that batch out.
 */
export function createOpCodesDialect(): Dialect {
  const bets = new TypedBetsReader();
  return {
    name: 'op-codes',
    conversation: CONVERSATION,
    agencyMax: AGENCY_MAX,
    central: limits => new OpCodesCentralCodec(bets, limits),
    agency: (limits, id) => new OpCodesAgencyCodec(limits, id),
  };
}

const CONVERSATION: Conversation = {
  finishIsAnswered: false,
  winners: 'asked',
  questionsApart: false,
  outlivesRefusedBatch: true,
  framesApart: false,
  closesWhileWaiting: true,
  serverMayClose: true,
};

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
/** Digits of any `u16`. */
const NUMBER_ROOM = new Uint8Array(5);

const OP_BYTES = 1;
const COUNT_BYTES = 2;
const LENGTH_BYTES = 2;
const NUMBER_BYTES = 2;
/** Before the bets or documents. */
const LIST_HEAD_BYTES = OP_BYTES + COUNT_BYTES;
/** Where the first bet of a batch names its agency. */
const AGENCY_AT = LIST_HEAD_BYTES + OP_BYTES;
/** Operation and agency, before the fields of a bet. */
const BET_HEAD_BYTES = OP_BYTES + 1;
const BET_TEXTS = BET_FIELDS.length - 1;
/** A bet whose texts are empty. */
const BET_BYTES_MIN = BET_HEAD_BYTES + BET_TEXTS * LENGTH_BYTES + NUMBER_BYTES;
/** Operation and code, before the text of an answer. */
const ANSWER_HEAD_BYTES = OP_BYTES + 1;
const NOTIFY_BYTES = OP_BYTES + 2;

const BET_SHAPE: ItemShape = { bytesMin: BET_BYTES_MIN, end: betEnd };
const TEXT_SHAPE: ItemShape = { bytesMin: LENGTH_BYTES, end: textEnd };

/** @throws WireError `malformed` for what is no bet, or not one of the batch's agency */
function betEnd(queue: ByteQueue, at: number): number {
  if (queue.length > at && queue.byteAt(at) !== BET) {
    throw new WireError('malformed', `operation ${queue.byteAt(at)} in the place of a bet`);
  }
  if (queue.length > at + OP_BYTES) checkAgencyOfBet(queue, at);
  let field = at + BET_HEAD_BYTES;
  let end = at + BET_BYTES_MIN;
  for (let text = 0; text < BET_TEXTS; text += 1) {
    if (queue.length < field + LENGTH_BYTES) return end;
    const length = queue.u16At(field);
    field += LENGTH_BYTES + length;
    end += length;
  }
  return end;
}

/** A batch is stored as that of one agency, all or nothing. */
function checkAgencyOfBet(queue: ByteQueue, at: number): void {
  const agency = queue.byteAt(at + OP_BYTES);
  checkAgency(agency);
  if (agency !== queue.byteAt(AGENCY_AT)) {
    throw new WireError('malformed', 'bets of more than one agency in a batch');
  }
}

function checkAgency(agency: number): void {
  if (agency === 0) throw new WireError('malformed', 'agency 0, ids are from 1 to 255');
}

function textEnd(queue: ByteQueue, at: number): number {
  const start = at + LENGTH_BYTES;
  return queue.length < start ? start : start + queue.u16At(at);
}

/** Cuts a stream into messages, of which the first byte is the operation. */
abstract class OpCodesCodec<Message> extends QueueDecoder<Message> {
  readonly #shape: ItemShape;
  readonly #listBytesMax: number;
  /** Of the list that has begun to arrive. */
  #scan: ListScan | undefined;

  /** @param listBytesMax bytes of a list, from its operation on */
  constructor(shape: ItemShape, listBytesMax: number) {
    super();
    this.#shape = shape;
    this.#listBytesMax = listBytesMax;
  }

  /** @throws WireError `unknown-message`, `payload-too-large` or `malformed` */
  protected override cut(): Message | undefined {
    return this.queue.length === 0 ? undefined : this.decode(this.queue.byteAt(0));
  }

  /** The message that begins the queue; undefined until all of it is there. */
  protected abstract decode(op: number): Message | undefined;

  /** The list that begins the queue, its operation left out; undefined until all of it is there. */
  protected takeList(): Uint8Array | undefined {
    const { queue } = this;
    if (queue.length < LIST_HEAD_BYTES) return undefined;
    this.#scan ??= new ListScan(this.#shape, LIST_HEAD_BYTES, queue.u16At(OP_BYTES), this.#listBytesMax);
    const length = this.#scan.lengthIn(queue);
    if (length === undefined) return undefined;
    this.#scan = undefined;
    return queue.take(length, OP_BYTES);
  }
}

class OpCodesCentralCodec extends OpCodesCodec<ClientMessage> implements CentralCodec {
  readonly #bets: TypedBetsReader;

  constructor(bets: TypedBetsReader, limits: Limits) {
    super(BET_SHAPE, batchBytesMax(limits));
    this.#bets = bets;
  }

  protected override decode(op: number): ClientMessage | undefined {
    switch (op) {
      case BATCH:
        return this.#decodeBatch();
      case NOTIFY:
        return this.#decodeNotify();
      default:
        throw new WireError('unknown-message', `operation ${op}`);
    }
  }

  /** Its bets say whose it is; without a bet nobody does. */
  #decodeBatch(): ClientMessage | undefined {
    const payload = this.takeList();
    if (payload === undefined) return undefined;
    const agency = payload[AGENCY_AT - OP_BYTES];
    return agency === undefined ? { kind: 'empty-batch' } : { kind: 'batch', payload, agency };
  }

  #decodeNotify(): ClientMessage | undefined {
    const { queue } = this;
    if (queue.length < NOTIFY_BYTES) return undefined;
    const agency = queue.byteAt(OP_BYTES);
    const kind = queue.byteAt(OP_BYTES + 1);
    queue.take(NOTIFY_BYTES);
    checkAgency(agency);
    if (kind === ALL_SENT) return { kind: 'finish', agency };
    if (kind === ASK) return { kind: 'ask-winners', agency };
    throw new WireError('malformed', `a notification of kind ${kind}`);
  }

  readBets({ payload }: BetsMessage, agency: number): BetBatch | BatchFault {
    return this.#bets.read(payload, agency);
  }

  encode(reply: ServerMessage, to?: ClientMessage['kind']): readonly Uint8Array[] {
    // The end of the bets is not answered: not when it is noted, and not when it is refused.
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

/** Makes rows of the bets of a batch. One serves all connections: its rows are taken before the next batch is read. */
class TypedBetsReader {
  readonly #rows = new RowGatherer();
  readonly #starts = new Int32Array(BET_FIELDS.length);
  readonly #ends = new Int32Array(BET_FIELDS.length);

  /** @param payload u16 count and the bets, of which the decoder has seen that they add up */
  read(payload: Uint8Array, agency: number): BetBatch | BatchFault {
    // The rules judge a number by its digits, which are written behind the payload.
    const bytes = Buffer.concat([payload, NUMBER_ROOM]);
    const count = bytes.readUInt16BE();
    this.#rows.begin(agency, count);
    let at = COUNT_BYTES;
    for (let index = 0; index < count; index += 1) {
      at = this.#findFields(bytes, at, payload.length);
      const fault = this.#rows.add({ bytes, starts: this.#starts, ends: this.#ends });
      if (fault !== undefined) return fault;
    }
    return this.#rows.batch;
  }

  /** Finds the five fields of the bet at `at`, with the digits of its number at `digitsAt`; returns the place behind it. */
  #findFields(bytes: Buffer, at: number, digitsAt: number): number {
    let from = at + BET_HEAD_BYTES;
    for (let text = 0; text < BET_TEXTS; text += 1) {
      const start = from + LENGTH_BYTES;
      from = start + bytes.readUInt16BE(from);
      this.#starts[text] = start;
      this.#ends[text] = from;
    }
    this.#starts[BET_TEXTS] = digitsAt;
    this.#ends[BET_TEXTS] = putDigits(bytes, digitsAt, bytes.readUInt16BE(from));
    return from + NUMBER_BYTES;
  }
}

class OpCodesAgencyCodec extends OpCodesCodec<ServerAnswer> implements AgencyCodec {
  readonly batch: BatchEncoder;
  readonly #id: number;
  /** Whether the answer was heard behind which the winners come. */
  #winnersFollow = false;

  constructor(limits: Limits, id: number) {
    if (id < 1 || id > AGENCY_MAX) {
      throw new RangeError(
        `the dialect op-codes has agencies from 1 to ${AGENCY_MAX}, and this is agency ${id}`,
      );
    }
    super(TEXT_SHAPE, OP_BYTES + limits.replyPayloadBytesMax);
    this.#id = id;
    this.batch = new BetGatherer(limits, id);
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

  protected override decode(op: number): ServerAnswer | undefined {
    if (op === WINNERS) return this.#decodeWinners();
    if (op !== ANSWER) throw new WireError('unknown-message', `operation ${op}`);
    if (this.#winnersFollow)
      throw new WireError('malformed', 'no winners behind the answer that announces them');
    return this.#decodeAnswer();
  }

  #decodeAnswer(): ServerAnswer | undefined {
    const { queue } = this;
    const end = textEnd(queue, ANSWER_HEAD_BYTES);
    if (queue.length < end) return undefined;
    const answer = queue.take(end, OP_BYTES);
    const code = answer[0]!;
    switch (code) {
      case STORED:
        return { kind: 'accepted' };
      case BATCH_ERROR: {
        const text = Buffer.from(answer.subarray(1 + LENGTH_BYTES)).toString('utf8');
        const detail = peerText(text) || 'an error in the batch';
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

  /** Also without the answer that announces them: they can be nothing else. */
  #decodeWinners(): ServerAnswer | undefined {
    const payload = this.takeList();
    if (payload === undefined) return undefined;
    this.#winnersFollow = false;
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    const documents: string[] = [];
    let at = COUNT_BYTES;
    while (at < bytes.length) {
      const start = at + LENGTH_BYTES;
      at = start + bytes.readUInt16BE(at);
      documents.push(bytes.toString('utf8', start, at));
    }
    return { kind: 'winners', documents };
  }
}

/** Gathers bets into a batch. Of a number the value is sent: leading zeros have no bytes. */
class BetGatherer implements BatchEncoder {
  count = 0;
  readonly #frame: Buffer;
  readonly #id: number;
  #at = LIST_HEAD_BYTES;
  #holdsOneAlone = false;

  constructor(limits: Limits, id: number) {
    if (limits.payloadBytesMax < PAYLOAD_BYTES_MIN) {
      throw new RangeError('a batch must have room for any one bet');
    }
    this.#frame = Buffer.alloc(batchBytesMax(limits));
    this.#frame[0] = BATCH;
    this.#id = id;
  }

  add(bet: FieldRanges): 'added' | 'full' | UnsendableBet {
    const number = Number(fieldText(bet, 'number'));
    // One that may be refused is a batch of its own: it costs no other bet.
    const alone = number > NUMBER_OF_ORIGINAL_MAX;
    if (this.count > 0 && (alone || this.#holdsOneAlone)) return 'full';
    const { bytes, starts, ends } = bet;
    const frame = this.#frame;
    let length = BET_BYTES_MIN;
    for (let text = 0; text < BET_TEXTS; text += 1) length += ends[text]! - starts[text]!;
    if (this.#at + length > frame.length || this.count === U16_MAX) return 'full';
    let at = frame.writeUInt8(BET, this.#at);
    at = frame.writeUInt8(this.#id, at);
    for (let text = 0; text < BET_TEXTS; text += 1) {
      at = putU16(frame, at, ends[text]! - starts[text]!);
      at = putBytes(frame, at, bytes, starts[text]!, ends[text]!);
    }
    this.#at = frame.writeUInt16BE(number, at);
    this.count += 1;
    this.#holdsOneAlone = alone;
    return 'added';
  }

  take(): Uint8Array {
    this.#frame.writeUInt16BE(this.count, OP_BYTES);
    const frame = Uint8Array.from(this.#frame.subarray(0, this.#at));
    this.count = 0;
    this.#at = LIST_HEAD_BYTES;
    return frame;
  }

  /** A bet has no meaning outside a batch: it is one of one. */
  takeSingle(): Uint8Array {
    return this.take();
  }
}

/** `02`, the code and a text: the reason of a refusal, and nothing where the code says everything. */
function encodeAnswer(code: number, text = ''): Uint8Array {
  const bytes = Buffer.from(text.slice(0, PEER_TEXT_LENGTH_MAX));
  const frame = Buffer.alloc(ANSWER_HEAD_BYTES + LENGTH_BYTES + bytes.length);
  frame[0] = ANSWER;
  frame[OP_BYTES] = code;
  writeText(frame, ANSWER_HEAD_BYTES, bytes);
  return frame;
}

/** @throws WireError `malformed` when there are more than a `u16` can count */
function encodeWinners(documents: readonly string[]): Uint8Array {
  if (documents.length > U16_MAX) {
    throw new WireError('malformed', `${documents.length} winners, and op-codes can count ${U16_MAX}`);
  }
  const texts = documents.map(document => Buffer.from(document));
  const length = texts.reduce((sum, text) => sum + LENGTH_BYTES + text.length, LIST_HEAD_BYTES);
  const frame = Buffer.alloc(length);
  frame[0] = WINNERS;
  let at = frame.writeUInt16BE(documents.length, OP_BYTES);
  for (const text of texts) at = writeText(frame, at, text);
  return frame;
}

/** Writes a `str` at `at` and returns the place behind it. */
function writeText(frame: Buffer, at: number, text: Uint8Array): number {
  const start = frame.writeUInt16BE(text.length, at);
  frame.set(text, start);
  return start + text.length;
}
