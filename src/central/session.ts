import { type BatchFault, type BetBatch, betsOf } from '../lottery/bet-batch.ts';
import type { CentralEvent, Emit } from '../observe/events.ts';
import type { CentralCodec } from '../wire/dialect.ts';
import type { Limits } from '../wire/limits.ts';
import type { BetsMessage, ClientMessage, ServerMessage } from '../wire/message.ts';
import type { Refusal } from '../wire/refusal.ts';
import type { Central } from './central.ts';
import type { NumberedOutcome } from './upload-intake.ts';

/** A reply, at once or when the disk has it; undefined for a message that is not answered. */
export type Answer = ServerMessage | undefined | Promise<ServerMessage | undefined>;

const ACCEPTED: ServerMessage = { kind: 'accepted' };
const NOT_DRAWN: ServerMessage = { kind: 'not-drawn' };
const STOPPING: ServerMessage = {
  kind: 'refused',
  refusal: { code: 'closing', detail: 'the server stops' },
};
const NO_UPLOAD: Refusal = { code: 'not-identified', detail: 'HELO must say which upload it is' };

export interface SessionParts {
  readonly central: Central;
  readonly codec: CentralCodec;
  readonly limits: Limits;
  readonly emit: Emit<CentralEvent>;
  readonly ip: string;
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
  /** Ends the wait for the draw. */
  #stopWaiting: (() => void) | undefined;

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
  handle(message: ClientMessage): Answer {
    if (message.kind === 'identify') return this.#identify(message.agency);
    if (message.kind === 'resume') return this.#resume(message.agency, message.upload);
    if (this.#agency === undefined) {
      return this.refuse({
        code: 'not-identified',
        detail: 'the first message must say which agency speaks',
      });
    }
    switch (message.kind) {
      case 'bet':
      case 'batch':
        return this.#takeBets(message, this.#agency);
      case 'numbered-batch':
        return this.#takeNumbered(message, this.#agency);
      case 'upload-done':
        return this.#compareCounts(message.batches, message.bets, this.#agency);
      case 'finish':
        return this.#finish(this.#agency);
      case 'ask-winners':
        return this.#winners(this.#agency) ?? NOT_DRAWN;
      case 'await-winners':
        return this.#awaitWinners(this.#agency);
    }
  }

  /** Refuses something of this peer, with a line in the log. */
  refuse(refusal: Refusal): ServerMessage {
    const { emit, ip } = this.#parts;
    emit({ event: 'message-refused', ip, agency: this.#agency, refusal });
    return { kind: 'refused', refusal };
  }

  /** What to say of a connection that breaks: whoever came with an upload comes back. */
  get comesBack(): { resumable: true } | undefined {
    return this.#upload === undefined ? undefined : { resumable: true };
  }

  /** Whether the agency waits for the draw. */
  get waitsForDraw(): boolean {
    return this.#stopWaiting !== undefined;
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
    const refusal = central.connect(agency);
    if (refusal !== undefined) return this.refuse(refusal);
    this.#agency = agency;
    emit({ event: 'agency-identified', ip, agency });
    return undefined;
  }

  #resume(agency: number, upload: string): Answer {
    const { central, limits, emit } = this.#parts;
    const refused = this.#identify(agency);
    if (refused !== undefined) return refused;
    const refusal = central.refusalOfUpload(agency, upload);
    if (refusal !== undefined) return this.refuse(refusal);
    this.#upload = upload;
    const welcome = async (): Promise<ServerMessage> => {
      const next = await central.nextOf(agency, upload);
      if (next > 1) emit({ event: 'upload-resumed', agency, upload, next });
      return {
        kind: 'welcome',
        next,
        window: limits.unansweredMax,
        payloadBytesMax: limits.payloadBytesMax,
      };
    };
    return welcome();
  }

  #takeBets(message: BetsMessage, agency: number): Answer {
    const { central, codec } = this.#parts;
    const bets = codec.readBets(message, agency);
    const refusal = central.refusalOfBets(agency) ?? refusalOf(bets);
    if (refusal !== undefined) return this.#refuseBets(message, bets.count, refusal);
    return this.#store(message, bets as BetBatch);
  }

  async #store(message: BetsMessage, batch: BetBatch): Promise<ServerMessage> {
    const { central, emit } = this.#parts;
    // Looked at before it is stored: the rows are the reader's again afterwards.
    const [single] = message.kind === 'bet' ? betsOf(batch) : [];
    const refusal = await central.storeBatch(batch);
    if (refusal !== undefined) return this.#refuseBets(message, batch.count, refusal);
    if (single === undefined) emit({ event: 'batch-stored', agency: batch.agency, count: batch.count });
    else emit({ event: 'bet-stored', document: single.document, number: single.number });
    return ACCEPTED;
  }

  #takeNumbered(message: BetsMessage & { readonly seq: number }, agency: number): Answer {
    const { central, codec } = this.#parts;
    if (this.#upload === undefined) return this.refuse(NO_UPLOAD);
    const { seq } = message;
    const outcome = central.storeNumbered(agency, { upload: this.#upload, seq }, () =>
      codec.readBets(message, agency),
    );
    return outcome instanceof Promise
      ? outcome.then(settled => this.#answerNumbered(message, agency, settled))
      : this.#answerNumbered(message, agency, outcome);
  }

  #answerNumbered(
    message: BetsMessage & { readonly seq: number },
    agency: number,
    outcome: NumberedOutcome,
  ): ServerMessage {
    const { emit } = this.#parts;
    if (outcome.kind === 'refused') return this.#refuseBets(message, outcome.count, outcome.refusal);
    const { seq } = message;
    if (outcome.repeated) emit({ event: 'batch-repeated', agency, seq });
    else if (outcome.kind === 'stored') emit({ event: 'batch-stored', agency, count: outcome.count });
    if (outcome.kind === 'stored') return ACCEPTED;
    const { fault } = outcome;
    if (!outcome.repeated) this.#refuseBets(message, fault.count, faultRefusal(fault));
    return { kind: 'batch-refused', seq, fault };
  }

  #compareCounts(batches: number, bets: number, agency: number): ServerMessage {
    if (this.#upload === undefined) return this.refuse(NO_UPLOAD);
    const refusal = this.#parts.central.mismatchOf(agency, this.#upload, batches, bets);
    return refusal === undefined ? ACCEPTED : this.refuse(refusal);
  }

  #refuseBets(message: BetsMessage, count: number, refusal: Refusal): ServerMessage {
    this.#parts.emit({ event: 'bets-refused', single: message.kind === 'bet', count });
    return this.refuse(refusal);
  }

  async #finish(agency: number): Promise<ServerMessage> {
    const refusal = await this.#parts.central.finish(agency, this.#upload);
    return refusal === undefined ? ACCEPTED : this.refuse(refusal);
  }

  #winners(agency: number): ServerMessage | undefined {
    const documents = this.#parts.central.winnersOf(agency);
    return documents && { kind: 'winners', documents };
  }

  #awaitWinners(agency: number): Answer {
    return this.#winners(agency) ?? this.#winnersAfterDraw(agency);
  }

  async #winnersAfterDraw(agency: number): Promise<ServerMessage> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const forget = this.#parts.central.onDraw(resolve);
    this.#stopWaiting = resolve;
    await promise;
    forget();
    this.#stopWaiting = undefined;
    return this.#winners(agency) ?? STOPPING;
  }
}

function refusalOf(bets: BetBatch | BatchFault): Refusal | undefined {
  return 'rows' in bets ? undefined : faultRefusal(bets);
}

function faultRefusal({ index, field, reason }: BatchFault): Refusal {
  return { code: 'invalid-bet', detail: `bet ${index}, ${field}, ${reason}` };
}
