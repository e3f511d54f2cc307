import type { BatchFault } from '../../lottery/bet-batch.ts';
import { AGENCY_MAX, parseAgency } from '../../lottery/bet-rules.ts';
import {
  BASE_CONVERSATION,
  type BetReader,
  type NumberedBatchEncoder,
  type OpenLineCopier,
  type ResumableCodec,
  type ResumableDialect,
} from '../dialect.ts';
import type { Limits } from '../limits.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../message.ts';
import { REFUSAL_CODES, type Refusal, type RefusalCode, WireError } from '../refusal.ts';
import { encodeBare, encodeFrame, type Frame } from '../typed-frames.ts';
import {
  clientFrames,
  decodeClientFrame,
  decodeServerFrame,
  encodeReply,
  FieldGatherer,
  serverFrames,
  TypedFramesAgencyCodec,
  TypedFramesCentralCodec,
} from './base.ts';

/**
 * The base dialect and its extension for uploads that survive broken connections (protocol page, section 2). The central's
 * half serves both kinds of peers; one that knows only the base never sees the extension.
 *
 *     agency                                   central
 *     HELO  agency|upload|bets                 WELC  next|window|maxPayload|refused   or FAIL
 *     SBET  number|n|5·n fields                OK / FAIL
 *     DONE  batches|bets                       OK / FAIL
 *     ACTA  seen                               ACTA  number|uploads|text, when there is one behind `seen`; else
 *                                              RWIN, when the draw has been held; PING now and then until then
 *     WAIT  –                                  RWIN in the same way, as an older agency asks
 *     DIFF  acta|bets|sha256                   OK
 *                                              FAIL  code|final|detail
 *                                              FAIL  invalid-bet|0|number|index|field|reason
 *
 * With the word `bets` in HELO, `next` and `number` are numbers of a bet (of the first one of a batch), counted from 1. Without
 * it, as an older agency sends it, they are numbers of a batch, and WELC has no `refused`. `seen` is the number of the last acta
 * de cierre that the agency has seen, 0 before the first.
 */
export function createResumableDialect(bets: BetReader, openLines?: OpenLineCopier): ResumableDialect {
  return {
    name: 'resumable',
    conversation: BASE_CONVERSATION,
    agencyMax: AGENCY_MAX,
    central: limits => new ResumableCentralCodec(bets, limits),
    agency: (limits, id) => new ResumableAgencyCodec(limits, id, openLines),
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
const DONE_BYTES_MAX = 2 * DIGITS_MAX + 1;
const WELC_BYTES_MAX = 4 * DIGITS_MAX + 3;
const DIFF_BYTES_MAX = 2 * DIGITS_MAX + 2 + 64;
const FAIL_BYTES_MAX = 2048;
/** In UTF-16 units, of which each takes at most three bytes. */
const DETAIL_LENGTH_MAX = 500;

class ResumableCentralCodec extends TypedFramesCentralCodec {
  /** Whether the peer knows the extension: only then may it be answered with `FAIL`. */
  #extended = false;

  constructor(bets: BetReader, limits: Limits) {
    super(bets, [
      { name: 'SBET', payloadBytesMax: limits.payloadBytesMax },
      ...clientFrames(limits),
      { name: 'HELO', payloadBytesMax: HELO_BYTES_MAX },
      { name: 'DONE', payloadBytesMax: DONE_BYTES_MAX },
      { name: 'WAIT' },
      { name: 'ACTA', payloadBytesMax: DIGITS_MAX },
      { name: 'DIFF', payloadBytesMax: DIFF_BYTES_MAX },
    ]);
  }

  override next(): ClientMessage | undefined {
    try {
      const frame = this.frames.next();
      return frame && (CLIENT_MESSAGES[frame.name]?.(frame.payload) ?? decodeClientFrame(frame));
    } finally {
      // Also when what follows the type cannot be read: the refusal is for a peer that knows it.
      this.#extended ||= CLIENT_MESSAGES[this.frames.reading ?? ''] !== undefined;
    }
  }

  override encode(reply: ServerMessage): readonly Uint8Array[] {
    return [this.#encode(reply)];
  }

  #encode(reply: ServerMessage): Uint8Array {
    switch (reply.kind) {
      case 'welcome': {
        const { next, window, payloadBytesMax, refusedBets } = reply;
        const counted = refusedBets === undefined ? [] : [refusedBets];
        return encodeText('WELC', next, window, payloadBytesMax, ...counted);
      }
      case 'batch-refused': {
        const { index, field, reason } = reply.fault;
        return encodeText('FAIL', 'invalid-bet', 0, reply.seq, index, field, reason);
      }
      case 'refused':
        if (!this.#extended) return encodeReply(reply);
        return encodeText('FAIL', reply.refusal.code, 1, detailOf(reply.refusal));
      case 'acta':
        return encodeText('ACTA', reply.number, reply.uploads, reply.text);
      case 'still-here':
        return PING;
      default:
        return encodeReply(reply);
    }
  }
}

/** The detail without separators, and no longer than a reader takes. */
function detailOf({ detail }: Refusal): string {
  return detail.slice(0, DETAIL_LENGTH_MAX).replaceAll('|', '/');
}

/** A frame whose payload is the fields, separated. */
function encodeText(name: string, ...fields: readonly (string | number)[]): Uint8Array {
  return encodeFrame(name, Buffer.from(fields.join('|')));
}

/** The messages of the extension. Each throws a WireError `malformed`. */
const CLIENT_MESSAGES: Readonly<Record<string, (payload: Uint8Array) => ClientMessage>> = {
  HELO(payload) {
    const [agencyText = '', upload = '', counted = '', ...rest] = fieldsOf(payload);
    const agency = parseAgency(agencyText);
    if (agency === undefined) throw malformed('HELO', 'an agency id from 1 to 65535');
    if (rest.length > 0 || !['', COUNTS_BETS].includes(counted) || !UPLOAD.test(upload)) {
      throw malformed('HELO', 'an upload of 1 to 64 characters of A-Z a-z 0-9 . _ -');
    }
    return { kind: 'resume', agency, upload, countsBets: counted === COUNTS_BETS };
  },
  SBET(payload) {
    const end = payload.indexOf(SEPARATOR);
    const seq = end < 0 ? undefined : parseNumber(Buffer.from(payload.subarray(0, end)).toString('latin1'));
    if (seq === undefined || seq === 0) throw malformed('SBET', 'a number from 1');
    return { kind: 'numbered-batch', seq, payload: payload.subarray(end + 1) };
  },
  DONE(payload) {
    const [batches, bets, ...rest] = fieldsOf(payload).map(parseNumber);
    if (batches === undefined || bets === undefined || rest.length > 0) {
      throw malformed('DONE', 'two numbers');
    }
    return { kind: 'upload-done', batches, bets };
  },
  WAIT: () => ({ kind: 'await-winners' }),
  ACTA(payload) {
    const [acta, ...rest] = fieldsOf(payload).map(parseNumber);
    if (acta === undefined || rest.length > 0) throw malformed('ACTA', 'the number of an acta');
    return { kind: 'await-winners', acta };
  },
  DIFF(payload) {
    const [first = '', second = '', sha256 = '', ...rest] = fieldsOf(payload);
    const [acta, bets] = [parseNumber(first), parseNumber(second)];
    if (acta === undefined || bets === undefined || !SHA256.test(sha256) || rest.length > 0)
      throw malformed('DIFF', 'an acta, a number of bets and a SHA-256');
    return { kind: 'dispute-acta', acta, bets, sha256 };
  },
};

function fieldsOf(payload: Uint8Array): string[] {
  return Buffer.from(payload).toString('utf8').split('|');
}

function parseNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : undefined;
}

function malformed(name: string, what: string): WireError {
  return new WireError('malformed', `${name} without ${what}`);
}

class ResumableAgencyCodec extends TypedFramesAgencyCodec implements ResumableCodec {
  override readonly batch: NumberedBatchEncoder;

  constructor(limits: Limits, id: number, openLines: OpenLineCopier | undefined) {
    super(id, [
      ...serverFrames(limits),
      { name: 'WELC', payloadBytesMax: WELC_BYTES_MAX },
      { name: 'FAIL', payloadBytesMax: FAIL_BYTES_MAX },
      { name: 'PING' },
      { name: 'ACTA', payloadBytesMax: limits.actaBytesMax + 2 * (DIGITS_MAX + 1) },
    ]);
    this.batch = new NumberedGatherer(limits.payloadBytesMax, { prefixBytesMax: DIGITS_MAX + 1, openLines });
  }

  resume(upload: string): Uint8Array {
    return encodeText('HELO', this.id, upload, COUNTS_BETS);
  }

  uploadDone(batches: number, bets: number): Uint8Array {
    return encodeText('DONE', batches, bets);
  }

  awaitWinners(seen: number): Uint8Array {
    return encodeText('ACTA', seen);
  }

  disputeActa(acta: number, bets: number, sha256: string): Uint8Array {
    return encodeText('DIFF', acta, bets, sha256);
  }

  protected override decode(frame: Frame): ServerAnswer {
    return decodeAnswer(frame);
  }
}

class NumberedGatherer extends FieldGatherer implements NumberedBatchEncoder {
  takeNumbered(seq: number): Uint8Array {
    return this.takeFrame('SBET', `${seq}|${this.count}|`);
  }
}

/** @throws WireError `malformed` */
function decodeAnswer(frame: Frame): ServerAnswer {
  switch (frame.name) {
    case 'WELC': {
      const [next, window, payloadBytesMax, refusedBets, ...rest] = fieldsOf(frame.payload).map(parseNumber);
      if (!next || !window || !payloadBytesMax || refusedBets === undefined || rest.length > 0)
        throw malformed('WELC', 'three numbers from 1, and the number of bets that were refused');
      return { kind: 'welcome', next, window, payloadBytesMax, refusedBets };
    }
    case 'FAIL':
      return decodeFail(fieldsOf(frame.payload));
    case 'PING':
      return { kind: 'still-here' };
    case 'ACTA': {
      const [first = '', second = '', ...text] = fieldsOf(frame.payload);
      const [number, uploads] = [parseNumber(first), parseNumber(second)];
      if (!number || uploads === undefined) throw malformed('ACTA', 'its number, and that of the uploads');
      return { kind: 'acta', number, uploads, text: text.join('|') };
    }
    default:
      return decodeServerFrame(frame);
  }
}

function decodeFail([code = '', final = '', ...rest]: readonly string[]): ServerAnswer {
  if (code === 'invalid-bet' && final === '0') {
    const [seq, index] = rest.slice(0, 2).map(parseNumber);
    const [field, reason] = rest.slice(2);
    if (!seq || index === undefined || !field || !reason)
      throw malformed('FAIL', 'the bet that is not valid');
    return { kind: 'batch-refused', seq, fault: { index, field, reason } as BatchFault };
  }
  const detail = rest.join(' ');
  const known = REFUSAL_CODES.includes(code as RefusalCode);
  const refusal = known
    ? { code: code as RefusalCode, detail }
    : { code: 'unknown-message' as const, detail: `${code} ${detail}` };
  return { kind: 'refused', refusal };
}
