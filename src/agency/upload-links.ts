import { AGENCY_PROTOCOLS } from '../wire/dialect-names.ts';
import type { ResumableCodec, ResumableDialect } from '../wire/dialect.ts';
import type { ServerAnswer, Welcome } from '../wire/message.ts';
import type { Refusal, RefusalCode } from '../wire/refusal.ts';
import type { AgencyParts } from './agency-parts.ts';
import { type BackOff, reconnectBackOff } from './back-off.ts';
import { BrokenAnswers } from './broken-answers.ts';
import { dial } from './dial.ts';
import { AgencyError, BrokenAnswerError, LinkError, Stopped } from './errors.ts';
import { Link } from './link.ts';
import { pause, withStop } from './waiting.ts';

export interface ResumableParts extends Omit<AgencyParts, 'dialect' | 'pollMs'> {
  readonly dialect: ResumableDialect;
}

/** Transient refusals: the agency retries. After `sequence-gap`, `WELC` says where to resume. */
const TRANSIENT: ReadonlySet<RefusalCode> = new Set(['busy', 'closing', 'storage', 'sequence-gap']);

const OTHERS = AGENCY_PROTOCOLS.filter(name => name !== 'resumable').join(', ');
const PROTOCOL_HINT = `; does the server speak another protocol? protocol is resumable, the others are ${OTHERS}`;
/** A central that does not know the word `bets` in `HELO` refuses it as malformed. */
const OLDER_HINT =
  'the central is older than this client and does not know HELO with bets; update the server first, or run the client of its version';
const TLS_HINT = `${PROTOCOL_HINT}; or TLS, for which tls.ca must be set?`;

/**
 * The connections of one upload, one at a time: each begins with `HELO` and `WELC`. A lost one is
 * replaced after an exponential back-off. With several servers it fails over to the next one, the
 * first time without a wait.
 */
export class UploadLinks {
  readonly #parts: ResumableParts;
  readonly #upload: string;
  readonly #onWelcome: (welcome: Welcome) => void;
  #link: Link | undefined;
  #welcome: Welcome | undefined;
  #backOff: BackOff;
  #troubleSince: number | undefined;
  readonly #brokenAnswers = new BrokenAnswers();

  /**
   * @param upload the name of the upload
   * @param onWelcome called with every `WELC`; what it throws fails the pending call of `over`
   */
  constructor(parts: ResumableParts, upload: string, onWelcome: (welcome: Welcome) => void) {
    this.#parts = parts;
    this.#upload = upload;
    this.#onWelcome = onWelcome;
    this.#backOff = reconnectBackOff(parts.random);
    const { stop, limits } = parts;
    stop.addEventListener('abort', () => {
      const giveUp = (): void => this.#link?.abandon(new LinkError('no answer before the end'));
      setTimeout(giveUp, limits.stopTimeoutMs).unref();
    });
  }

  /** Runs `act` over a connection, and again over the next one while connections are lost. */
  async over<Result>(act: (link: Link, welcome: Welcome) => Promise<Result>): Promise<Result> {
    const { stop } = this.#parts;
    for (;;) {
      try {
        const link = await this.#connected();
        const result = await act(link, this.#welcome!);
        this.noteProgress();
        return result;
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        if (stop.aborted) throw new Stopped();
        this.#brokenAnswers.note(error);
        await this.#failOver(error);
      }
    }
  }

  /** Progress: resets the back-off. */
  noteProgress(): void {
    if (this.#troubleSince === undefined) return;
    this.#troubleSince = undefined;
    this.#brokenAnswers.reset();
    this.#backOff = reconnectBackOff(this.#parts.random);
  }

  /**
   * Gives the connection up and waits before the next one.
   *
   * @throws AgencyError when nothing was achieved for too long
   */
  async retryLater(error: LinkError): Promise<void> {
    await this.#retryAfter(error, this.#backOff.next());
  }

  /** The same, with the next server where there is one. */
  async #failOver(error: LinkError): Promise<void> {
    const { addresses } = this.#parts;
    // The first failover needs no wait; further ones without progress do.
    const mayFailOverAtOnce = addresses.several && this.#troubleSince === undefined;
    await this.#retryAfter(error, mayFailOverAtOnce ? 0 : this.#backOff.next());
    addresses.failOver();
  }

  async #retryAfter(error: LinkError, waitMs: number): Promise<void> {
    const { addresses, emit, now, maxElapsedMs } = this.#parts;
    await this.close();
    this.#troubleSince ??= now();
    if (maxElapsedMs > 0 && now() - this.#troubleSince + waitMs > maxElapsedMs) {
      throw new AgencyError(`the central does not answer, ${error.message}`, error);
    }
    emit({ event: 'reconnecting', error: error.message, waitMs, address: addresses.currentForLog });
    await pause(waitMs, this.#parts);
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    if (this.#link === undefined) return;
    await this.#link.close();
    this.#link = undefined;
    this.#parts.emit({ event: 'socket-closed', address: this.#parts.addresses.current.text });
  }

  /** The connection, welcomed; a new one where the last was lost. */
  async #connected(): Promise<Link> {
    if (this.#link?.lost === false) return this.#link;
    const { id, addresses, dialect, limits, emit, stop } = this.#parts;
    if (this.#link !== undefined) {
      await this.close();
      addresses.failOver();
    }
    const socket = await dial({ ...this.#parts, since: this.#troubleSince });
    const codec = dialect.agency(limits, id);
    const link = new Link(socket, codec, limits);
    this.#link = link;
    emit({ event: 'connected', address: addresses.current.text });
    this.#welcome = await withStop(this.#greet(link, codec), stop);
    this.#onWelcome(this.#welcome);
    return link;
  }

  async #greet(link: Link, codec: ResumableCodec): Promise<Welcome> {
    let answer: ServerAnswer;
    try {
      answer = await link.request(codec.resume(this.#upload));
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      const hint = this.#parts.connector === undefined ? TLS_HINT : PROTOCOL_HINT;
      const Kind = error instanceof BrokenAnswerError ? BrokenAnswerError : LinkError;
      throw new Kind(`${error.message} before HELO was answered${hint}`, error);
    }
    if (answer.kind === 'welcome') return answer;
    if (refusalOf(answer) === undefined)
      throw new LinkError(`the central refused HELO${PROTOCOL_HINT}`);
    const { code, detail } = refusalOf(answer)!;
    if (code === 'malformed')
      throw new AgencyError(`the central refused HELO, ${detail}; ${OLDER_HINT}`);
    throw unexpected(answer);
  }
}

/** The refusal in an answer, if it carries one. */
export function refusalOf(answer: ServerAnswer): Refusal | undefined {
  return answer.kind === 'refused' ? answer.refusal : undefined;
}

/** The error for an unexpected answer: a LinkError is retried, an AgencyError is final. */
export function unexpected(answer: ServerAnswer): Error {
  const refusal = refusalOf(answer);
  if (refusal === undefined)
    return new BrokenAnswerError(`an answer that does not fit, ${answer.kind}`);
  const text = `${refusal.code}, ${refusal.detail}`;
  if (TRANSIENT.has(refusal.code)) return new LinkError(`the central refused for now, ${text}`);
  return new AgencyError(`the central refused, ${text}`);
}
