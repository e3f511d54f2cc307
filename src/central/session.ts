import { type BatchFault, type BetBatch, betsOf } from '../lottery/bet-batch.ts';
import type { CentralEvent, Emit } from '../observe/events.ts';
import type { CentralCodec } from '../wire/dialect.ts';
import type { ClientMessage, ServerMessage } from '../wire/message.ts';
import type { Refusal } from '../wire/refusal.ts';
import type { Central } from './central.ts';

/** A reply, at once or when the disk has it; undefined for a message that is not answered. */
export type Answer = ServerMessage | undefined | Promise<ServerMessage | undefined>;

const ACCEPTED: ServerMessage = { kind: 'accepted' };
const NOT_DRAWN: ServerMessage = { kind: 'not-drawn' };

type BetsMessage = ClientMessage & { payload: Uint8Array };

/**
 * The rules of one conversation (protocol page, section 1): who may say what when, and what is answered. It knows
 * nothing of sockets and bytes. After a reply of kind `refused` the connection is to be closed.
 */
export class Session {
  readonly #central: Central;
  readonly #codec: CentralCodec;
  readonly #emit: Emit<CentralEvent>;
  readonly #ip: string;
  #agency: number | undefined;

  constructor(central: Central, codec: CentralCodec, emit: Emit<CentralEvent>, ip: string) {
    this.#central = central;
    this.#codec = codec;
    this.#emit = emit;
    this.#ip = ip;
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
      case 'finish':
        return this.#finish(this.#agency);
      case 'ask-winners':
        return this.#winners(this.#agency);
    }
  }

  /** Refuses something of this peer, with a line in the log. */
  refuse(refusal: Refusal): ServerMessage {
    this.#emit({ event: 'message-refused', ip: this.#ip, agency: this.#agency, refusal });
    return { kind: 'refused', refusal };
  }

  /** The connection is gone. */
  end(): void {
    if (this.#agency !== undefined) this.#central.disconnect(this.#agency);
    this.#agency = undefined;
  }

  #identify(agency: number): Answer {
    if (this.#agency !== undefined) {
      return this.refuse({ code: 'malformed', detail: 'the agency has identified itself already' });
    }
    const refusal = this.#central.connect(agency);
    if (refusal !== undefined) return this.refuse(refusal);
    this.#agency = agency;
    this.#emit({ event: 'agency-identified', ip: this.#ip, agency });
    return undefined;
  }

  #takeBets(message: BetsMessage, agency: number): Answer {
    const bets = this.#codec.readBets(message, agency);
    const refusal = this.#central.refusalOfBets(agency) ?? refusalOf(bets);
    if (refusal !== undefined) return this.#refuseBets(message, bets.count, refusal);
    return this.#store(message, bets as BetBatch);
  }

  async #store(message: BetsMessage, batch: BetBatch): Promise<ServerMessage> {
    const refusal = await this.#central.storeBatch(batch);
    if (refusal !== undefined) return this.#refuseBets(message, batch.count, refusal);
    if (message.kind === 'bet') {
      for (const { document, number } of betsOf(batch)) this.#emit({ event: 'bet-stored', document, number });
    } else {
      this.#emit({ event: 'batch-stored', agency: batch.agency, count: batch.count });
    }
    return ACCEPTED;
  }

  #refuseBets(message: BetsMessage, count: number, refusal: Refusal): ServerMessage {
    this.#emit({ event: 'bets-refused', single: message.kind === 'bet', count });
    return this.refuse(refusal);
  }

  async #finish(agency: number): Promise<ServerMessage> {
    const refusal = await this.#central.finish(agency);
    return refusal === undefined ? ACCEPTED : this.refuse(refusal);
  }

  #winners(agency: number): ServerMessage {
    const documents = this.#central.winnersOf(agency);
    return documents === undefined ? NOT_DRAWN : { kind: 'winners', documents };
  }
}

function refusalOf(bets: BetBatch | BatchFault): Refusal | undefined {
  if ('rows' in bets) return undefined;
  const { index, field, reason } = bets;
  return { code: 'invalid-bet', detail: `bet ${index}, ${field}, ${reason}` };
}
