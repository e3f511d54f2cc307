import { AGENCY_MAX, BET_FIELDS, type FieldRanges, parseAgency } from '../../lottery/bet-rules.ts';
import type { AgencyCodec, CentralCodec, Dialect } from '../dialect.ts';
import { BASE_CONVERSATION } from '../dialect.ts';
import type { Limits } from '../limits.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { WireError } from '../refusal.ts';
import { StreamDecoder } from '../stream-decoder.ts';
import { BatchReader, BatchWriter, type BetFormat, fieldsLength } from './bets.ts';

/**
 * The dialect csv-frames (protocol page): text, UTF-8, in frames.
 *
 *     frame  = length flag *( length bytes )
 *     length = 4digit                             of the payload, in bytes
 *     flag   = "0" | "1"                          data, or the end, which is always `00001`
 *     batch  = 1*( nombre "," apellido "," documento "," nacimiento "," numero "/" )
 *
 *     agency                                      central
 *     data   agency id, the first frame           no answer
 *     data   batch                                data   ACK
 *     end                                         no answer; after the draw
 *                                                 data   document, for each winner
 *                                                 end
 *
 * A refusal has no bytes: the central closes the connection.
 */
export function createCsvFramesDialect(): Dialect {
  const bets = new BatchReader(BET);
  return {
    name: 'csv-frames',
    conversation: {
      ...BASE_CONVERSATION,
      finishIsAnswered: false,
      winners: 'sent',
      // The original client hangs when a segment border splits a header.
      writePerFrame: true,
      closesBetweenPolls: false,
    },
    agencyMax: AGENCY_MAX,
    central: limits => new CsvFramesCentralCodec(bets, limits),
    agency: (limits, id) => new CsvFramesAgencyCodec(limits, id),
  };
}

const COMMA = 0x2c;
const SLASH = 0x2f;
const DIGIT_0 = 0x30;
const LAST = BET_FIELDS.length - 1;

/** Quotes have no meaning: a name with a separator would be two fields or two lines. */
const BET: BetFormat = {
  read(from) {
    const { bytes, end, starts, ends } = from;
    let field = 0;
    let start = from.at;
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at];
      if (byte !== COMMA && byte !== SLASH) continue;
      // Writes beyond the arrays have no effect.
      starts[field] = start;
      ends[field] = at;
      field += 1;
      start = at + 1;
      if (byte !== SLASH) continue;
      from.at = start;
      if (field === BET_FIELDS.length) return undefined;
      return field < BET_FIELDS.length ? 'too-few-fields' : 'too-many-fields';
    }
    from.at = end;
    return 'too-few-fields';
  },
  bytesOf: bet => BET_FIELDS.length + fieldsLength(bet),
  write(to, { bytes, starts, ends }) {
    for (let field = 0; field < LAST; field += 1)
      to.bytes(bytes, starts[field], ends[field]).u8(COMMA);
    to.bytes(bytes, starts[LAST], ends[LAST]).u8(SLASH);
  },
  findUnsendable(bet) {
    // The other fields are digits and a date.
    if (holdsSeparator(bet, 0)) return { field: 'first_name', reason: 'separator' };
    if (holdsSeparator(bet, 1)) return { field: 'last_name', reason: 'separator' };
    return undefined;
  },
};

function holdsSeparator({ bytes, starts, ends }: FieldRanges, field: number): boolean {
  for (let at = starts[field]!; at < ends[field]!; at += 1) {
    if (bytes[at] === COMMA || bytes[at] === SLASH) return true;
  }
  return false;
}

const LENGTH_DIGITS = 4;
const HEADER_BYTES = LENGTH_DIGITS + 1;
/** The longest payload that the digits of a header can express. */
const PAYLOAD_BYTES_MAX = 9999;
/** The original client's longest frame. */
const FRAME_BYTES_MAX = 8006;

const END = Buffer.from('00001');
const ACK = encodeData('ACK');

interface Frame {
  readonly isEnd: boolean;
  readonly payload: Uint8Array;
}

abstract class CsvFramesDecoder<Message> extends StreamDecoder<Message> {
  /** @throws WireError `malformed`, `unknown-message` or `payload-too-large` */
  protected nextFrame(payloadBytesMax: number): Frame | undefined {
    const { queue } = this;
    if (queue.length < HEADER_BYTES) return undefined;
    let length = 0;
    for (let at = 0; at < LENGTH_DIGITS; at += 1) {
      const digit = queue.byteAt(at) - DIGIT_0;
      if (digit < 0 || digit > 9) {
        throw new WireError('malformed', 'a frame whose length is not 4 digits');
      }
      length = length * 10 + digit;
    }
    const flag = queue.byteAt(LENGTH_DIGITS) - DIGIT_0;
    if (flag !== 0 && flag !== 1) {
      throw new WireError('unknown-message', 'a frame whose flag is not 0 or 1');
    }
    if (flag === 1 && length > 0) throw new WireError('malformed', `an end of ${length} bytes`);
    const payload = this.takeFrame(HEADER_BYTES, length, payloadBytesMax, 'a frame');
    return payload && { isEnd: flag === 1, payload };
  }
}

/** The meaning of a frame depends on its place: the first one identifies. */
class CsvFramesCentralCodec extends CsvFramesDecoder<ClientMessage> implements CentralCodec {
  readonly readBets: CentralCodec['readBets'];
  readonly #payloadBytesMax: number;
  #identified = false;
  /** An end frame is two messages; the second one is due. */
  #wantsWinners = false;

  constructor(bets: BatchReader, { payloadBytesMax }: Limits) {
    super();
    this.readBets = bets.readBets;
    this.#payloadBytesMax = payloadBytesMax;
  }

  /** @throws WireError `malformed` when a document does not fit into a frame */
  encode(reply: ServerMessage, to?: ClientMessage['kind']): readonly Uint8Array[] {
    switch (reply.kind) {
      case 'accepted':
        return to === 'finish' ? [] : [ACK];
      case 'winners':
        return [...reply.documents.map(encodeWinner), END];
      default:
        return [];
    }
  }

  protected override decode(): ClientMessage | undefined {
    if (this.#wantsWinners) {
      this.#wantsWinners = false;
      return { kind: 'await-winners' };
    }
    const frame = this.nextFrame(this.#payloadBytesMax);
    if (frame === undefined) return undefined;
    const { isEnd, payload } = frame;
    if (isEnd) {
      this.#wantsWinners = true;
      return { kind: 'finish' };
    }
    if (!this.#identified) {
      this.#identified = true;
      return { kind: 'identify', agency: decodeAgency(payload) };
    }
    return payload.length === 0 ? { kind: 'empty-batch' } : { kind: 'batch', payload };
  }
}

function decodeAgency(payload: Uint8Array): number {
  const agency = parseAgency(Buffer.from(payload).toString('latin1'));
  if (agency === undefined) {
    throw new WireError('malformed', 'a first frame without an agency id from 1 to 65535');
  }
  return agency;
}

function encodeWinner(document: string): Uint8Array {
  const length = Buffer.byteLength(document);
  if (length === 0 || length > PAYLOAD_BYTES_MAX) {
    throw new WireError('malformed', `a document of ${length} bytes, which no frame can say`);
  }
  return encodeData(document);
}

function encodeData(text: string): Uint8Array {
  return Buffer.from(headerOf(Buffer.byteLength(text)) + text);
}

function headerOf(length: number): string {
  return `${String(length).padStart(LENGTH_DIGITS, '0')}0`;
}

class CsvFramesAgencyCodec extends CsvFramesDecoder<ServerAnswer> implements AgencyCodec {
  readonly batch: BatchWriter;
  readonly #id: number;
  readonly #winnersBytesMax: number;
  /** Winners whose end frame has not arrived. */
  #documents: string[] = [];
  #winnersBytes = 0;

  constructor(limits: Limits, id: number) {
    super();
    this.#id = id;
    this.#winnersBytesMax = limits.replyPayloadBytesMax;
    this.batch = new BatchWriter(limits, BET, {
      header: Buffer.from(headerOf(0)),
      bytesMax: Math.min(HEADER_BYTES + limits.payloadBytesMax, FRAME_BYTES_MAX),
      finish: frame => frame.write(headerOf(frame.length - HEADER_BYTES)),
    });
  }

  override get pending(): boolean {
    return super.pending || this.#documents.length > 0;
  }

  identify(): Uint8Array {
    return encodeData(String(this.#id));
  }

  finish(): Uint8Array {
    return END;
  }

  askWinners(): Uint8Array {
    throw new Error('csv-frames has no question for the winners: they are sent without one');
  }

  /** Winners are many frames: one per document, and the end. */
  protected override decode(): ServerAnswer | undefined {
    for (;;) {
      const frame = this.nextFrame(PAYLOAD_BYTES_MAX);
      if (frame === undefined) return undefined;
      if (frame.isEnd) return { kind: 'winners', documents: this.#takeDocuments() };
      const text = Buffer.from(frame.payload).toString('latin1');
      if (text === 'ACK' && this.#documents.length === 0) return { kind: 'accepted' };
      this.#addDocument(text);
    }
  }

  #addDocument(text: string): void {
    // Any other word is no answer of this dialect: the agency would wait for the end forever.
    if (!/^\d+$/.test(text)) {
      throw new WireError('malformed', 'a frame that is neither ACK nor a document');
    }
    this.#winnersBytes += HEADER_BYTES + text.length;
    if (this.#winnersBytes > this.#winnersBytesMax) {
      const detail = `winners of more than ${this.#winnersBytesMax} bytes`;
      throw new WireError('payload-too-large', detail);
    }
    this.#documents.push(text);
  }

  #takeDocuments(): string[] {
    const documents = this.#documents;
    this.#documents = [];
    this.#winnersBytes = 0;
    return documents;
  }
}
