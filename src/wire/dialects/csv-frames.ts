import type { BatchFault, BetBatch } from '../../lottery/bet-batch.ts';
import { AGENCY_MAX, BET_FIELDS, type FieldRanges, parseAgency } from '../../lottery/bet-rules.ts';
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
import type { Limits } from '../limits.ts';
import type { BetsMessage, ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { QueueDecoder } from '../queue-decoder.ts';
import { WireError } from '../refusal.ts';
import { FrameGatherer } from './frame-gatherer.ts';

/**
 * The dialect csv-frames (protocol page): text, UTF-8, in frames.
 *
 *     frame = length flag *( length bytes )
 *     length = 4digit                             of the payload, in bytes
 *     flag  = "0" | "1"                           data, or the end, which is always `00001`
 *
 *     agency                                      central
 *     data   agency id, the first frame           no answer
 *     data   lines                                data   ACK
 *     end                                         no answer; after the draw
 *                                                 data   document, for each winner
 *                                                 end
 *
 * There is nothing to say a refusal with: it is a closed connection.
 */
export function createCsvFramesDialect(): Dialect {
  const bets = new LineReader();
  return {
    name: 'csv-frames',
    conversation: CONVERSATION,
    agencyMax: AGENCY_MAX,
    central: limits => new CsvFramesCentralCodec(bets, limits),
    agency: (limits, id) => new CsvFramesAgencyCodec(limits, id),
  };
}

const CONVERSATION: Conversation = {
  finishIsAnswered: false,
  winners: 'sent',
  questionsApart: false,
  outlivesRefusedBatch: false,
  // The original client hangs when a header comes in two pieces, which it may when frames share a segment.
  framesApart: true,
  closesWhileWaiting: false,
  serverMayClose: false,
};

const COMMA = 0x2c;
const SLASH = 0x2f;
const DIGIT_0 = 0x30;

const LENGTH_DIGITS = 4;
const HEADER_BYTES = LENGTH_DIGITS + 1;
/** The longest payload that the digits of a header can say. */
const PAYLOAD_BYTES_MAX = 9999;
/** The longest payload of the original client, whose frames have at most 8006 bytes. */
const BATCH_BYTES_MAX = 8006 - HEADER_BYTES;

const END = Buffer.from('00001');
const ACK = encodeData(Buffer.from('ACK'));

interface Frame {
  readonly flag: 'data' | 'end';
  readonly payload: Uint8Array;
}

/**
 * Takes the next frame from a queue, undefined when it is not complete.
 *
 * @throws WireError `malformed`, `unknown-message` or `payload-too-large`
 */
function cutFrame(queue: ByteQueue, payloadBytesMax: number): Frame | undefined {
  if (queue.length < HEADER_BYTES) return undefined;
  const length = lengthIn(queue);
  const flag = flagIn(queue);
  if (flag === 'end' && length > 0) throw new WireError('malformed', `an end of ${length} bytes`);
  if (length > payloadBytesMax) {
    throw new WireError(
      'payload-too-large',
      `a frame of ${length} bytes, at most ${payloadBytesMax} are taken`,
    );
  }
  if (queue.length < HEADER_BYTES + length) return undefined;
  return { flag, payload: queue.take(HEADER_BYTES + length, HEADER_BYTES) };
}

function lengthIn(queue: ByteQueue): number {
  let length = 0;
  for (let at = 0; at < LENGTH_DIGITS; at += 1) {
    const digit = queue.byteAt(at) - DIGIT_0;
    if (digit < 0 || digit > 9) throw new WireError('malformed', 'a frame whose length is not 4 digits');
    length = length * 10 + digit;
  }
  return length;
}

function flagIn(queue: ByteQueue): Frame['flag'] {
  const flag = queue.byteAt(LENGTH_DIGITS) - DIGIT_0;
  if (flag !== 0 && flag !== 1) throw new WireError('unknown-message', 'a frame whose flag is not 0 or 1');
  return flag === 0 ? 'data' : 'end';
}

function encodeData(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  putHeader(frame, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Writes the header of data at the start of a frame. */
function putHeader(frame: Uint8Array, length: number): void {
  frame.set(Buffer.from(`${String(length).padStart(LENGTH_DIGITS, '0')}0`));
}

/** The central's half. What the first frame and what any later one means is known from their order alone. */
class CsvFramesCentralCodec extends QueueDecoder<ClientMessage> implements CentralCodec {
  readonly #bets: LineReader;
  readonly #payloadBytesMax: number;
  #identified = false;
  /** Whether the end of the bets was heard and not yet the wish for the winners, which the same frame says. */
  #wantsWinners = false;

  constructor(bets: LineReader, { payloadBytesMax }: Limits) {
    super();
    this.#bets = bets;
    this.#payloadBytesMax = payloadBytesMax;
  }

  readBets(message: BetsMessage, agency: number): BetBatch | BatchFault {
    return this.#bets.read(message.payload, agency);
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

  protected override cut(): ClientMessage | undefined {
    if (this.#wantsWinners) {
      this.#wantsWinners = false;
      return { kind: 'await-winners' };
    }
    const frame = cutFrame(this.queue, this.#payloadBytesMax);
    return frame && this.#decode(frame);
  }

  #decode({ flag, payload }: Frame): ClientMessage {
    if (flag === 'end') {
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
  const payload = Buffer.from(document);
  if (payload.length === 0 || payload.length > PAYLOAD_BYTES_MAX) {
    throw new WireError('malformed', `a document of ${payload.length} bytes, which no frame can say`);
  }
  return encodeData(payload);
}

/**
 * Reads the lines of a batch. Nothing can stand in quotes: a name with a separator is two fields, or two lines.
 *
 *     batch = 1*( nombre "," apellido "," documento "," nacimiento "," numero "/" )
 */
class LineReader {
  readonly #rows = new RowGatherer();
  readonly #starts = new Int32Array(BET_FIELDS.length);
  readonly #ends = new Int32Array(BET_FIELDS.length);

  read(payload: Uint8Array, agency: number): BetBatch | BatchFault {
    const fields: FieldRanges = { bytes: payload, starts: this.#starts, ends: this.#ends };
    const count = countLines(payload);
    this.#rows.begin(agency, count);
    let start = 0;
    for (let index = 0; start < payload.length; index += 1) {
      const end = payload.indexOf(SLASH, start);
      const found = end < 0 ? 0 : splitLine(fields, start, end);
      if (found !== BET_FIELDS.length) {
        const reason = found < BET_FIELDS.length ? 'too-few-fields' : 'too-many-fields';
        return { count, index, field: 'batch', reason };
      }
      const fault = this.#rows.add(fields);
      if (fault !== undefined) return fault;
      start = end + 1;
    }
    return this.#rows.batch;
  }
}

/** Lines that a batch has, the rest behind the last of them included. */
function countLines(payload: Uint8Array): number {
  let count = 0;
  for (let start = 0; start < payload.length; count += 1) {
    const end = payload.indexOf(SLASH, start);
    start = end < 0 ? payload.length : end + 1;
  }
  return count;
}

/** Notes where the first five fields of a line are; returns how many it has. */
function splitLine({ bytes, starts, ends }: FieldRanges, start: number, end: number): number {
  let count = 0;
  let from = start;
  for (let at = start; at <= end; at += 1) {
    if (at < end && bytes[at] !== COMMA) continue;
    // What lies beyond the arrays is not noted.
    starts[count] = from;
    ends[count] = at;
    count += 1;
    from = at + 1;
  }
  return count;
}

class CsvFramesAgencyCodec extends QueueDecoder<ServerAnswer> implements AgencyCodec {
  readonly batch: BatchEncoder;
  readonly #id: number;
  readonly #winnersBytesMax: number;
  /** Winners whose end has not come. */
  #documents: string[] = [];
  #winnersBytes = 0;

  constructor({ payloadBytesMax, replyPayloadBytesMax }: Limits, id: number) {
    super();
    this.#id = id;
    this.#winnersBytesMax = replyPayloadBytesMax;
    this.batch = new LineGatherer(HEADER_BYTES, Math.min(payloadBytesMax, BATCH_BYTES_MAX));
  }

  override get pending(): boolean {
    return super.pending || this.#documents.length > 0;
  }

  identify(): Uint8Array {
    return encodeData(Buffer.from(String(this.#id)));
  }

  finish(): Uint8Array {
    return END;
  }

  askWinners(): Uint8Array {
    throw new Error('csv-frames has no question for the winners: they are sent without one');
  }

  /** One answer may be many frames: the documents of the winners and their end. */
  protected override cut(): ServerAnswer | undefined {
    for (;;) {
      const frame = cutFrame(this.queue, PAYLOAD_BYTES_MAX);
      if (frame === undefined) return undefined;
      if (frame.flag === 'end') return { kind: 'winners', documents: this.#takeDocuments() };
      const text = Buffer.from(frame.payload).toString('latin1');
      if (text === 'ACK' && this.#documents.length === 0) return { kind: 'accepted' };
      this.#addDocument(text);
    }
  }

  #addDocument(text: string): void {
    // Not every text: a word that is no answer of this dialect would be waited behind for ever.
    if (!/^\d+$/.test(text)) throw new WireError('malformed', 'a frame that is neither ACK nor a document');
    this.#winnersBytes += HEADER_BYTES + text.length;
    if (this.#winnersBytes > this.#winnersBytesMax) {
      throw new WireError('payload-too-large', `winners of more than ${this.#winnersBytesMax} bytes`);
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

/** Copies the fields as they are, numbers with their leading zeros too: to a peer they are text. */
class LineGatherer extends FrameGatherer {
  protected override findUnsendable(bet: FieldRanges): UnsendableBet | undefined {
    if (holdsSeparator(bet, 0)) return { field: 'first_name', reason: 'separator' };
    if (holdsSeparator(bet, 1)) return { field: 'last_name', reason: 'separator' };
    return undefined;
  }

  protected override bytesOf({ starts, ends }: FieldRanges): number {
    let length = BET_FIELDS.length;
    for (let field = 0; field < BET_FIELDS.length; field += 1) length += ends[field]! - starts[field]!;
    return length;
  }

  protected override put({ bytes, starts, ends }: FieldRanges, frame: Uint8Array, at: number): number {
    let to = at;
    for (let field = 0; field < BET_FIELDS.length; field += 1) {
      for (let from = starts[field]!; from < ends[field]!; from += 1) frame[to++] = bytes[from]!;
      frame[to++] = COMMA;
    }
    frame[to - 1] = SLASH;
    return to;
  }

  protected override putHeader(frame: Uint8Array, payloadBytes: number): void {
    putHeader(frame, payloadBytes);
  }
}

/** The other fields are digits and a date. */
function holdsSeparator({ bytes, starts, ends }: FieldRanges, field: number): boolean {
  for (let at = starts[field]!; at < ends[field]!; at += 1) {
    if (bytes[at] === COMMA || bytes[at] === SLASH) return true;
  }
  return false;
}
