import assert from 'node:assert/strict';
import { type BatchFault, type BetBatch, betsOf } from '../lottery/bet-batch.ts';
import type { CentralEvent, Emit, ListenerName } from '../observe/events.ts';
import type { CentralCodec, Conversation } from '../wire/dialect.ts';
import type { Limits } from '../wire/limits.ts';
import type { BetsMessage, ClientMessage, ServerMessage } from '../wire/message.ts';
import type { Refusal } from '../wire/refusal.ts';
import type { Central } from './central.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import type { NumberedOutcome } from './upload-intake.ts';

/** The reply to a message, at once or when it is durable; undefined for a message without one. */
export type Answer = ServerMessage | undefined | Promise<ServerMessage | undefined>;

const ACCEPTED: ServerMessage = { kind: 'accepted' };
const NONE_ACCEPTED: ServerMessage = { kind: 'accepted', bets: 0 };
const NOT_DRAWN: ServerMessage = { kind: 'not-drawn' };
const STOPPING: ServerMessage = {
  kind: 'refused',
  refusal: { code: 'closing', detail: 'the server stops' },
};
const NO_UPLOAD: Refusal = { code: 'not-identified', detail: 'HELO must say which upload it is' };

type Resume = Extract<ClientMessage, { kind: 'resume' }>;
type NumberedMessage = BetsMessage & { readonly seq: number };
type MessageOfAgency = Exclude<ClientMessage, { kind: 'identify' | 'resume' }>;

export interface SessionParts {
  readonly central: Central;
  readonly codec: CentralCodec;
  readonly conversation: Conversation;
  readonly limits: Limits;
  readonly emit: Emit<CentralEvent>;
  readonly ip: string;
  readonly listener?: ListenerName | undefined;
  /** Of the peer, where agencies need one. */
  readonly certificate?: PeerCertificate | undefined;
}

/**
 * The rules of one conversation (PROTOCOL.md): which message is allowed when, and its reply. It
 * knows neither sockets nor bytes. The connection closes after a reply of kind `refused`.
 */
export class Session {
  readonly #parts: SessionParts;
  #agency: number | undefined;
  /** Named by `HELO`. */
  #upload: string | undefined;
  /** Whether the agency numbers bets, not batches. */
  #countsBets = false;
  #hasSentBets = false;
  /** Ends the wait for the draw. */
  #stopWaiting: (() => void) | undefined;
  /** Whether the agency waits for the winners without a limit. */
  #awaitsWinners = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Undefined before the peer has identified itself. */
  get agency(): number | undefined {
    return this.#agency;
  }

  /** Answers one message. Only batches may be pipelined. */
  handle(message: ClientMessage): Answer {
    const { certificate } = this.#parts;
    // It was logged with the handshake.
    if (certificate !== undefined && 'refusal' in certificate)
      return { kind: 'refused', refusal: certificate.refusal };
    if (message.kind === 'identify') return this.#identify(message.agency);
    if (message.kind === 'resume') return this.#resume(message);
    if (message.kind === 'empty-batch' && message.agency === undefined) return NONE_ACCEPTED;
    const agency = this.#speakerOf(message);
    return typeof agency === 'number' ? this.#handleOf(agency, message) : agency;
  }

  /** The sender of a message: named in it, or by an earlier one. */
  #speakerOf(message: MessageOfAgency): number | ServerMessage {
    const agency = 'agency' in message ? message.agency : undefined;
    if (agency === undefined) {
      const detail = 'the first message must say which agency speaks';
      return this.#agency ?? this.refuse({ code: 'not-identified', detail });
    }
    if (this.#agency === undefined) return this.#identify(agency) ?? agency;
    if (this.#agency === agency) return agency;
    return this.refuse({
      code: 'malformed',
      detail: `the connection is that of agency ${this.#agency}`,
    });
  }

  #handleOf(agency: number, message: MessageOfAgency): Answer {
    switch (message.kind) {
      case 'empty-batch':
        return NONE_ACCEPTED;
      case 'bet':
        return this.#storeBets(message, agency);
      case 'batch':
        this.#hasSentBets = true;
        return this.#storeBets(message, agency);
      case 'numbered-batch':
        this.#hasSentBets = true;
        return this.#storeNumbered(message, agency);
      case 'upload-done':
        return this.#compareCounts(message, agency);
      case 'finish':
        return this.#finish(agency);
      case 'ask-winners':
        return this.#askWinners(agency);
      case 'await-winners':
        return this.#awaitWinners(agency, message.acta);
      case 'dispute-acta':
        this.#parts.central.dispute(agency, message);
        return ACCEPTED;
    }
  }

  /** Refuses a message, with a line in the log. */
  refuse(refusal: Refusal): ServerMessage {
    const { emit, ip, listener } = this.#parts;
    emit({ event: 'message-refused', ip, agency: this.#agency, listener, refusal });
    return { kind: 'refused', refusal };
  }

  /** For the log of a broken connection: a client with an upload reconnects. */
  get isResumable(): boolean {
    return this.#upload !== undefined;
  }

  /** Whether the agency has sent bets on this connection and not finished. */
  get unfinished(): boolean {
    const agency = this.#agency;
    return (
      this.#hasSentBets &&
      agency !== undefined &&
      this.#parts.central.refusalOfBets(agency, this.#upload) === undefined
    );
  }

  /** Whether an answer waits for the draw without a limit. */
  get waitsForDraw(): boolean {
    return this.#awaitsWinners && this.#stopWaiting !== undefined;
  }

  /** Answers a wait for the draw: the server stops. */
  stop(): void {
    this.#stopWaiting?.();
  }

  /** The connection is closed. */
  end(): void {
    this.stop();
    if (this.#agency !== undefined) this.#parts.central.disconnect(this.#agency);
    this.#agency = undefined;
  }

  #identify(agency: number): ServerMessage | undefined {
    const { central, emit, ip } = this.#parts;
    if (this.#agency !== undefined) {
      return this.refuse({ code: 'malformed', detail: 'the agency has identified itself already' });
    }
    const refusal = this.#refusalOfName(agency) ?? central.connect(agency);
    if (refusal !== undefined) return this.refuse(refusal);
    this.#agency = agency;
    emit({ event: 'agency-identified', ip, agency });
    return undefined;
  }

  /** An agency must be the one that its certificate names. */
  #refusalOfName(agency: number): Refusal | undefined {
    const { certificate } = this.#parts;
    if (certificate === undefined || !('agency' in certificate) || certificate.agency === agency)
      return undefined;
    return {
      code: 'unauthorized',
      detail: `the certificate speaks for agency ${certificate.agency}`,
    };
  }

  #resume({ agency, upload, countsBets }: Resume): Answer {
    this.#countsBets = countsBets;
    const refused = this.#identify(agency) ?? this.#begin(agency, upload);
    return refused ?? this.#welcome(agency, upload);
  }

  #begin(agency: number, upload: string): ServerMessage | undefined {
    const refusal = this.#parts.central.refusalOfUpload(agency, upload);
    if (refusal !== undefined) return this.refuse(refusal);
    this.#upload = upload;
    return undefined;
  }

  async #welcome(agency: number, upload: string): Promise<ServerMessage> {
    const { central, limits, emit } = this.#parts;
    const settled = await central.settledUpload(agency, upload);
    if ('code' in settled) return this.refuse(settled);
    const { bets, settledBets, refusedBets } = settled;
    if (settled.next > 1 && !settled.isComplete)
      emit({ event: 'upload-resumed', agency, upload, bets });
    return {
      kind: 'welcome',
      ...(this.#countsBets ? { next: settledBets + 1, refusedBets } : { next: settled.next }),
      window: limits.unansweredMax,
      payloadBytesMax: limits.payloadBytesMax,
    };
  }

  #storeBets(message: BetsMessage, agency: number): Answer {
    const { central, codec } = this.#parts;
    const bets = codec.readBets(message, agency);
    const refusal = central.refusalOfBets(agency) ?? refusalOf(bets);
    if (refusal !== undefined) return this.#refuseBets(message, agency, bets.count, refusal);
    return this.#storeBatch(message, bets as BetBatch);
  }

  async #storeBatch(message: BetsMessage, batch: BetBatch): Promise<ServerMessage> {
    const { central, emit } = this.#parts;
    const { agency, count } = batch;
    assert(agency === this.#agency, 'a batch holds bets of the agency that sent it');
    // Decoded before the append: the rows belong to the reader again afterwards.
    const [single] = message.kind === 'bet' ? betsOf(batch) : [];
    try {
      await central.backpressure.append(batch);
    } catch (error) {
      return this.#refuseBets(message, agency, count, central.refusalOfRejected(error, agency));
    }
    if (single === undefined) emit({ event: 'batch-stored', agency, count });
    else emit({ event: 'bet-stored', document: single.document, number: single.number });
    return { kind: 'accepted', bets: count };
  }

  #storeNumbered(message: NumberedMessage, agency: number): Answer {
    const { central, codec } = this.#parts;
    const upload = this.#upload;
    if (upload === undefined) return this.refuse(NO_UPLOAD);
    const { seq } = message;
    const found = central.classify({ agency, upload, seq, countsBets: this.#countsBets });
    if (found.kind === 'repeat') return this.#answerNumbered(message, agency, found.outcome);
    const bets = codec.readBets(message, agency);
    if (found.kind === 'refused')
      return this.#refuseBets(message, agency, bets.count, found.refusal);
    return this.#answerNumbered(message, agency, central.storeNext(found.batch, bets));
  }

  async #answerNumbered(
    message: NumberedMessage,
    agency: number,
    settled: NumberedOutcome | Promise<NumberedOutcome>,
  ): Promise<ServerMessage> {
    const { emit, central } = this.#parts;
    const { seq } = message;
    const outcome = await settled;
    if (outcome.kind === 'rejected') {
      const refusal = central.refusalOfRejected(outcome.error, agency, this.#upload);
      return this.#refuseBets(message, agency, outcome.count, refusal);
    }
    if (outcome.repeated) emit({ event: 'batch-repeated', agency, seq });
    else if (outcome.kind === 'stored')
      emit({ event: 'batch-stored', agency, count: outcome.count });
    if (outcome.kind === 'stored') return ACCEPTED;
    const { fault } = outcome;
    if (!outcome.repeated) this.#refuseBets(message, agency, fault.count, faultRefusal(fault));
    return { kind: 'batch-refused', seq, fault };
  }

  #compareCounts(
    { batches, bets }: { batches: number; bets: number },
    agency: number,
  ): ServerMessage {
    if (this.#upload === undefined) return this.refuse(NO_UPLOAD);
    const counted = this.#countsBets ? { bets } : { batches, bets };
    const refusal = this.#parts.central.mismatchOf(agency, this.#upload, counted);
    return refusal === undefined ? ACCEPTED : this.refuse(refusal);
  }

  #refuseBets(
    message: BetsMessage,
    agency: number,
    count: number,
    refusal: Refusal,
  ): ServerMessage {
    const { emit, conversation } = this.#parts;
    emit({ event: 'bets-refused', agency, single: message.kind === 'bet', count });
    const reply = this.refuse(refusal);
    return conversation.survivesRefusedBatch ? { kind: 'bets-refused', refusal } : reply;
  }

  async #finish(agency: number): Promise<ServerMessage> {
    const refusal = await this.#parts.central.finish(agency, this.#upload);
    return refusal === undefined ? ACCEPTED : this.refuse(refusal);
  }

  #winners(agency: number): ServerMessage | undefined {
    const documents = this.#parts.central.winnersOf(agency);
    return documents && { kind: 'winners', documents };
  }

  /** The draw may be about to be held: the question of a finished agency waits a moment for it. */
  #askWinners(agency: number): Answer {
    const { central, limits } = this.#parts;
    const waitMs = central.mayWaitForDraw(agency) ? limits.questionWaitMs : 0;
    return this.#waitForDraw(agency, { otherwise: NOT_DRAWN, waitMs });
  }

  /** @param seen number of the last acta that the agency has seen, where it asks for the next */
  #awaitWinners(agency: number, seen: number | undefined): Answer {
    this.#awaitsWinners = true;
    return this.#waitForDraw(agency, { otherwise: STOPPING, seen });
  }

  /** The acta, when the agency has not seen it. */
  #actaAfter(seen: number | undefined, agency: number): ServerMessage | undefined {
    const { central, limits } = this.#parts;
    const { acta } = central;
    if (acta === undefined || seen === undefined || acta.number <= seen) return undefined;
    const { number, text } = acta;
    if (Buffer.byteLength(text) > limits.actaBytesMax) return undefined;
    return { kind: 'acta', number, uploads: central.uploadsOf(agency), text };
  }

  /** @param wait the answer when the wait ends without a draw, and when it does */
  #waitForDraw(agency: number, wait: DrawWait): Answer {
    const { central } = this.#parts;
    const { otherwise, waitMs, seen } = wait;
    const outcome = (): ServerMessage | undefined =>
      this.#actaAfter(seen, agency) ?? this.#winners(agency);
    const known = outcome();
    if (known !== undefined || waitMs === 0) return known ?? otherwise;
    assert(this.#stopWaiting === undefined, 'a connection has one question at a time');
    const { promise, resolve } = Promise.withResolvers<ServerMessage>();
    const stop = (): void => {
      for (const unsubscribe of subscriptions) unsubscribe();
      clearTimeout(timer);
      this.#stopWaiting = undefined;
      resolve(outcome() ?? otherwise);
    };
    const onClose = (): void => {
      if (outcome() !== undefined) stop();
    };
    const subscriptions = [
      central.onDraw(stop),
      ...(seen === undefined ? [] : [central.onClose(onClose)]),
    ];
    const timer = waitMs === undefined ? undefined : setTimeout(stop, waitMs).unref();
    this.#stopWaiting = stop;
    return promise;
  }
}

interface DrawWait {
  readonly otherwise: ServerMessage;
  readonly waitMs?: number;
  /** Number of the last acta that the agency has seen. */
  readonly seen?: number | undefined;
}

function refusalOf(bets: BetBatch | BatchFault): Refusal | undefined {
  return 'rows' in bets ? undefined : faultRefusal(bets);
}

function faultRefusal({ index, field, reason }: BatchFault): Refusal {
  return { code: 'invalid-bet', detail: `bet ${index}, ${field}, ${reason}` };
}
