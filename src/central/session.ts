import { type BatchFault, type BetBatch, betsOf } from '../lottery/bet-batch.ts';
import type { CentralEvent, Emit, ListenerName } from '../observe/events.ts';
import type { CentralCodec, Conversation } from '../wire/dialect.ts';
import type { Limits } from '../wire/limits.ts';
import type { BetsMessage, ClientMessage, ServerMessage } from '../wire/message.ts';
import type { Refusal } from '../wire/refusal.ts';
import type { Central } from './central.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import type { NumberedOutcome } from './upload-intake.ts';

/** Where the reply to one message is put, at once or when the disk has it; undefined for a message that is not answered. */
export interface Answer {
  settle(reply: ServerMessage | undefined): void;
}

const ACCEPTED: ServerMessage = { kind: 'accepted' };
const NONE_ACCEPTED: ServerMessage = { kind: 'accepted', bets: 0 };
const NOT_DRAWN: ServerMessage = { kind: 'not-drawn' };
const STOPPING: ServerMessage = {
  kind: 'refused',
  refusal: { code: 'closing', detail: 'the server stops' },
};
const NO_UPLOAD: Refusal = { code: 'not-identified', detail: 'HELO must say which upload it is' };

/** A message of somebody who is known, or says who it is. */
type Resume = Extract<ClientMessage, { kind: 'resume' }>;
type MessageOfAgency = Exclude<ClientMessage, { kind: 'identify' | 'resume' }>;

export interface SessionParts {
  readonly central: Central;
  readonly codec: CentralCodec;
  readonly conversation: Conversation;
  readonly limits: Limits;
  readonly emit: Emit<CentralEvent>;
  readonly ip: string;
  readonly listener?: ListenerName | undefined;
  /** What the peer has shown of itself, where a certificate is asked for. */
  readonly certificate?: PeerCertificate | undefined;
}

/**
 * The rules of one conversation (protocol page): who may say what when, and what is answered. It knows nothing of sockets
 * and bytes. After a reply of kind `refused` the connection is to be closed.
 */
export class Session {
  readonly #parts: SessionParts;
  #agency: number | undefined;
  /** The upload that the agency came with. */
  #upload: string | undefined;
  /** Whether the agency numbers bets, not batches. */
  #countsBets = false;
  #hasSentBets = false;
  /** Ends the wait for the draw. */
  #stopWaiting: (() => void) | undefined;
  /** Whether the agency asked to be told the winners, however long that takes. */
  #awaitsWinners = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** The agency at the other end, once it has said who it is. */
  get agency(): number | undefined {
    return this.#agency;
  }

  /**
   * Answers one message. Batches may be handed over before earlier ones are answered; any other message only when
   * everything before it is.
   */
  handle(message: ClientMessage, answer: Answer): void {
    const { certificate } = this.#parts;
    if (certificate !== undefined && 'refusal' in certificate) {
      // Whatever it says: it has been logged, and is only told why.
      answer.settle({ kind: 'refused', refusal: certificate.refusal });
    } else if (message.kind === 'identify') {
      answer.settle(this.#identify(message.agency));
    } else if (message.kind === 'resume') {
      this.#resume(message, answer);
    } else if (message.kind === 'empty-batch' && message.agency === undefined) {
      answer.settle(NONE_ACCEPTED);
    } else {
      const agency = this.#speakerOf(message);
      if (typeof agency === 'number') this.#handleOf(agency, message, answer);
      else answer.settle(agency);
    }
  }

  /** Who says a message: it itself says so, or one before it has. */
  #speakerOf(message: MessageOfAgency): number | ServerMessage {
    const agency = 'agency' in message ? message.agency : undefined;
    if (agency === undefined) {
      const detail = 'the first message must say which agency speaks';
      return this.#agency ?? this.refuse({ code: 'not-identified', detail });
    }
    if (this.#agency === undefined) return this.#identify(agency) ?? agency;
    if (this.#agency === agency) return agency;
    return this.refuse({ code: 'malformed', detail: `the connection is that of agency ${this.#agency}` });
  }

  #handleOf(agency: number, message: MessageOfAgency, answer: Answer): void {
    switch (message.kind) {
      case 'empty-batch':
        answer.settle(NONE_ACCEPTED);
        break;
      case 'bet':
        this.#takeBets(message, agency, answer);
        break;
      case 'batch':
        this.#hasSentBets = true;
        this.#takeBets(message, agency, answer);
        break;
      case 'numbered-batch':
        this.#hasSentBets = true;
        this.#takeNumbered(message, agency, answer);
        break;
      case 'upload-done':
        answer.settle(this.#compareCounts(message, agency));
        break;
      case 'finish':
        settleLater(answer, this.#finish(agency));
        break;
      case 'ask-winners':
        this.#askWinners(agency, answer);
        break;
      case 'await-winners':
        this.#awaitWinners(agency, message.acta, answer);
        break;
      case 'dispute-acta':
        this.#parts.central.dispute(agency, message);
        answer.settle(ACCEPTED);
        break;
    }
  }

  /** Refuses something of this peer, with a line in the log. */
  refuse(refusal: Refusal): ServerMessage {
    const { emit, ip, listener } = this.#parts;
    emit({ event: 'message-refused', ip, agency: this.#agency, listener, refusal });
    return { kind: 'refused', refusal };
  }

  /** What to say of a connection that breaks: whoever came with an upload comes back. */
  get comesBack(): { resumable: true } | undefined {
    return this.#upload === undefined ? undefined : { resumable: true };
  }

  /** Whether the agency has sent bets over this connection and may send more. */
  get unfinished(): boolean {
    const agency = this.#agency;
    return (
      this.#hasSentBets &&
      agency !== undefined &&
      this.#parts.central.refusalOfBets(agency, this.#upload) === undefined
    );
  }

  /** Whether the agency waits for the draw however long that takes. */
  get waitsForDraw(): boolean {
    return this.#awaitsWinners && this.#stopWaiting !== undefined;
  }

  /** Gives up waiting for the draw: the server stops. */
  stop(): void {
    this.#stopWaiting?.();
  }

  /** The connection is gone. */
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

  /** An agency may only be the one that its certificate names. */
  #refusalOfName(agency: number): Refusal | undefined {
    const { certificate } = this.#parts;
    if (certificate === undefined || !('agency' in certificate) || certificate.agency === agency)
      return undefined;
    return { code: 'unauthorized', detail: `the certificate speaks for agency ${certificate.agency}` };
  }

  #resume({ agency, upload, countsBets }: Resume, answer: Answer): void {
    this.#countsBets = countsBets;
    const refused = this.#identify(agency) ?? this.#comeWith(agency, upload);
    if (refused === undefined) settleLater(answer, this.#welcome(agency, upload));
    else answer.settle(refused);
  }

  #comeWith(agency: number, upload: string): ServerMessage | undefined {
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
    if (settled.next > 1) emit({ event: 'upload-resumed', agency, upload, bets });
    return {
      kind: 'welcome',
      ...(this.#countsBets ? { next: settledBets + 1, refusedBets } : { next: settled.next }),
      window: limits.unansweredMax,
      payloadBytesMax: limits.payloadBytesMax,
    };
  }

  #takeBets(message: BetsMessage, agency: number, answer: Answer): void {
    const { central, codec, emit } = this.#parts;
    const bets = codec.readBets(message, agency);
    const refusal = central.refusalOfBets(agency) ?? refusalOf(bets);
    if (refusal !== undefined) {
      answer.settle(this.#refuseBets(message, agency, bets.count, refusal));
      return;
    }
    const batch = bets as BetBatch;
    const { count } = batch;
    // Looked at before it is stored: the rows are the reader's again afterwards.
    const [single] = message.kind === 'bet' ? betsOf(batch) : [];
    central.storeBatch(batch, rejection => {
      if (rejection !== undefined) {
        answer.settle(this.#refuseBets(message, agency, count, rejection));
        return;
      }
      if (single === undefined) emit({ event: 'batch-stored', agency, count });
      else emit({ event: 'bet-stored', document: single.document, number: single.number });
      answer.settle({ kind: 'accepted', bets: count });
    });
  }

  #takeNumbered(message: BetsMessage & { readonly seq: number }, agency: number, answer: Answer): void {
    const { central, codec } = this.#parts;
    if (this.#upload === undefined) {
      answer.settle(this.refuse(NO_UPLOAD));
      return;
    }
    central.storeNumbered(
      agency,
      { upload: this.#upload, seq: message.seq, countsBets: this.#countsBets },
      () => codec.readBets(message, agency),
      outcome => answer.settle(this.#answerNumbered(message, agency, outcome)),
    );
  }

  #answerNumbered(
    message: BetsMessage & { readonly seq: number },
    agency: number,
    outcome: NumberedOutcome,
  ): ServerMessage {
    const { emit } = this.#parts;
    if (outcome.kind === 'refused') return this.#refuseBets(message, agency, outcome.count, outcome.refusal);
    const { seq } = message;
    if (outcome.repeated) emit({ event: 'batch-repeated', agency, seq });
    else if (outcome.kind === 'stored') emit({ event: 'batch-stored', agency, count: outcome.count });
    if (outcome.kind === 'stored') return ACCEPTED;
    const { fault } = outcome;
    if (!outcome.repeated) this.#refuseBets(message, agency, fault.count, faultRefusal(fault));
    return { kind: 'batch-refused', seq, fault };
  }

  #compareCounts({ batches, bets }: { batches: number; bets: number }, agency: number): ServerMessage {
    if (this.#upload === undefined) return this.refuse(NO_UPLOAD);
    const counted = this.#countsBets ? { bets } : { batches, bets };
    const refusal = this.#parts.central.mismatchOf(agency, this.#upload, counted);
    return refusal === undefined ? ACCEPTED : this.refuse(refusal);
  }

  #refuseBets(message: BetsMessage, agency: number, count: number, refusal: Refusal): ServerMessage {
    const { emit, conversation } = this.#parts;
    emit({ event: 'bets-refused', agency, single: message.kind === 'bet', count });
    const reply = this.refuse(refusal);
    return conversation.outlivesRefusedBatch ? { kind: 'bets-refused', refusal } : reply;
  }

  async #finish(agency: number): Promise<ServerMessage> {
    const refusal = await this.#parts.central.finish(agency, this.#upload);
    return refusal === undefined ? ACCEPTED : this.refuse(refusal);
  }

  #winners(agency: number): ServerMessage | undefined {
    const documents = this.#parts.central.winnersOf(agency);
    return documents && { kind: 'winners', documents };
  }

  /** An agency that has finished and asks too soon waits for a moment: the draw may be about to be held. */
  #askWinners(agency: number, answer: Answer): void {
    const { central, limits } = this.#parts;
    const waits = central.mayWaitForDraw(agency);
    this.#waitForDraw(agency, answer, { otherwise: NOT_DRAWN, waitMs: waits ? limits.questionWaitMs : 0 });
  }

  /** @param seen number of the last acta that the agency has seen, where it asks for the next */
  #awaitWinners(agency: number, seen: number | undefined, answer: Answer): void {
    this.#awaitsWinners = true;
    this.#waitForDraw(agency, answer, { otherwise: STOPPING, seen });
  }

  /** An acta that the agency has not seen. */
  #actaAfter(seen: number | undefined, agency: number): ServerMessage | undefined {
    const { central, limits } = this.#parts;
    const { acta } = central;
    if (acta === undefined || seen === undefined || acta.number <= seen) return undefined;
    const { number, text } = acta;
    if (Buffer.byteLength(text) > limits.actaBytesMax) return undefined;
    return { kind: 'acta', number, uploads: central.uploadsOf(agency), text };
  }

  /** @param wait what is answered when the wait is over, and after how long it is; without, as long as it takes */
  #waitForDraw(
    agency: number,
    answer: Answer,
    { otherwise, waitMs, seen }: { otherwise: ServerMessage; waitMs?: number; seen?: number | undefined },
  ): void {
    const { central } = this.#parts;
    const outcome = (): ServerMessage | undefined => this.#actaAfter(seen, agency) ?? this.#winners(agency);
    const known = outcome();
    if (known !== undefined || waitMs === 0) {
      answer.settle(known ?? otherwise);
      return;
    }
    const stop = (): void => {
      for (const forget of forgets) forget();
      clearTimeout(timer);
      this.#stopWaiting = undefined;
      answer.settle(outcome() ?? otherwise);
    };
    const onClose = (): void => {
      if (outcome() !== undefined) stop();
    };
    const forgets = [central.onDraw(stop), ...(seen === undefined ? [] : [central.onClose(onClose)])];
    const timer = waitMs === undefined ? undefined : setTimeout(stop, waitMs).unref();
    this.#stopWaiting = stop;
  }
}

/** The reply of something that takes its time; it does not fail. */
function settleLater(answer: Answer, reply: Promise<ServerMessage | undefined>): void {
  void reply.then(settled => answer.settle(settled));
}

function refusalOf(bets: BetBatch | BatchFault): Refusal | undefined {
  return 'rows' in bets ? undefined : faultRefusal(bets);
}

function faultRefusal({ index, field, reason }: BatchFault): Refusal {
  return { code: 'invalid-bet', detail: `bet ${index}, ${field}, ${reason}` };
}
