import type { BatchFault, BetBatch } from '../../lottery/bet-batch.ts';
import { AGENCY_MAX, BET_FIELDS, type FieldRanges, parseAgency } from '../../lottery/bet-rules.ts';
import { RowGatherer } from '../../lottery/row-gatherer.ts';
import type { AgencyCodec, BatchEncoder, CentralCodec, Conversation, Dialect } from '../dialect.ts';
import { QueueDecoder } from '../queue-decoder.ts';
import { type Limits, PAYLOAD_BYTES_MIN } from '../limits.ts';
import type { BetsMessage, ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { peerText } from '../peer-text.ts';
import { WireError } from '../refusal.ts';
import { HEADER_BYTES as BASE_HEADER_BYTES } from '../typed-frames.ts';
import { putBytes, putU32 } from './put-bytes.ts';

/**
 * The dialect check-win (protocol page). Everything is text, also what is a number; integers are big-endian.
 *
 *     frame    = u32 length; type; `length` bytes of payload
 *     type     = 1 byte, ASCII
 *     payload  = any number of fields
 *     field    = u32 length; `length` bytes, UTF-8
 *
 *     agency                                          central
 *     B  agency, then 5·n fields                      0  number of bets stored / E  at least one field
 *     F  agency; what follows means nothing           no answer
 *     Q  agency                                       Q  no field: not yet / W  a field per document
 *
 * A batch has no number of bets: it ends with its frame. One connection carries the batches and the `F`, and each `Q` has a
 * connection of its own, which may come before the agency's own `F`.
 */
export function createCheckWinDialect(): Dialect {
  const bets = new BetFieldsReader();
  return {
    name: 'check-win',
    conversation: CONVERSATION,
    agencyMax: AGENCY_MAX,
    central: limits => new CheckWinCentralCodec(bets, limits),
    agency: (limits, id) => new CheckWinAgencyCodec(limits, id),
  };
}

const CONVERSATION: Conversation = {
  finishIsAnswered: false,
  winners: 'asked',
  questionsApart: true,
  // The agency would go on, and the draw be held without the bets that were refused.
  outlivesRefusedBatch: false,
  framesApart: false,
  closesWhileWaiting: false,
  serverMayClose: false,
};

const LENGTH_BYTES = 4;
const HEADER_BYTES = LENGTH_BYTES + 1;
/**
 * What the original client's frames have beyond those of the base protocol, which are 8192 bytes with their header. The page
 * does not say whether its 8202 bytes are with the header or without: they are taken without.
 */
const FRAME_BYTES_BEYOND_BASE = 10;
/** The field of an agency's id: at most five digits, and some clients pad. */
const AGENCY_FIELD_BYTES_MAX = LENGTH_BYTES + 16;
const DIGITS_MAX = 15;
const NUMBER = new RegExp(`^\\d{1,${DIGITS_MAX}}$`);
/** An error is a few words; a server that echoes what it was sent says no more than a frame. */
const ERROR_BYTES_MAX = 8192;

/** Replies that are always the same bytes. */
const NOT_YET = encodeFrame('Q', []);
/** The original client stops at an error without a field, and takes any field for a number of bets: none was stored. */
const ERROR = encodeFrame('E', ['0']);

/** Cuts a stream into frames of the types that it is given. No length is believed before it is bounded. */
abstract class CheckWinCodec<Message> extends QueueDecoder<Message> {
  /** Longest payload of each type, in bytes. */
  readonly #payloadBytesMax: ReadonlyMap<string, number>;

  constructor(payloadBytesMax: Readonly<Record<string, number>>) {
    super();
    this.#payloadBytesMax = new Map(Object.entries(payloadBytesMax));
  }

  /** @throws WireError `unknown-message`, `payload-too-large` or `malformed` */
  protected override cut(): Message | undefined {
    const { queue } = this;
    if (queue.length < HEADER_BYTES) return undefined;
    const code = queue.byteAt(LENGTH_BYTES);
    const type = String.fromCharCode(code);
    const most = this.#payloadBytesMax.get(type);
    if (most === undefined) throw new WireError('unknown-message', `type 0x${code.toString(16)}`);
    const length = queue.u32At(0);
    if (length > most) {
      throw new WireError('payload-too-large', `${type} of ${length} bytes, at most ${most} are taken`);
    }
    if (queue.length < HEADER_BYTES + length) return undefined;
    return this.decode(type, queue.take(HEADER_BYTES + length, HEADER_BYTES));
  }

  /** @param type one of those given */
  protected abstract decode(type: string, payload: Uint8Array): Message;
}

class CheckWinCentralCodec extends CheckWinCodec<ClientMessage> implements CentralCodec {
  readonly #bets: BetFieldsReader;

  constructor(bets: BetFieldsReader, { payloadBytesMax }: Limits) {
    const frameBytesMax = payloadBytesMax + BASE_HEADER_BYTES + FRAME_BYTES_BEYOND_BASE;
    super({ B: frameBytesMax, F: frameBytesMax, Q: AGENCY_FIELD_BYTES_MAX });
    this.#bets = bets;
  }

  /** `B`, `F` and `Q`: the first field is the agency's id. */
  protected override decode(type: string, payload: Uint8Array): ClientMessage {
    const end = fieldEnd(payload, 0);
    const agency = end < 0 ? undefined : parseAgency(textOf(payload, 0, end));
    if (agency === undefined) {
      throw new WireError('malformed', `${type} without an agency id from 1 to 65535`);
    }
    // Older clients append their last batch again, which is stored already.
    if (type === 'F') return { kind: 'finish', agency };
    if (type === 'B') {
      const bets = payload.subarray(end);
      return bets.length === 0 ? { kind: 'empty-batch', agency } : { kind: 'batch', payload: bets, agency };
    }
    if (end < payload.length) throw new WireError('malformed', 'Q with more than an agency id');
    return { kind: 'ask-winners', agency };
  }

  readBets({ payload }: BetsMessage, agency: number): BetBatch | BatchFault {
    return this.#bets.read(payload, agency);
  }

  encode(reply: ServerMessage, to?: ClientMessage['kind']): readonly Uint8Array[] {
    // The end of the bets is not answered: not when it is noted, and not when it is refused.
    if (to === 'finish') return [];
    switch (reply.kind) {
      case 'accepted':
        return [encodeFrame('0', [String(reply.bets ?? 0)])];
      case 'not-drawn':
        return [NOT_YET];
      case 'winners':
        return [encodeFrame('W', reply.documents)];
      case 'still-here':
        return [];
      default:
        return [ERROR];
    }
  }
}

/** Makes rows of the fields of a batch. One serves all connections: its rows are taken before the next batch is read. */
class BetFieldsReader {
  readonly #rows = new RowGatherer();
  readonly #fields = {
    bytes: new Uint8Array(0) as Uint8Array,
    starts: new Int32Array(BET_FIELDS.length),
    ends: new Int32Array(BET_FIELDS.length),
  } satisfies FieldRanges;

  /** @param payload 5·n fields: nombre, apellido, documento, nacimiento, numero of each bet */
  read(payload: Uint8Array, agency: number): BetBatch | BatchFault {
    const count = Math.ceil(countFields(payload) / BET_FIELDS.length);
    this.#rows.begin(agency, count);
    this.#fields.bytes = payload;
    let at = 0;
    for (let index = 0; index < count; index += 1) {
      at = this.#findFields(at);
      if (at < 0) return { count, index, field: 'batch', reason: 'too-few-fields' };
      const fault = this.#rows.add(this.#fields);
      if (fault !== undefined) return fault;
    }
    return this.#rows.batch;
  }

  /** Finds the five fields at `at`; returns the place behind them, -1 when the payload ends before. */
  #findFields(at: number): number {
    const { bytes, starts, ends } = this.#fields;
    let from = at;
    for (let field = 0; field < BET_FIELDS.length; field += 1) {
      const end = fieldEnd(bytes, from);
      if (end < 0) return -1;
      starts[field] = from + LENGTH_BYTES;
      ends[field] = end;
      from = end;
    }
    return from;
  }
}

class CheckWinAgencyCodec extends CheckWinCodec<ServerAnswer> implements AgencyCodec {
  readonly batch: BatchEncoder;
  readonly #id: string;

  constructor(limits: Limits, id: number) {
    super({ '0': LENGTH_BYTES + DIGITS_MAX, E: ERROR_BYTES_MAX, Q: 0, W: limits.replyPayloadBytesMax });
    this.#id = String(id);
    this.batch = new BetGatherer(limits, this.#id);
  }

  identify(): undefined {
    return undefined;
  }

  finish(): Uint8Array {
    return encodeFrame('F', [this.#id]);
  }

  askWinners(): Uint8Array {
    return encodeFrame('Q', [this.#id]);
  }

  protected override decode(type: string, payload: Uint8Array): ServerAnswer {
    const texts = textsOf(type, payload);
    switch (type) {
      case '0':
        return { kind: 'accepted', bets: decodeCount(texts) };
      case 'E':
        return decodeError(texts);
      case 'Q':
        return { kind: 'not-drawn' };
      default:
        return { kind: 'winners', documents: texts };
    }
  }
}

/** `0`: one field, the number of bets stored. */
function decodeCount([count = '', ...rest]: readonly string[]): number {
  if (rest.length > 0 || !NUMBER.test(count)) throw new WireError('malformed', '0 without a number of bets');
  return Number(count);
}

/** `E`: a field that is a number says nothing; others are words. */
function decodeError(texts: readonly string[]): ServerAnswer {
  const detail = peerText(texts.filter(text => !NUMBER.test(text)).join(' '));
  return detail === '' ? { kind: 'refused' } : { kind: 'refused', refusal: { code: 'malformed', detail } };
}

/** Gathers bets into a `B`, behind the agency's id. A number is sent as it stands in the file, with its leading zeros. */
class BetGatherer implements BatchEncoder {
  count = 0;
  readonly #frame: Buffer;
  readonly #firstBet: number;
  #at: number;

  constructor({ payloadBytesMax }: Limits, id: string) {
    if (payloadBytesMax < PAYLOAD_BYTES_MIN) throw new RangeError('a frame must have room for any one bet');
    // With its header, like a frame of the base protocol: 8192 bytes.
    this.#frame = Buffer.alloc(BASE_HEADER_BYTES + payloadBytesMax);
    this.#frame.set(encodeFrame('B', [id]));
    this.#firstBet = HEADER_BYTES + LENGTH_BYTES + id.length;
    this.#at = this.#firstBet;
  }

  add({ bytes, starts, ends }: FieldRanges): 'added' | 'full' {
    const frame = this.#frame;
    let length = BET_FIELDS.length * LENGTH_BYTES;
    for (let field = 0; field < BET_FIELDS.length; field += 1) length += ends[field]! - starts[field]!;
    if (this.#at + length > frame.length) return 'full';
    for (let field = 0; field < BET_FIELDS.length; field += 1) {
      this.#at = putU32(frame, this.#at, ends[field]! - starts[field]!);
      this.#at = putBytes(frame, this.#at, bytes, starts[field]!, ends[field]!);
    }
    this.count += 1;
    return 'added';
  }

  take(): Uint8Array {
    this.#frame.writeUInt32BE(this.#at - HEADER_BYTES);
    const frame = Uint8Array.from(this.#frame.subarray(0, this.#at));
    this.count = 0;
    this.#at = this.#firstBet;
    return frame;
  }

  /** There is no message for a single bet: it is a batch of one. */
  takeSingle(): Uint8Array {
    return this.take();
  }
}

function encodeFrame(type: string, texts: readonly string[]): Uint8Array {
  const fields = texts.map(text => Buffer.from(text));
  const length = fields.reduce((sum, field) => sum + LENGTH_BYTES + field.length, 0);
  const frame = Buffer.alloc(HEADER_BYTES + length);
  let at = frame.writeUInt32BE(length);
  at += frame.write(type, at, 'latin1');
  for (const field of fields) {
    at = frame.writeUInt32BE(field.length, at);
    frame.set(field, at);
    at += field.length;
  }
  return frame;
}

/** The place behind the field at `at`; -1 when the payload ends before. */
function fieldEnd(payload: Uint8Array, at: number): number {
  const start = at + LENGTH_BYTES;
  if (start > payload.length) return -1;
  const high = (payload[at]! << 8) | payload[at + 1]!;
  const low = (payload[at + 2]! << 8) | payload[at + 3]!;
  // Not a shift, which would make a long length a negative one.
  const end = start + high * 0x1_0000 + low;
  return end > payload.length ? -1 : end;
}

/** The number of fields, with a last one that is broken off. */
function countFields(payload: Uint8Array): number {
  let count = 0;
  for (let at = 0; at >= 0 && at < payload.length; at = fieldEnd(payload, at)) count += 1;
  return count;
}

/** The text of the field from `at` to `end`. */
function textOf(payload: Uint8Array, at: number, end: number): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString(
    'utf8',
    at + LENGTH_BYTES,
    end,
  );
}

/** @throws WireError `malformed` when the last field is broken off */
function textsOf(type: string, payload: Uint8Array): string[] {
  const texts: string[] = [];
  let at = 0;
  while (at < payload.length) {
    const end = fieldEnd(payload, at);
    if (end < 0) throw new WireError('malformed', `${type} with a field that is longer than the rest of it`);
    texts.push(textOf(payload, at, end));
    at = end;
  }
  return texts;
}
