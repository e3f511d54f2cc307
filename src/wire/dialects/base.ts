import type { BatchFault, BetBatch } from '../../lottery/bet-batch.ts';
import { AGENCY_MAX, parseAgency } from '../../lottery/bet-rules.ts';
import type { AgencyCodec, BetReader, CentralCodec, Dialect, OpenLineCopier } from '../dialect.ts';
import { BASE_CONVERSATION } from '../dialect.ts';
import type { Limits } from '../limits.ts';
import type { BetsMessage, ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { WireError } from '../refusal.ts';
import { encodeBare, encodeFrame, type FrameTypes, TypedFrameDecoder } from '../typed-frames.ts';
import { FieldBatchWriter } from './field-batch-writer.ts';

/**
 * The native dialect (protocol page, section 1). Frames as in `typed-frames.ts`; text is UTF-8;
 * `|` separates fields and cannot occur inside one.
 *
 *     agency                                              central
 *     CONN  agency                                        no answer
 *     BET   nombre|apellido|documento|nacimiento|numero   OK / NOK
 *     NBET  n|5·n fields, no trailing delimiter           OK / NOK
 *     END   –                                             OK / NOK
 *     GWIN  –                                             NEND / RWIN  count|dni|dni…
 */
export function createBaseDialect(bets: BetReader, openLines?: OpenLineCopier): BaseDialect {
  return {
    name: 'base',
    conversation: BASE_CONVERSATION,
    agencyMax: AGENCY_MAX,
    central: limits => new BaseCentralCodec(bets, clientFrames(limits)),
    agency: (limits, id) =>
      new BaseAgencyCodec(id, serverFrames(limits), new FieldBatchWriter(limits, { openLines })),
  };
}

interface BaseDialect extends Dialect {
  agency(limits: Limits, id: number): BaseAgencyCodec;
}

export function clientFrames({ payloadBytesMax }: Limits): FrameTypes<ClientMessage> {
  return {
    CONN: { bytesMax: AGENCY_BYTES_MAX, decode: decodeAgency },
    BET: { bytesMax: payloadBytesMax, decode: payload => ({ kind: 'bet', payload }) },
    NBET: { bytesMax: payloadBytesMax, decode: payload => ({ kind: 'batch', payload }) },
    END: { decode: () => ({ kind: 'finish' }) },
    GWIN: { decode: () => ({ kind: 'ask-winners' }) },
  };
}

export function serverFrames({ replyPayloadBytesMax }: Limits): FrameTypes<ServerAnswer> {
  return {
    OK: { decode: () => ({ kind: 'accepted' }) },
    NOK: { decode: () => ({ kind: 'refused' }) },
    NEND: { decode: () => ({ kind: 'not-drawn' }) },
    RWIN: { bytesMax: replyPayloadBytesMax, decode: decodeWinners },
  };
}

const OK = encodeBare('OK');
const NOK = encodeBare('NOK');
const NEND = encodeBare('NEND');

/** A reply to a peer that knows only this dialect. */
function encodeReply(reply: ServerMessage): Uint8Array {
  switch (reply.kind) {
    case 'accepted':
      return OK;
    case 'not-drawn':
      return NEND;
    case 'winners':
      // No winner is `0|`.
      return encodeFrame('RWIN', `${reply.documents.length}|${reply.documents.join('|')}`);
    default:
      return NOK;
  }
}

/** An agency's id has at most five digits; some clients pad. */
const AGENCY_BYTES_MAX = 16;

function decodeAgency(payload: Uint8Array): ClientMessage {
  const agency = parseAgency(Buffer.from(payload).toString('latin1'));
  if (agency === undefined) {
    throw new WireError('malformed', 'CONN without an agency id from 1 to 65535');
  }
  return { kind: 'identify', agency };
}

/** No winner may be `0`, without the separator. */
function decodeWinners(payload: Uint8Array): ServerAnswer {
  const [count = '', ...rest] = Buffer.from(payload).toString('utf8').split('|');
  const documents = rest.length === 1 && rest[0] === '' ? [] : rest;
  if (!/^\d+$/.test(count) || Number(count) !== documents.length) {
    const detail = `RWIN announces ${count.slice(0, 20)} winners and lists ${documents.length}`;
    throw new WireError('malformed', detail);
  }
  return { kind: 'winners', documents };
}

/** The central's half of the base protocol, which its extension extends. */
export class BaseCentralCodec extends TypedFrameDecoder<ClientMessage> implements CentralCodec {
  readonly #bets: BetReader;

  constructor(bets: BetReader, types: FrameTypes<ClientMessage>) {
    super(types);
    this.#bets = bets;
  }

  readBets({ kind, payload }: BetsMessage, agency: number): BetBatch | BatchFault {
    return kind === 'bet'
      ? this.#bets.readBet(payload, agency)
      : this.#bets.readBatch(payload, agency);
  }

  encode(reply: ServerMessage): readonly Uint8Array[] {
    return [encodeReply(reply)];
  }
}

/** The agency's half of the base protocol, which its extension extends. */
export class BaseAgencyCodec extends TypedFrameDecoder<ServerAnswer> implements AgencyCodec {
  readonly batch: FieldBatchWriter;
  protected readonly id: number;

  constructor(id: number, types: FrameTypes<ServerAnswer>, batch: FieldBatchWriter) {
    super(types);
    this.id = id;
    this.batch = batch;
  }

  identify(): Uint8Array {
    return encodeFrame('CONN', String(this.id));
  }

  finish(): Uint8Array {
    return encodeBare('END');
  }

  askWinners(): Uint8Array {
    return encodeBare('GWIN');
  }
}
