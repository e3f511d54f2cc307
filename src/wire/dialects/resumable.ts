import type { BatchFault } from '../../lottery/bet-batch.ts';
import { AGENCY_MAX, parseAgency } from '../../lottery/bet-rules.ts';
import {
  BASE_CONVERSATION,
  type BetReader,
  type OpenLineCopier,
  type ResumableCodec,
  type ResumableDialect,
} from '../dialect.ts';
import type { Limits } from '../limits.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { REFUSAL_CODES, WireError } from '../refusal.ts';
import { encodeBare, encodeFrame, type FrameTypes } from '../typed-frames.ts';
import { BaseAgencyCodec, BaseCentralCodec, clientFrames, serverFrames } from './base.ts';
import { FieldBatchWriter } from './field-batch-writer.ts';

/**
 * The base dialect and its extension for uploads that survive broken connections (protocol page,
 * section 2). The central's half serves both kinds of peers; one that knows only the base never
 * sees the extension.
 *
 *     agency                                   central
 *     HELO  agency|upload|bets                 WELC  next|window|maxPayload|refused   or FAIL
 *     SBET  number|n|5·n fields                OK / FAIL
 *     DONE  batches|bets                       OK / FAIL
 *     ACTA  seen                               ACTA  number|uploads|text, when its number is above
 *                                              `seen`; else RWIN, after the draw; PING until then
 *     WAIT  –                                  RWIN and PING likewise: an older agency's question
 *     DIFF  acta|bets|sha256                   OK
 *                                              FAIL  code|final|detail
 *                                              FAIL  invalid-bet|0|number|index|field|reason
 *
 * With the word `bets` in HELO, `next` and `number` are those of a bet (of the first one of a
 * batch), counted from 1. Without it, as an older agency sends it, they are numbers of a batch, and
 * WELC has no `refused`. `seen` is the number of the last acta de cierre that the agency has seen,
 * 0 before the first.
 */
export function createResumableDialect(
  bets: BetReader,
  openLines?: OpenLineCopier,
): ResumableDialect {
  return {
    name: 'resumable',
    conversation: BASE_CONVERSATION,
    agencyMax: AGENCY_MAX,
    central: limits => new ResumableCentralCodec(bets, limits),
    agency: (limits, id) => new ResumableAgencyCodec(limits, id, openLines),
  };
}

/** What an agency sends beyond the base. */
function extensionFrames({ payloadBytesMax }: Limits): FrameTypes<ClientMessage> {
  return {
    HELO: { bytesMax: HELO_BYTES_MAX, decode: decodeHelo },
    SBET: { bytesMax: payloadBytesMax, decode: decodeNumberedBatch },
    DONE: {
      bytesMax: 2 * DIGITS_MAX + 1,
      decode(payload) {
        const [batches, bets, ...rest] = fieldsOf(payload).map(parseNumber);
        if (batches === undefined || bets === undefined || rest.length > 0) {
          throw malformed('DONE', 'two numbers');
        }
        return { kind: 'upload-done', batches, bets };
      },
    },
    WAIT: { decode: () => ({ kind: 'await-winners' }) },
    ACTA: {
      bytesMax: DIGITS_MAX,
      decode(payload) {
        const [acta, ...rest] = fieldsOf(payload).map(parseNumber);
        if (acta === undefined || rest.length > 0) throw malformed('ACTA', 'the number of an acta');
        return { kind: 'await-winners', acta };
      },
    },
    DIFF: { bytesMax: 2 * DIGITS_MAX + 2 + 64, decode: decodeDispute },
  };
}

/** What the central sends beyond the base. */
function extensionAnswers({ actaBytesMax }: Limits): FrameTypes<ServerAnswer> {
  return {
    WELC: { bytesMax: 4 * DIGITS_MAX + 3, decode: decodeWelcome },
    FAIL: { bytesMax: FAIL_BYTES_MAX, decode: payload => decodeFail(fieldsOf(payload)) },
    PING: { decode: () => ({ kind: 'still-here' }) },
    ACTA: { bytesMax: actaBytesMax + 2 * (DIGITS_MAX + 1), decode: decodeActa },
  };
}

const SEPARATOR = 0x7c;
const PING = encodeBare('PING');

/** Digits of any number that a peer sends. */
const DIGITS_MAX = 15;
const NUMBER = new RegExp(`^\\d{1,${DIGITS_MAX}}$`);
const UPLOAD = /^[A-Za-z0-9._-]{1,64}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const COUNTS_BETS = 'bets';
const HELO_BYTES_MAX = 16 + 1 + 64 + 1 + COUNTS_BETS.length;
const FAIL_BYTES_MAX = 2048;
/** In UTF-16 units, of which each takes at most three bytes. */
const DETAIL_LENGTH_MAX = 500;

class ResumableCentralCodec extends BaseCentralCodec {
  /** Whether the peer knows the extension: no other may receive `FAIL`. */
  #extended = false;
  readonly #extension: FrameTypes<ClientMessage>;

  constructor(bets: BetReader, limits: Limits) {
    const extension = extensionFrames(limits);
    super(bets, { ...clientFrames(limits), ...extension });
    this.#extension = extension;
  }

  protected override decode(): ClientMessage | undefined {
    try {
      return super.decode();
    } finally {
      // Also after an undecodable frame: the refusal is for a peer that knows the type.
      this.#extended ||= this.lastType !== undefined && this.lastType in this.#extension;
    }
  }

  override encode(reply: ServerMessage): readonly Uint8Array[] {
    switch (reply.kind) {
      case 'welcome': {
        const { next, window, payloadBytesMax, refusedBets } = reply;
        const counted = refusedBets === undefined ? [] : [refusedBets];
        return [encodeFields('WELC', next, window, payloadBytesMax, ...counted)];
      }
      case 'batch-refused': {
        const { index, field, reason } = reply.fault;
        return [encodeFields('FAIL', 'invalid-bet', 0, reply.seq, index, field, reason)];
      }
      case 'refused': {
        if (!this.#extended) return super.encode(reply);
        const { code, detail } = reply.refusal;
        const short = detail.slice(0, DETAIL_LENGTH_MAX).replaceAll('|', '/');
        return [encodeFields('FAIL', code, 1, short)];
      }
      case 'acta':
        return [encodeFields('ACTA', reply.number, reply.uploads, reply.text)];
      case 'still-here':
        return [PING];
      default:
        return super.encode(reply);
    }
  }
}

function encodeFields(name: string, ...fields: readonly (string | number)[]): Uint8Array {
  return encodeFrame(name, fields.join('|'));
}

function decodeHelo(payload: Uint8Array): ClientMessage {
  const [agencyText = '', upload = '', counted = '', ...rest] = fieldsOf(payload);
  const agency = parseAgency(agencyText);
  if (agency === undefined) throw malformed('HELO', 'an agency id from 1 to 65535');
  if (rest.length > 0 || !['', COUNTS_BETS].includes(counted) || !UPLOAD.test(upload)) {
    throw malformed('HELO', 'an upload of 1 to 64 characters of A-Z a-z 0-9 . _ -');
  }
  return { kind: 'resume', agency, upload, countsBets: counted === COUNTS_BETS };
}

function decodeNumberedBatch(payload: Uint8Array): ClientMessage {
  const end = payload.indexOf(SEPARATOR);
  const digits = Buffer.from(payload.subarray(0, Math.max(end, 0))).toString('latin1');
  const seq = parseNumber(digits);
  if (!seq) throw malformed('SBET', 'a number from 1');
  return { kind: 'numbered-batch', seq, payload: payload.subarray(end + 1) };
}

function decodeDispute(payload: Uint8Array): ClientMessage {
  const [first = '', second = '', sha256 = '', ...rest] = fieldsOf(payload);
  const [acta, bets] = [parseNumber(first), parseNumber(second)];
  if (acta === undefined || bets === undefined || !SHA256.test(sha256) || rest.length > 0) {
    throw malformed('DIFF', 'an acta, a number of bets and a SHA-256');
  }
  return { kind: 'dispute-acta', acta, bets, sha256 };
}

function fieldsOf(payload: Uint8Array): string[] {
  return Buffer.from(payload).toString('utf8').split('|');
}

function parseNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : undefined;
}

function malformed(name: string, what: string): WireError {
  return new WireError('malformed', `${name} without ${what}`);
}

class ResumableAgencyCodec extends BaseAgencyCodec implements ResumableCodec {
  constructor(limits: Limits, id: number, openLines: OpenLineCopier | undefined) {
    const types = { ...serverFrames(limits), ...extensionAnswers(limits) };
    const prefixBytesMax = DIGITS_MAX + 1;
    super(id, types, new FieldBatchWriter(limits, { prefixBytesMax, openLines }));
  }

  resume(upload: string): Uint8Array {
    return encodeFields('HELO', this.id, upload, COUNTS_BETS);
  }

  uploadDone(batches: number, bets: number): Uint8Array {
    return encodeFields('DONE', batches, bets);
  }

  awaitWinners(seen: number): Uint8Array {
    return encodeFields('ACTA', seen);
  }

  disputeActa(acta: number, bets: number, sha256: string): Uint8Array {
    return encodeFields('DIFF', acta, bets, sha256);
  }
}

function decodeWelcome(payload: Uint8Array): ServerAnswer {
  const numbers = fieldsOf(payload).map(parseNumber);
  const [next, window, payloadBytesMax, refusedBets, ...rest] = numbers;
  if (!next || !window || !payloadBytesMax || refusedBets === undefined || rest.length > 0) {
    throw malformed('WELC', 'three numbers from 1, and the number of bets that were refused');
  }
  return { kind: 'welcome', next, window, payloadBytesMax, refusedBets };
}

function decodeActa(payload: Uint8Array): ServerAnswer {
  const [first = '', second = '', ...text] = fieldsOf(payload);
  const [number, uploads] = [parseNumber(first), parseNumber(second)];
  if (!number || uploads === undefined) {
    throw malformed('ACTA', 'its number, and that of the uploads');
  }
  return { kind: 'acta', number, uploads, text: text.join('|') };
}

function decodeFail([code = '', final = '', ...rest]: readonly string[]): ServerAnswer {
  if (code === 'invalid-bet' && final === '0') {
    const [seq, index] = rest.slice(0, 2).map(parseNumber);
    const [field, reason] = rest.slice(2);
    if (!seq || index === undefined || !field || !reason) {
      throw malformed('FAIL', 'the bet that is not valid');
    }
    return { kind: 'batch-refused', seq, fault: { index, field, reason } as BatchFault };
  }
  const detail = rest.join(' ');
  const known = REFUSAL_CODES.find(candidate => candidate === code);
  const refusal =
    known === undefined
      ? ({ code: 'unknown-message', detail: `${code} ${detail}` } as const)
      : { code: known, detail };
  return { kind: 'refused', refusal };
}
