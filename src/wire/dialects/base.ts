import type { BatchFault, BetBatch } from '../../lottery/bet-batch.ts';
import { AGENCY_MAX, BET_FIELDS, type FieldRanges, parseAgency } from '../../lottery/bet-rules.ts';
import {
  type AgencyCodec,
  BASE_CONVERSATION,
  type BatchEncoder,
  type BetReader,
  type CentralCodec,
  type Dialect,
  type LineCopier,
  type LineGatherer,
  type OpenLineCopier,
  type UnsendableBet,
} from '../dialect.ts';
import { type Limits, PAYLOAD_BYTES_MIN } from '../limits.ts';
import type { BetsMessage, ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { WireError } from '../refusal.ts';
import {
  encodeBare,
  encodeFrame,
  type Frame,
  FrameDecoder,
  type FrameType,
  HEADER_BYTES,
  writeHeader,
} from '../typed-frames.ts';

/**
 * The native dialect (protocol page, section 1). Frames as in `typed-frames.ts`; text is UTF-8; `|` separates fields and
 * cannot occur inside one.
 *
 *     agency                                          central
 *     CONN  agency                                    no answer
 *     BET   nombre|apellido|documento|nacimiento|numero   OK / NOK
 *     NBET  n|5·n fields, no trailing delimiter       OK / NOK
 *     END   –                                         OK / NOK
 *     GWIN  –                                         NEND / RWIN  count|dni|dni…
 */
export function createBaseDialect(bets: BetReader, openLines?: OpenLineCopier): BaseDialect {
  return {
    name: 'base',
    conversation: BASE_CONVERSATION,
    agencyMax: AGENCY_MAX,
    central: limits => new BaseCentralCodec(bets, limits),
    agency: (limits, id) => new BaseAgencyCodec(limits, id, openLines),
  };
}

interface BaseDialect extends Dialect {
  agency(limits: Limits, id: number): TypedFramesAgencyCodec;
}

const SEPARATOR = 0x7c;
/** Replies that are always the same bytes. */
const OK = encodeBare('OK');
const NOK = encodeBare('NOK');
const NEND = encodeBare('NEND');
/** An agency's id has at most five digits; some clients pad. */
const AGENCY_BYTES_MAX = 16;

/** What the central's half of this dialect and of its extension have in common. */
export abstract class TypedFramesCentralCodec implements CentralCodec {
  protected readonly frames: FrameDecoder;
  readonly #bets: BetReader;

  constructor(bets: BetReader, types: readonly FrameType[]) {
    this.#bets = bets;
    this.frames = new FrameDecoder(types);
  }

  get pending(): boolean {
    return this.frames.pending;
  }

  get heldBytes(): number {
    return this.frames.heldBytes;
  }

  push(chunk: Uint8Array): void {
    this.frames.push(chunk);
  }

  readBets(message: BetsMessage, agency: number): BetBatch | BatchFault {
    return message.kind === 'bet'
      ? this.#bets.readBet(message.payload, agency)
      : this.#bets.readBatch(message.payload, agency);
  }

  abstract next(): ClientMessage | undefined;
  abstract encode(reply: ServerMessage): readonly Uint8Array[];
}

class BaseCentralCodec extends TypedFramesCentralCodec {
  constructor(bets: BetReader, limits: Limits) {
    super(bets, clientFrames(limits));
  }

  override next(): ClientMessage | undefined {
    const frame = this.frames.next();
    return frame && decodeClientFrame(frame);
  }

  override encode(reply: ServerMessage): readonly Uint8Array[] {
    return [encodeReply(reply)];
  }
}

/** The types that an agency may send. */
export function clientFrames({ payloadBytesMax }: Limits): FrameType[] {
  return [
    { name: 'NBET', payloadBytesMax },
    { name: 'BET', payloadBytesMax },
    { name: 'CONN', payloadBytesMax: AGENCY_BYTES_MAX },
    { name: 'END' },
    { name: 'GWIN' },
  ];
}

/** @throws WireError `malformed` */
export function decodeClientFrame({ name, payload }: Frame): ClientMessage {
  switch (name) {
    case 'NBET':
      return { kind: 'batch', payload };
    case 'BET':
      return { kind: 'bet', payload };
    case 'CONN':
      return { kind: 'identify', agency: decodeAgency(payload) };
    case 'END':
      return { kind: 'finish' };
    default:
      return { kind: 'ask-winners' };
  }
}

/** A reply as a peer that knows only this dialect reads it. */
export function encodeReply(reply: ServerMessage): Uint8Array {
  switch (reply.kind) {
    case 'accepted':
      return OK;
    case 'not-drawn':
      return NEND;
    case 'winners':
      return encodeFrame('RWIN', encodeWinners(reply.documents));
    default:
      return NOK;
  }
}

function decodeAgency(payload: Uint8Array): number {
  const agency = parseAgency(Buffer.from(payload).toString('latin1'));
  if (agency === undefined) throw new WireError('malformed', 'CONN without an agency id from 1 to 65535');
  return agency;
}

/** `count|dni|dni…`; with no winner `0|`. */
function encodeWinners(documents: readonly string[]): Uint8Array {
  return Buffer.from(`${documents.length}|${documents.join('|')}`);
}

/** What the agency's half of this dialect and of its extension have in common. */
export abstract class TypedFramesAgencyCodec implements AgencyCodec {
  abstract readonly batch: BatchEncoder;
  protected readonly id: number;
  readonly #frames: FrameDecoder;

  constructor(id: number, types: readonly FrameType[]) {
    this.id = id;
    this.#frames = new FrameDecoder(types);
  }

  get pending(): boolean {
    return this.#frames.pending;
  }

  get heldBytes(): number {
    return this.#frames.heldBytes;
  }

  push(chunk: Uint8Array): void {
    this.#frames.push(chunk);
  }

  next(): ServerAnswer | undefined {
    const frame = this.#frames.next();
    return frame && this.decode(frame);
  }

  identify(): Uint8Array {
    return encodeFrame('CONN', Buffer.from(String(this.id)));
  }

  finish(): Uint8Array {
    return encodeBare('END');
  }

  askWinners(): Uint8Array {
    return encodeBare('GWIN');
  }

  protected abstract decode(frame: Frame): ServerAnswer;
}

class BaseAgencyCodec extends TypedFramesAgencyCodec {
  override readonly batch: BatchEncoder;

  constructor(limits: Limits, id: number, openLines: OpenLineCopier | undefined) {
    super(id, serverFrames(limits));
    this.batch = new FieldGatherer(limits.payloadBytesMax, { openLines });
  }

  protected override decode(frame: Frame): ServerAnswer {
    return decodeServerFrame(frame);
  }
}

/** The types that the central may send. */
export function serverFrames({ replyPayloadBytesMax }: Limits): FrameType[] {
  return [
    { name: 'OK' },
    { name: 'NOK' },
    { name: 'NEND' },
    { name: 'RWIN', payloadBytesMax: replyPayloadBytesMax },
  ];
}

/** @throws WireError `malformed` */
export function decodeServerFrame({ name, payload }: Frame): ServerAnswer {
  switch (name) {
    case 'OK':
      return { kind: 'accepted' };
    case 'NOK':
      return { kind: 'refused' };
    case 'NEND':
      return { kind: 'not-drawn' };
    default:
      return { kind: 'winners', documents: decodeWinners(payload) };
  }
}

/** The inverse of `encodeWinners`; `0` without the separator is taken too. */
function decodeWinners(payload: Uint8Array): string[] {
  const [count = '', ...documents] = Buffer.from(payload).toString('utf8').split('|');
  const listed = documents.length === 1 && documents[0] === '' ? [] : documents;
  if (!/^\d+$/.test(count) || Number(count) !== listed.length) {
    throw new WireError(
      'malformed',
      `RWIN announces ${count.slice(0, 20)} winners and lists ${listed.length}`,
    );
  }
  return listed;
}

interface GathererOptions {
  /** Room for a prefix of the payload besides the number of bets, in bytes. */
  readonly prefixBytesMax?: number;
  readonly openLines?: OpenLineCopier | undefined;
}

/**
 * Gathers fields behind a gap that is wide enough for the header and for what is known only at the end: the number of bets
 * and, in an upload, of the batch.
 */
export class FieldGatherer implements BatchEncoder {
  count = 0;
  readonly #frame: Uint8Array;
  readonly #gap: number;
  readonly #openLines: OpenLineCopier;
  #lines: LineGatherer | undefined;
  #at: number;

  constructor(payloadBytesMax: number, { prefixBytesMax = 0, openLines }: GathererOptions = {}) {
    if (payloadBytesMax < PAYLOAD_BYTES_MIN) throw new RangeError('a payload must have room for any one bet');
    const countBytesMax = String(payloadBytesMax).length + 1;
    this.#gap = HEADER_BYTES + prefixBytesMax + countBytesMax;
    this.#frame = new Uint8Array(HEADER_BYTES + payloadBytesMax);
    this.#at = this.#gap;
    this.#openLines = openLines ?? (() => undefined);
  }

  /** Opened when it is asked for: there is an encoder with every connection, and few of them see a file. */
  get lines(): LineGatherer | undefined {
    if (this.#lines === undefined) {
      const copier = this.#openLines();
      if (copier === undefined) return undefined;
      this.#lines = {
        load: (chunk, delimiter) => copier.load(chunk, delimiter),
        gather: (at, countMax) => this.#gather(copier, at, countMax),
      };
    }
    return this.#lines;
  }

  add({ bytes, starts, ends }: FieldRanges): 'added' | 'full' | UnsendableBet {
    const frame = this.#frame;
    let at = this.#at;
    let length = BET_FIELDS.length;
    for (let field = 0; field < BET_FIELDS.length; field += 1) length += ends[field]! - starts[field]!;
    if (at + length > frame.length && this.count > 0) return 'full';
    if (this.count > 0) frame[at++] = SEPARATOR;
    for (let field = 0; field < BET_FIELDS.length; field += 1) {
      if (field > 0) frame[at++] = SEPARATOR;
      at = copyField(frame, at, bytes, starts[field]!, ends[field]!);
      if (at < 0) return { field: BET_FIELDS[field]!, reason: 'separator' };
    }
    this.#at = at;
    this.count += 1;
    return 'added';
  }

  #gather(copier: LineCopier, from: number, countMax: number): number {
    // The first bet of a batch has no separator before it.
    const unwanted = this.count === 0 ? 1 : 0;
    const room = this.#frame.length - this.#at + unwanted;
    const { fields, count, end } = copier.copy(from, room, countMax - this.count);
    if (count > 0) {
      this.#frame.set(fields.subarray(unwanted), this.#at);
      this.#at += fields.length - unwanted;
      this.count += count;
    }
    return end;
  }

  take(): Uint8Array {
    return this.takeFrame('NBET', `${this.count}|`);
  }

  takeSingle(): Uint8Array {
    return this.takeFrame('BET', '');
  }

  /** The fields with separators between them, valid until the next bet is added; the encoder is empty again. */
  takeFields(): Uint8Array {
    const fields = this.#frame.subarray(this.#gap, this.#at);
    this.count = 0;
    this.#at = this.#gap;
    return fields;
  }

  /** The frame of a type, with a prefix before the fields; the encoder is empty again. */
  takeFrame(name: string, prefix: string): Uint8Array {
    const bytes = Buffer.from(prefix);
    const frame = this.#frame.slice(this.#gap - bytes.length - HEADER_BYTES, this.#at);
    writeHeader(frame, name, frame.length - HEADER_BYTES);
    frame.set(bytes, HEADER_BYTES);
    this.count = 0;
    this.#at = this.#gap;
    return frame;
  }
}

/** Copies a field and returns the place behind it; -1 when it holds the separator. */
function copyField(to: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  const shift = at - start;
  for (let from = start; from < end; from += 1) {
    const byte = bytes[from]!;
    if (byte === SEPARATOR) return -1;
    to[from + shift] = byte;
  }
  return end + shift;
}
