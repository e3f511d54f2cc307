import type { BatchFault, BetBatch } from '../../lottery/bet-batch.ts';
import { BET_FIELDS, type FieldRanges } from '../../lottery/bet-rules.ts';
import { RowGatherer } from '../../lottery/row-gatherer.ts';
import type {
  AgencyCodec,
  BatchEncoder,
  CentralCodec,
  Conversation,
  Dialect,
  UnsendableBet,
} from '../dialect.ts';
import type { Limits } from '../limits.ts';
import type { BetsMessage, ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { QueueDecoder } from '../queue-decoder.ts';
import { WireError } from '../refusal.ts';
import { HEADER_BYTES as BASE_HEADER_BYTES } from '../typed-frames.ts';
import { FrameGatherer } from './frame-gatherer.ts';
import { putBytes, putDigits, putU16, putU32 } from './put-bytes.ts';

/**
 * The dialect push-codes (protocol page). Integers are big-endian, text is UTF-8.
 *
 *     agency                                      central
 *     hello         u8 agency, the first byte     no answer
 *     batch         u16 n, n bytes of packets     `ACK` / `ERR`
 *     notification  u16 9000                      no answer; after the draw
 *                                                 winners  u16 9001, u16 n, n bytes: u32 document for each
 *
 * The notification stands where a batch has its length: no batch has 9000 bytes.
 */
export function createPushCodesDialect(): Dialect {
  const bets = new PacketReader();
  return {
    name: 'push-codes',
    conversation: CONVERSATION,
    agencyMax: AGENCY_ID_MAX,
    central: limits => new PushCodesCentralCodec(bets, limits),
    agency: (limits, id) => new PushCodesAgencyCodec(limits, id),
  };
}

const CONVERSATION: Conversation = {
  finishIsAnswered: false,
  winners: 'sent',
  questionsApart: false,
  outlivesRefusedBatch: false,
  framesApart: false,
  closesWhileWaiting: false,
  serverMayClose: false,
};

const ALL_SENT = 9000;
const WINNERS = 9001;
const ACK = Buffer.from('ACK');
const ERR = Buffer.from('ERR');

const AGENCY_ID_MAX = 0xff;
const U16_MAX = 0xff_ff;
const U32_MAX = 0xff_ff_ff_ff;
const LENGTH_BYTES = 2;
const DOCUMENT_BYTES = 4;
/** Length of the longest batch of the original client, the length itself included. */
const FRAME_BYTES_MAX = 8192;
/** In characters, of which each has at most four bytes: the length of a name fits into its byte. */
const NAME_LENGTH_MAX = 30;
const DATE_BYTES = 10;
/** Documento and numero, at the end of a packet. */
const NUMBERS_BYTES = DOCUMENT_BYTES + 4;
/** Bytes of a packet besides the two names and its own length. */
const PACKET_BYTES_MIN = 1 + 1 + DATE_BYTES + NUMBERS_BYTES;

/** The longest payload of a batch: the limit is that of a frame of the base protocol, whose header is longer. */
function payloadBytesMaxOf({ payloadBytesMax }: Limits): number {
  return payloadBytesMax + BASE_HEADER_BYTES - LENGTH_BYTES;
}

/** The central's half. What the peer says next is known from what it has said before. */
class PushCodesCentralCodec extends QueueDecoder<ClientMessage> implements CentralCodec {
  readonly #bets: PacketReader;
  readonly #payloadBytesMax: number;
  /** What the peer does. Its notification says two things, and it is `finishing` between them. */
  #phase: 'arriving' | 'sending' | 'finishing' | 'waiting' = 'arriving';

  constructor(bets: PacketReader, limits: Limits) {
    super();
    this.#bets = bets;
    this.#payloadBytesMax = payloadBytesMaxOf(limits);
  }

  readBets(message: BetsMessage, agency: number): BetBatch | BatchFault {
    return this.#bets.read(message.payload, agency);
  }

  /** @throws WireError `malformed` when winners do not fit into the message */
  encode(reply: ServerMessage, to?: ClientMessage['kind']): readonly Uint8Array[] {
    switch (reply.kind) {
      case 'accepted':
        return to === 'finish' ? [] : [ACK];
      case 'refused':
      case 'bets-refused':
        return this.#isReadAfter(to) ? [ERR] : [];
      case 'winners':
        return [encodeWinners(reply.documents)];
      default:
        return [];
    }
  }

  /** Whether the peer reads `ACK` or `ERR` now. Where it waits for the winners it would take `ERR` for a part of them. */
  #isReadAfter(to: ClientMessage['kind'] | undefined): boolean {
    return to === undefined ? this.#phase === 'sending' : to === 'batch' || to === 'empty-batch';
  }

  protected override cut(): ClientMessage | undefined {
    switch (this.#phase) {
      case 'arriving':
        return this.#cutHello();
      case 'finishing':
        this.#phase = 'waiting';
        return { kind: 'await-winners' };
      default:
        return this.#cutFrame();
    }
  }

  #cutHello(): ClientMessage | undefined {
    if (this.queue.length === 0) return undefined;
    const [agency = 0] = this.queue.take(1);
    if (agency === 0) throw new WireError('malformed', 'a first byte that is not an agency id from 1 to 255');
    this.#phase = 'sending';
    return { kind: 'identify', agency };
  }

  #cutFrame(): ClientMessage | undefined {
    const { queue } = this;
    if (queue.length < LENGTH_BYTES) return undefined;
    const length = queue.u16At(0);
    if (length === ALL_SENT) {
      queue.take(LENGTH_BYTES);
      this.#phase = 'finishing';
      return { kind: 'finish' };
    }
    if (length > this.#payloadBytesMax) {
      throw new WireError(
        'payload-too-large',
        `a batch of ${length} bytes, at most ${this.#payloadBytesMax} are taken`,
      );
    }
    if (queue.length < LENGTH_BYTES + length) return undefined;
    const payload = queue.take(LENGTH_BYTES + length, LENGTH_BYTES);
    return length === 0 ? { kind: 'empty-batch' } : { kind: 'batch', payload };
  }
}

function encodeWinners(documents: readonly string[]): Uint8Array {
  const length = documents.length * DOCUMENT_BYTES;
  if (length > U16_MAX) {
    throw new WireError('malformed', `${documents.length} winners, more than one message can tell`);
  }
  const frame = new Uint8Array(2 * LENGTH_BYTES + length);
  const view = viewOf(frame);
  view.setUint16(0, WINNERS);
  view.setUint16(LENGTH_BYTES, length);
  for (const [index, document] of documents.entries()) {
    const value = /^(?:0|[1-9]\d*)$/.test(document) ? Number(document) : U32_MAX + 1;
    if (value > U32_MAX) throw new WireError('malformed', 'a document that is not the text of a u32');
    view.setUint32(2 * LENGTH_BYTES + index * DOCUMENT_BYTES, value);
  }
  return frame;
}

/**
 * Reads the packets of a batch.
 *
 *     batch  = 1*packet                           without a count
 *     packet = u16 length, without itself
 *              u8 length, nombre
 *              u8 length, apellido
 *              nacimiento, 10 bytes
 *              u32 documento
 *              u32 numero
 */
class PacketReader {
  readonly #rows = new RowGatherer();
  readonly #fields = new PacketFields();

  read(payload: Uint8Array, agency: number): BetBatch | BatchFault {
    const view = viewOf(payload);
    const count = countPackets(view);
    this.#rows.begin(agency, count);
    let at = 0;
    for (let index = 0; at < payload.length; index += 1) {
      const start = at + LENGTH_BYTES;
      const end = packetEnd(view, at);
      const reason = end > payload.length ? 'too-few-fields' : this.#fields.read(payload, view, start, end);
      if (reason !== undefined) return { count, index, field: 'batch', reason };
      const fault = this.#rows.add(this.#fields);
      if (fault !== undefined) return fault;
      at = end;
    }
    return this.#rows.batch;
  }
}

/** Packets that a batch has; one that is cut off is one too. */
function countPackets(view: DataView): number {
  let count = 0;
  for (let at = 0; at < view.byteLength; at = packetEnd(view, at)) count += 1;
  return count;
}

/** The place behind a packet, which may be beyond the end of the batch. */
function packetEnd(view: DataView, at: number): number {
  const start = at + LENGTH_BYTES;
  return start > view.byteLength ? start : start + view.getUint16(at);
}

/** The fields of a packet in their usual order, with the digits of its numbers: as text they are what the rules judge. */
class PacketFields implements FieldRanges {
  /** Room for two names of a `u8` length, a date and two numbers of ten digits. */
  readonly bytes = new Uint8Array(2 * 255 + DATE_BYTES + 2 * 10);
  readonly starts = new Int32Array(BET_FIELDS.length);
  readonly ends = new Int32Array(BET_FIELDS.length);
  #end = 0;

  /** Reads the packet in `start`..`end` of a batch; says so when its fields are not as long as it. */
  read(
    payload: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): 'too-few-fields' | 'too-many-fields' | undefined {
    if (end - start < PACKET_BYTES_MIN) return 'too-few-fields';
    const firstNameAt = start + 1;
    const firstNameEnd = firstNameAt + payload[start]!;
    if (firstNameEnd >= end) return 'too-few-fields';
    const lastNameAt = firstNameEnd + 1;
    const birthdateAt = lastNameAt + payload[firstNameEnd]!;
    const numbersAt = birthdateAt + DATE_BYTES;
    const fieldsEnd = numbersAt + NUMBERS_BYTES;
    if (fieldsEnd !== end) return fieldsEnd > end ? 'too-few-fields' : 'too-many-fields';
    this.#end = 0;
    this.#note(0, putBytes(this.bytes, this.#end, payload, firstNameAt, firstNameEnd));
    this.#note(1, putBytes(this.bytes, this.#end, payload, lastNameAt, birthdateAt));
    this.#note(2, putDigits(this.bytes, this.#end, view.getUint32(numbersAt)));
    this.#note(3, putBytes(this.bytes, this.#end, payload, birthdateAt, numbersAt));
    this.#note(4, putDigits(this.bytes, this.#end, view.getUint32(numbersAt + DOCUMENT_BYTES)));
    return undefined;
  }

  /** The field that was written up to `end`. */
  #note(field: number, end: number): void {
    this.starts[field] = this.#end;
    this.ends[field] = end;
    this.#end = end;
  }
}

class PushCodesAgencyCodec extends QueueDecoder<ServerAnswer> implements AgencyCodec {
  readonly batch: BatchEncoder;
  readonly #id: number;
  readonly #replyPayloadBytesMax: number;

  /** @throws RangeError when the id does not fit into the byte that says it */
  constructor(limits: Limits, id: number) {
    super();
    if (id > AGENCY_ID_MAX) throw new RangeError(`push-codes has agencies 1 to ${AGENCY_ID_MAX}, not ${id}`);
    this.#id = id;
    this.#replyPayloadBytesMax = limits.replyPayloadBytesMax;
    const payloadBytesMax = Math.min(payloadBytesMaxOf(limits), FRAME_BYTES_MAX - LENGTH_BYTES);
    this.batch = new PacketGatherer(LENGTH_BYTES, payloadBytesMax);
  }

  identify(): Uint8Array {
    return Uint8Array.of(this.#id);
  }

  finish(): Uint8Array {
    const frame = new Uint8Array(LENGTH_BYTES);
    viewOf(frame).setUint16(0, ALL_SENT);
    return frame;
  }

  askWinners(): Uint8Array {
    throw new Error('push-codes has no question for the winners: they are sent without one');
  }

  protected override cut(): ServerAnswer | undefined {
    if (this.queue.length < LENGTH_BYTES) return undefined;
    return this.queue.u16At(0) === WINNERS ? this.#cutWinners() : this.#cutVerdict();
  }

  #cutVerdict(): ServerAnswer | undefined {
    if (this.queue.length < ACK.length) return undefined;
    const verdict = this.queue.take(ACK.length);
    if (ACK.equals(verdict)) return { kind: 'accepted' };
    if (ERR.equals(verdict)) return { kind: 'refused' };
    throw new WireError('unknown-message', 'neither ACK nor ERR nor winners');
  }

  #cutWinners(): ServerAnswer | undefined {
    const { queue } = this;
    const headerBytes = 2 * LENGTH_BYTES;
    if (queue.length < headerBytes) return undefined;
    const length = queue.u16At(LENGTH_BYTES);
    if (length % DOCUMENT_BYTES !== 0) {
      throw new WireError('malformed', `winners of ${length} bytes, which are no u32 each`);
    }
    if (length > this.#replyPayloadBytesMax) {
      throw new WireError(
        'payload-too-large',
        `winners of ${length} bytes, at most ${this.#replyPayloadBytesMax} are taken`,
      );
    }
    if (queue.length < headerBytes + length) return undefined;
    return { kind: 'winners', documents: decodeDocuments(queue.take(headerBytes + length, headerBytes)) };
  }
}

function decodeDocuments(payload: Uint8Array): string[] {
  const view = viewOf(payload);
  return Array.from({ length: payload.length / DOCUMENT_BYTES }, (_, index) =>
    String(view.getUint32(index * DOCUMENT_BYTES)),
  );
}

/** Writes packets as `PacketReader` reads them. */
class PacketGatherer extends FrameGatherer {
  protected override findUnsendable(bet: FieldRanges): UnsendableBet | undefined {
    // The original server refuses a batch with a longer name, and that is the end of its conversation.
    if (isLongName(bet, 0)) return { field: 'first_name', reason: 'too-long-for-dialect' };
    if (isLongName(bet, 1)) return { field: 'last_name', reason: 'too-long-for-dialect' };
    return documentValue(bet.bytes, bet.starts[2]!, bet.ends[2]!) === undefined
      ? { field: 'document', reason: 'out-of-range-for-dialect' }
      : undefined;
  }

  protected override bytesOf({ starts, ends }: FieldRanges): number {
    return LENGTH_BYTES + PACKET_BYTES_MIN + ends[0]! - starts[0]! + ends[1]! - starts[1]!;
  }

  protected override put(bet: FieldRanges, frame: Uint8Array, at: number): number {
    const { bytes, starts, ends } = bet;
    let to = putU16(frame, at, this.bytesOf(bet) - LENGTH_BYTES);
    to = putName(frame, to, bet, 0);
    to = putName(frame, to, bet, 1);
    to = putBytes(frame, to, bytes, starts[3]!, ends[3]!);
    to = putU32(frame, to, valueOf(bytes, starts[2]!, ends[2]!));
    return putU32(frame, to, valueOf(bytes, starts[4]!, ends[4]!));
  }

  protected override putHeader(frame: Uint8Array, payloadBytes: number): void {
    putU16(frame, 0, payloadBytes);
  }
}

function putName(frame: Uint8Array, at: number, { bytes, starts, ends }: FieldRanges, field: number): number {
  frame[at] = ends[field]! - starts[field]!;
  return putBytes(frame, at + 1, bytes, starts[field]!, ends[field]!);
}

/** Whether a name has more characters than the original server takes: code points, not bytes. */
function isLongName({ bytes, starts, ends }: FieldRanges, field: number): boolean {
  if (ends[field]! - starts[field]! <= NAME_LENGTH_MAX) return false;
  let length = 0;
  for (let at = starts[field]!; at < ends[field]!; at += 1) {
    const continues = (bytes[at]! & 0xc0) === 0x80;
    if (!continues) length += 1;
  }
  return length > NAME_LENGTH_MAX;
}

/** A document as a number; undefined when it is none of 32 bits, or would not be the same text again. */
function documentValue(bytes: Uint8Array, start: number, end: number): number | undefined {
  const value = valueOf(bytes, start, end);
  const hasLeadingZero = bytes[start] === 0x30 && end - start > 1;
  return value <= U32_MAX && !hasLeadingZero ? value : undefined;
}

/** The value of a run of digits. */
function valueOf(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + bytes[at]! - 0x30;
  return value;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
