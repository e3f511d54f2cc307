import { AGENCY_MAX, BET_FIELDS, parseAgency } from '../../lottery/bet-rules.ts';
import { Reader, Writer } from '../cursor.ts';
import type { AgencyCodec, CentralCodec, Dialect } from '../dialect.ts';
import { BASE_CONVERSATION } from '../dialect.ts';
import type { Limits } from '../limits.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { peerText } from '../peer-text.ts';
import { WireError } from '../refusal.ts';
import { StreamDecoder } from '../stream-decoder.ts';
import { HEADER_BYTES as BASE_HEADER_BYTES } from '../typed-frames.ts';
import { BatchReader, BatchWriter, type BetFormat, fieldsLength } from './bets.ts';

/**
 * The dialect check-win (docs/PROTOCOL.md). All values are text, numbers too; lengths are big-endian.
 *
 *     frame    = u32 length; type; `length` bytes of payload
 *     type     = 1 byte, ASCII
 *     payload  = any number of fields
 *     field    = u32 length; `length` bytes, UTF-8
 *
 *     agency                                          central
 *     B  agency, then 5·n fields                      0  number of bets stored / E  at least one field
 *     F  agency; the rest has no meaning              no answer
 *     Q  agency                                       Q  no field: not yet / W  a field per document
 *
 * The end of the frame ends a batch: it has no number of bets. One connection carries the batches
 * and the `F`; each `Q` has a connection of its own, which may precede the agency's `F`.
 */
export function createCheckWinDialect(): Dialect {
  const bets = new BatchReader(BET);
  return {
    name: 'check-win',
    conversation: {
      // Closes after a refused batch: `F` has no answer, and would finish without those bets.
      ...BASE_CONVERSATION,
      finishIsAnswered: false,
      connectionPerQuestion: true,
      closesBetweenPolls: false,
    },
    agencyMax: AGENCY_MAX,
    central: limits => new CheckWinCentralCodec(bets, limits),
    agency: (limits, id) => new CheckWinAgencyCodec(limits, id),
  };
}

/** Numbers are sent as they are in the file, with leading zeros. */
const BET: BetFormat = {
  read(from) {
    for (let field = 0; field < BET_FIELDS.length; field += 1) from.field(field, from.u32());
    return undefined;
  },
  bytesOf: bet => BET_FIELDS.length * LENGTH_BYTES + fieldsLength(bet),
  write(to, { bytes, starts, ends }) {
    for (let field = 0; field < BET_FIELDS.length; field += 1) {
      to.u32(ends[field]! - starts[field]!).bytes(bytes, starts[field], ends[field]);
    }
  },
};

const LENGTH_BYTES = 4;
const HEADER_BYTES = LENGTH_BYTES + 1;
/**
 * The original client's frames have up to 8202 bytes, the base protocol's 8192 with header. Its
 * documentation does not say whether the 8202 include the header, so the payload may have as many.
 */
const FRAME_BYTES_BEYOND_BASE = 10;
/** The field of an agency's id: at most five digits, and some clients pad. */
const AGENCY_FIELD_BYTES_MAX = LENGTH_BYTES + 16;
const DIGITS_MAX = 15;
const NUMBER = new RegExp(`^\\d{1,${DIGITS_MAX}}$`);
/** Generous for an error of a few words. */
const ERROR_BYTES_MAX = 8192;

const NOT_YET = encodeFrame('Q', []);
/** The original client reads the first field as the number of stored bets. */
const ERROR = encodeFrame('E', ['0']);

abstract class CheckWinDecoder<Message> extends StreamDecoder<Message> {
  /** Longest payload of each type, in bytes. */
  readonly #payloadBytesMax: ReadonlyMap<string, number>;

  constructor(payloadBytesMax: Readonly<Record<string, number>>) {
    super();
    this.#payloadBytesMax = new Map(Object.entries(payloadBytesMax));
  }

  /** @throws WireError `unknown-message`, `payload-too-large` or `malformed` */
  protected override decode(): Message | undefined {
    const { queue } = this;
    if (queue.length < HEADER_BYTES) return undefined;
    const code = queue.byteAt(LENGTH_BYTES);
    const type = String.fromCharCode(code);
    const bytesMax = this.#payloadBytesMax.get(type);
    if (bytesMax === undefined) {
      throw new WireError('unknown-message', `type 0x${code.toString(16)}`);
    }
    const payload = this.takeFrame(HEADER_BYTES, queue.u32At(0), bytesMax, type);
    return payload && this.decodePayload(type, payload);
  }

  /** @param type one of those given */
  protected abstract decodePayload(type: string, payload: Uint8Array): Message;
}

class CheckWinCentralCodec extends CheckWinDecoder<ClientMessage> implements CentralCodec {
  readonly readBets: CentralCodec['readBets'];

  constructor(bets: BatchReader, { payloadBytesMax }: Limits) {
    const batchPayloadBytesMax = payloadBytesMax + BASE_HEADER_BYTES + FRAME_BYTES_BEYOND_BASE;
    super({ B: batchPayloadBytesMax, F: batchPayloadBytesMax, Q: AGENCY_FIELD_BYTES_MAX });
    this.readBets = bets.readBets;
  }

  protected override decodePayload(type: string, payload: Uint8Array): ClientMessage {
    const fields = new Reader(payload);
    const agency = parseAgency(fields.text(fields.u32()));
    if (fields.truncated || agency === undefined) {
      throw new WireError('malformed', `${type} without an agency id from 1 to 65535`);
    }
    // Older clients repeat their last batch in F. It was sent as a B before, and is ignored here.
    if (type === 'F') return { kind: 'finish', agency };
    if (type === 'B') {
      const bets = payload.subarray(fields.at);
      if (bets.length === 0) return { kind: 'empty-batch', agency };
      return { kind: 'batch', payload: bets, agency };
    }
    if (fields.left > 0) throw new WireError('malformed', 'Q with more than an agency id');
    return { kind: 'ask-winners', agency };
  }

  encode(reply: ServerMessage, to?: ClientMessage['kind']): readonly Uint8Array[] {
    // F has no answer, neither a positive nor a negative one.
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

class CheckWinAgencyCodec extends CheckWinDecoder<ServerAnswer> implements AgencyCodec {
  readonly batch: BatchWriter;
  readonly #id: string;

  constructor(limits: Limits, id: number) {
    super({
      '0': LENGTH_BYTES + DIGITS_MAX,
      E: ERROR_BYTES_MAX,
      Q: 0,
      W: limits.replyPayloadBytesMax,
    });
    this.#id = String(id);
    this.batch = new BatchWriter(limits, BET, {
      header: encodeFrame('B', [this.#id]),
      // As long as a frame of the base protocol.
      bytesMax: BASE_HEADER_BYTES + limits.payloadBytesMax,
      finish: frame => frame.writeUInt32BE(frame.length - HEADER_BYTES),
    });
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

  protected override decodePayload(type: string, payload: Uint8Array): ServerAnswer {
    const texts = decodeTexts(type, payload);
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
  if (rest.length > 0 || !NUMBER.test(count)) {
    throw new WireError('malformed', '0 without a number of bets');
  }
  return Number(count);
}

/** `E`: fields that are numbers carry no information; the others are words. */
function decodeError(texts: readonly string[]): ServerAnswer {
  const detail = peerText(texts.filter(text => !NUMBER.test(text)).join(' '));
  if (detail === '') return { kind: 'refused' };
  return { kind: 'refused', refusal: { code: 'malformed', detail } };
}

/** @throws WireError `malformed` when the last field is truncated */
function decodeTexts(type: string, payload: Uint8Array): string[] {
  const fields = new Reader(payload);
  const texts: string[] = [];
  while (fields.left > 0) texts.push(fields.text(fields.u32()));
  if (fields.truncated) {
    const detail = `${type} with a field that is longer than the rest of it`;
    throw new WireError('malformed', detail);
  }
  return texts;
}

function encodeFrame(type: string, texts: readonly string[]): Uint8Array {
  const fields = texts.map(text => Buffer.from(text));
  const length = fields.reduce((sum, field) => sum + LENGTH_BYTES + field.length, 0);
  const to = new Writer(HEADER_BYTES + length).u32(length).u8(type.charCodeAt(0));
  for (const field of fields) to.u32(field.length).bytes(field);
  return to.copy();
}
