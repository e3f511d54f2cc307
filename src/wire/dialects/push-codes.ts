import type { FieldRanges } from '../../lottery/bet-rules.ts';
import { Reader, Writer } from '../cursor.ts';
import type { AgencyCodec, CentralCodec, Dialect } from '../dialect.ts';
import { BASE_CONVERSATION } from '../dialect.ts';
import type { Limits } from '../limits.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { WireError } from '../refusal.ts';
import { StreamDecoder } from '../stream-decoder.ts';
import { HEADER_BYTES as BASE_HEADER_BYTES } from '../typed-frames.ts';
import { BatchReader, BatchWriter, type BetFormat, fieldsLength, valueOf } from './bets.ts';

/**
 * The dialect push-codes (protocol page). Integers are big-endian, text is UTF-8.
 *
 *     batch  = 1*packet                           without a count
 *     packet = u16 length, without itself
 *              u8 length, nombre
 *              u8 length, apellido
 *              nacimiento, 10 bytes
 *              u32 documento
 *              u32 numero
 *
 *     agency                                      central
 *     hello         u8 agency, the first byte     no answer
 *     batch         u16 n, n bytes of packets     `ACK` / `ERR`
 *     notification  u16 9000                      no answer; after the draw
 *                                                 winners  u16 9001, u16 n, n bytes: u32 documents
 *
 * The notification is in the place of a batch's length: no batch has 9000 bytes.
 */
export function createPushCodesDialect(): Dialect {
  const bets = new BatchReader(PACKET);
  return {
    name: 'push-codes',
    conversation: {
      ...BASE_CONVERSATION,
      finishIsAnswered: false,
      winners: 'sent',
      closesBetweenPolls: false,
    },
    agencyMax: AGENCY_ID_MAX,
    central: limits => new PushCodesCentralCodec(bets, limits),
    agency: (limits, id) => new PushCodesAgencyCodec(limits, id),
  };
}

const ALL_SENT = 9000;
const WINNERS = 9001;
const ACK = Buffer.from('ACK');
const ERR = Buffer.from('ERR');

const AGENCY_ID_MAX = 0xff;
const U16_MAX = 0xff_ff;
const U32_MAX = 0xff_ff_ff_ff;
const LENGTH_BYTES = 2;
const DOCUMENT_BYTES = 4;
const DATE_BYTES = 10;
/** The original client's longest batch, with its length. */
const FRAME_BYTES_MAX = 8192;
/**
 * In code points, of which each has at most four bytes: the length of a name fits into its byte.
 */
const NAME_LENGTH_MAX = 30;
/** Bytes of a packet besides the two names, with its length. */
const PACKET_BYTES_MIN = LENGTH_BYTES + 1 + 1 + DATE_BYTES + DOCUMENT_BYTES + 4;

const PACKET: BetFormat = {
  read(from) {
    const length = from.u16();
    const end = from.at + length;
    from.field(0, from.u8());
    from.field(1, from.u8());
    from.field(3, DATE_BYTES);
    from.number(2, from.u32());
    from.number(4, from.u32());
    const fieldsEnd = from.at;
    from.at = Math.min(end, from.end);
    if (fieldsEnd > end || end > from.end) return 'too-few-fields';
    return fieldsEnd < end ? 'too-many-fields' : undefined;
  },
  bytesOf: bet => PACKET_BYTES_MIN + fieldsLength(bet, 2),
  write(to, bet) {
    const { bytes, starts, ends } = bet;
    to.u16(PACKET.bytesOf(bet) - LENGTH_BYTES);
    to.u8(ends[0]! - starts[0]!).bytes(bytes, starts[0], ends[0]);
    to.u8(ends[1]! - starts[1]!).bytes(bytes, starts[1], ends[1]);
    to.bytes(bytes, starts[3], ends[3]);
    to.u32(valueOf(bytes, starts[2]!, ends[2]!)).u32(valueOf(bytes, starts[4]!, ends[4]!));
  },
  findUnsendable(bet) {
    // The original server refuses a batch with a longer name and ends the conversation.
    if (isLongName(bet, 0)) return { field: 'first_name', reason: 'too-long-for-dialect' };
    if (isLongName(bet, 1)) return { field: 'last_name', reason: 'too-long-for-dialect' };
    if (isU32(bet)) return undefined;
    return { field: 'document', reason: 'out-of-range-for-dialect' };
  },
};

/** Whether a name has more code points than the original server takes. */
function isLongName({ bytes, starts, ends }: FieldRanges, field: number): boolean {
  if (ends[field]! - starts[field]! <= NAME_LENGTH_MAX) return false;
  let length = 0;
  for (let at = starts[field]!; at < ends[field]!; at += 1) {
    const isContinuation = (bytes[at]! & 0xc0) === 0x80;
    if (!isContinuation) length += 1;
  }
  return length > NAME_LENGTH_MAX;
}

/** Whether the document is the text of a `u32`: leading zeros would be lost. */
function isU32({ bytes, starts, ends }: FieldRanges): boolean {
  const hasLeadingZero = bytes[starts[2]!] === 0x30 && ends[2]! - starts[2]! > 1;
  return valueOf(bytes, starts[2]!, ends[2]!) <= U32_MAX && !hasLeadingZero;
}

/** Longest batch with its length: as long as a frame of the base protocol with its header. */
function frameBytesMaxOf({ payloadBytesMax }: Limits): number {
  return payloadBytesMax + BASE_HEADER_BYTES;
}

/** The meaning of the next bytes depends on what came before. */
class PushCodesCentralCodec extends StreamDecoder<ClientMessage> implements CentralCodec {
  readonly readBets: CentralCodec['readBets'];
  readonly #payloadBytesMax: number;
  /** A notification is two messages: `finishing` is between them. */
  #phase: 'arriving' | 'sending' | 'finishing' | 'waiting' = 'arriving';

  constructor(bets: BatchReader, limits: Limits) {
    super();
    this.readBets = bets.readBets;
    this.#payloadBytesMax = frameBytesMaxOf(limits) - LENGTH_BYTES;
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

  /** Whether the peer reads `ACK` or `ERR` now. While it waits for winners, `ERR` would be one. */
  #isReadAfter(to: ClientMessage['kind'] | undefined): boolean {
    return to === undefined ? this.#phase === 'sending' : to === 'batch' || to === 'empty-batch';
  }

  protected override decode(): ClientMessage | undefined {
    switch (this.#phase) {
      case 'arriving':
        return this.#decodeHello();
      case 'finishing':
        this.#phase = 'waiting';
        return { kind: 'await-winners' };
      default:
        return this.#decodeFrame();
    }
  }

  #decodeHello(): ClientMessage | undefined {
    if (this.queue.length === 0) return undefined;
    const [agency = 0] = this.queue.take(1);
    if (agency === 0) {
      throw new WireError('malformed', 'a first byte that is not an agency id from 1 to 255');
    }
    this.#phase = 'sending';
    return { kind: 'identify', agency };
  }

  #decodeFrame(): ClientMessage | undefined {
    const { queue } = this;
    if (queue.length < LENGTH_BYTES) return undefined;
    const length = queue.u16At(0);
    if (length === ALL_SENT) {
      queue.take(LENGTH_BYTES);
      this.#phase = 'finishing';
      return { kind: 'finish' };
    }
    const payload = this.takeFrame(LENGTH_BYTES, length, this.#payloadBytesMax, 'a batch');
    if (payload === undefined) return undefined;
    return length === 0 ? { kind: 'empty-batch' } : { kind: 'batch', payload };
  }
}

function encodeWinners(documents: readonly string[]): Uint8Array {
  const length = documents.length * DOCUMENT_BYTES;
  if (length > U16_MAX) {
    throw new WireError('malformed', `${documents.length} winners, more than one message can tell`);
  }
  const to = new Writer(2 * LENGTH_BYTES + length).u16(WINNERS).u16(length);
  for (const document of documents) {
    const value = /^(?:0|[1-9]\d*)$/.test(document) ? Number(document) : U32_MAX + 1;
    if (value > U32_MAX)
      throw new WireError('malformed', 'a document that is not the text of a u32');
    to.u32(value);
  }
  return to.copy();
}

class PushCodesAgencyCodec extends StreamDecoder<ServerAnswer> implements AgencyCodec {
  readonly batch: BatchWriter;
  readonly #id: number;
  readonly #replyPayloadBytesMax: number;

  /** @throws RangeError when the id does not fit into its byte */
  constructor(limits: Limits, id: number) {
    super();
    if (id > AGENCY_ID_MAX) {
      throw new RangeError(`push-codes has agencies 1 to ${AGENCY_ID_MAX}, not ${id}`);
    }
    this.#id = id;
    this.#replyPayloadBytesMax = limits.replyPayloadBytesMax;
    this.batch = new BatchWriter(limits, PACKET, {
      header: new Uint8Array(LENGTH_BYTES),
      bytesMax: Math.min(frameBytesMaxOf(limits), FRAME_BYTES_MAX),
      finish: frame => frame.writeUInt16BE(frame.length - LENGTH_BYTES),
    });
  }

  identify(): Uint8Array {
    return Uint8Array.of(this.#id);
  }

  finish(): Uint8Array {
    return new Writer(LENGTH_BYTES).u16(ALL_SENT).copy();
  }

  askWinners(): Uint8Array {
    throw new Error('push-codes has no question for the winners: they are sent without one');
  }

  protected override decode(): ServerAnswer | undefined {
    if (this.queue.length < LENGTH_BYTES) return undefined;
    return this.queue.u16At(0) === WINNERS ? this.#decodeWinners() : this.#decodeVerdict();
  }

  #decodeVerdict(): ServerAnswer | undefined {
    if (this.queue.length < ACK.length) return undefined;
    const verdict = this.queue.take(ACK.length);
    if (ACK.equals(verdict)) return { kind: 'accepted' };
    if (ERR.equals(verdict)) return { kind: 'refused' };
    throw new WireError('unknown-message', 'neither ACK nor ERR nor winners');
  }

  #decodeWinners(): ServerAnswer | undefined {
    const headerBytes = 2 * LENGTH_BYTES;
    if (this.queue.length < headerBytes) return undefined;
    const length = this.queue.u16At(LENGTH_BYTES);
    if (length % DOCUMENT_BYTES !== 0) {
      throw new WireError('malformed', `winners of ${length} bytes, which are no u32 each`);
    }
    const payload = this.takeFrame(headerBytes, length, this.#replyPayloadBytesMax, 'winners');
    if (payload === undefined) return undefined;
    const from = new Reader(payload);
    const documents: string[] = [];
    while (from.left > 0) documents.push(String(from.u32()));
    return { kind: 'winners', documents };
  }
}
