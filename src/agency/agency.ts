import { type FieldRanges, fieldText } from '../lottery/bet-rules.ts';
import type { ServerAnswer } from '../wire/message.ts';
import { BackOff, reconnectBackOff } from './back-off.ts';
import { type EncodedBatch, readBatches } from './batcher.ts';
import { CsvSource } from './csv-source.ts';
import { dial } from './dial.ts';
import { AgencyError, LinkError, Stopped } from './errors.ts';
import { Link } from './link.ts';
import type { AgencyParts, UploadResult } from './agency-parts.ts';
import { UploadProgress } from './upload-progress.ts';
import { pause, withStop } from './waiting.ts';

/** Longest wait between two questions for the winners, in milliseconds (longer only when the first one is). */
const POLL_WAIT_MS_MAX = 10_000;

/**
 * The agency's side of the base conversation (exercises 5 to 8): identify, send every bet, say that this was all, ask for
 * the winners until there are some. Batches that are unanswered when the connection breaks are the end of it: the protocol
 * has no way to ask what became of them (see `ResumableAgency`).
 */
export class Agency {
  readonly #parts: AgencyParts;
  #link: Link | undefined;

  constructor(parts: AgencyParts) {
    this.#parts = parts;
    const { stop, limits } = parts;
    stop.addEventListener('abort', () => {
      const giveUp = (): void => this.#link?.abandon(new LinkError('no answer before the end'));
      setTimeout(giveUp, limits.stopTimeoutMs).unref();
    });
  }

  /**
   * Sends the one bet of exercise 5 and waits until it is stored.
   *
   * @throws AgencyError, Stopped
   */
  async sendBet(bet: FieldRanges): Promise<void> {
    const { id, dialect, limits, emit } = this.#parts;
    const encoder = dialect.agency(limits, id).batch;
    const added = encoder.add(bet);
    if (typeof added === 'object')
      throw new AgencyError(`the bet cannot be sent, ${added.field} ${added.reason}`);
    const batch: EncodedBatch = { count: 1, firstLine: 1, frame: encoder.takeSingle() };
    const link = await this.#connected();
    this.#judge(await this.#answerTo(link.request(batch.frame), 1), batch);
    emit({
      event: 'bet-sent',
      document: fieldText(bet, 'document'),
      number: Number(fieldText(bet, 'number')),
    });
  }

  /**
   * Sends every valid bet of a file (exercise 6).
   *
   * @throws AgencyError, Stopped
   */
  async upload(path: string, delimiter: number): Promise<UploadResult> {
    const { emit } = this.#parts;
    const source = await CsvSource.open(path, delimiter);
    try {
      return await this.#uploadFrom(source);
    } finally {
      await source.close();
      emit({ event: 'file-closed', file: path });
    }
  }

  /**
   * Says that all bets were sent and waits for the winners (exercise 7).
   *
   * @throws AgencyError, Stopped
   */
  async finishAndAwaitWinners(): Promise<readonly string[]> {
    const { dialect, emit } = this.#parts;
    await this.#finish();
    const documents =
      dialect.conversation.winners === 'sent' ? await this.#awaitWinners() : await this.#askUntilDrawn();
    emit({ event: 'winners', documents });
    return documents;
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    if (this.#link === undefined) return;
    await this.#link.close();
    this.#link = undefined;
    this.#parts.emit({ event: 'socket-closed', address: this.#parts.addresses.current.text });
  }

  /**
   * Where the end of the bets is answered it may be repeated without harm, so a lost connection is only a reason to come back.
   * Where it is not, it is said once: a central that counts how often it hears it would hold its draw too soon.
   */
  async #finish(): Promise<void> {
    const { id, dialect, limits } = this.#parts;
    const { finishIsAnswered, questionsApart } = dialect.conversation;
    const frame = dialect.agency(limits, id).finish();
    if (finishIsAnswered) {
      const answer = await this.#ask(frame);
      if (answer.kind !== 'accepted') throw new AgencyError('the central refused the end of the bets');
      return;
    }
    const link = await this.#connected();
    link.send(frame);
    if (questionsApart) await this.close();
  }

  /** Asks for the winners until the draw has been held. A question may be repeated, over another connection if need be. */
  async #askUntilDrawn(): Promise<readonly string[]> {
    const { id, dialect, limits, emit, pollMs, random } = this.#parts;
    const question = dialect.agency(limits, id).askWinners();
    const backOff = new BackOff({ firstMs: pollMs, ceilingMs: POLL_WAIT_MS_MAX, random });
    for (;;) {
      const answer = await this.#ask(question);
      if (dialect.conversation.questionsApart) await this.close();
      if (answer.kind === 'winners') return answer.documents;
      if (answer.kind !== 'not-drawn')
        throw new AgencyError(`the central refused the question for the winners${reasonOf(answer)}`);
      const waitMs = backOff.next();
      emit({ event: 'waiting-for-draw', waitMs });
      await pause(waitMs, this.#parts);
    }
  }

  /** Waits for the winners, which the central sends by itself over the connection on which it heard of the end. */
  async #awaitWinners(): Promise<readonly string[]> {
    const { emit, stop } = this.#parts;
    emit({ event: 'waiting-for-draw' });
    try {
      const answer = await withStop(this.#link!.awaitAnswer(), stop);
      if (answer.kind === 'winners') return answer.documents;
      throw new AgencyError(`the central refused the end of the bets${reasonOf(answer)}`);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      throw new AgencyError(
        `the connection was lost before the winners came, ${error.message}; this dialect cannot ask for them again`,
        error,
      );
    }
  }

  async #uploadFrom(source: CsvSource): Promise<UploadResult> {
    const { id, dialect, limits, batchAmountMax, batchWindow, emit, stop } = this.#parts;
    const progress = new UploadProgress(this.#parts, source);
    let bets = 0;
    const unanswered: { batch: EncodedBatch; answer: Promise<ServerAnswer> }[] = [];
    const takeAnswer = async (): Promise<void> => {
      const { batch, answer } = unanswered[0]!;
      const stored = this.#judge(await this.#answerTo(answer, unanswered.length), batch);
      unanswered.shift();
      if (stored) {
        batches += 1;
        bets += batch.count;
      } else {
        refusedBets += batch.count;
      }
      progress.reached(bets);
    };
    let refusedLines = 0;
    let batches = 0;
    let refusedBets = 0;
    const { batch: encoder } = dialect.agency(limits, id);
    const readAhead = readBatches(source, encoder, batchAmountMax, fault => {
      refusedLines += 1;
      emit({ event: 'line-refused', file: source.path, ...fault });
    });
    for await (const batch of readAhead) {
      // Nothing more goes over a lost connection: what is unanswered then decides whether there may be another.
      while (unanswered.length >= batchWindow || (unanswered.length > 0 && this.#link!.lost))
        await takeAnswer();
      if (stop.aborted) break;
      const link = await this.#connected();
      unanswered.push({ batch, answer: link.request(batch.frame) });
    }
    while (unanswered.length > 0) await takeAnswer();
    if (stop.aborted) throw new Stopped();
    emit({ event: 'upload-done', batches, bets });
    return { bets, refusedLines: refusedLines + refusedBets };
  }

  /** The answer to one of `unanswered` requests that must not be repeated: nobody knows whether they arrived. */
  async #answerTo(answer: Promise<ServerAnswer>, unanswered: number): Promise<ServerAnswer> {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      if (this.#parts.stop.aborted) throw new Stopped();
      throw new AgencyError(
        `the connection was lost, ${error.message}; whether the last ${unanswered} batches were stored is not known, ` +
          'and sending them again could store them twice',
        error,
      );
    }
  }

  /** Whether a batch was stored; a refusal of it is the end, unless the conversation goes on without it. */
  #judge(answer: ServerAnswer, { count, firstLine }: EncodedBatch): boolean {
    const { emit, dialect } = this.#parts;
    if (answer.kind === 'accepted' && (answer.bets ?? count) === count) return true;
    if (answer.kind === 'accepted') {
      throw new AgencyError(
        `the central says that it stored ${answer.bets} bets of the ${count} that begin with line ${firstLine}`,
      );
    }
    if (answer.kind === 'bets-refused' && dialect.conversation.outlivesRefusedBatch) {
      emit({ event: 'bets-refused', count, firstLine, reason: answer.refusal.detail });
      return false;
    }
    if (answer.kind !== 'refused' && answer.kind !== 'bets-refused') {
      throw new AgencyError(
        `the central said '${answer.kind}' to the batch of ${count} bets that begins with line ${firstLine}`,
      );
    }
    const why = reasonOf(answer) || '; its log says why';
    throw new AgencyError(
      `the central refused the batch of ${count} bets that begins with line ${firstLine}${why}`,
    );
  }

  /** Asks something that may be asked again: comes back as often as the connection is lost. */
  async #ask(frame: Uint8Array): Promise<ServerAnswer> {
    const { addresses, emit, stop, now, maxElapsedMs } = this.#parts;
    const backOff = reconnectBackOff(this.#parts.random);
    const startedAt = now();
    for (let attempt = 1; ; attempt += 1) {
      const link = await this.#connected();
      try {
        return await withStop(link.request(frame), stop);
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        if (maxElapsedMs > 0 && now() - startedAt > maxElapsedMs) {
          throw new AgencyError(`the central does not answer, ${error.message}`, error);
        }
        emit({ event: 'reconnecting', error: error.message, address: addresses.currentOfSeveral });
        // Another server may be there at once; if that one does not answer either, there is no hurry.
        const mayMoveAtOnce = addresses.several && attempt === 1;
        await pause(mayMoveAtOnce ? 0 : backOff.next(), this.#parts);
      }
    }
  }

  /** The connection, identified; a new one, with the next server, where the last was lost. */
  async #connected(): Promise<Link> {
    if (this.#link?.lost === false) return this.#link;
    const { id, addresses, dialect, limits, emit } = this.#parts;
    if (this.#link !== undefined) {
      await this.close();
      addresses.moveOn();
    }
    const socket = await dial({ ...this.#parts, connectTimeoutMs: limits.connectTimeoutMs });
    const codec = dialect.agency(limits, id);
    this.#link = new Link(socket, codec, limits);
    const identification = codec.identify();
    if (identification !== undefined) this.#link.send(identification);
    emit({ event: 'connected', address: addresses.current.text });
    return this.#link;
  }
}

/** What a refusal says, for the end of a sentence. */
function reasonOf(answer: ServerAnswer): string {
  const said =
    answer.kind === 'refused' || answer.kind === 'bets-refused' ? answer.refusal?.detail : undefined;
  return said === undefined ? '' : `, ${said}`;
}
