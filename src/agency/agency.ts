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
    const { dialect, limits, emit } = this.#parts;
    const encoder = dialect.agency(limits).batch;
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
   * Says that all bets were sent and asks for the winners until the draw has been held (exercise 7). Both may be repeated
   * without harm, so a lost connection is only a reason to come back.
   *
   * @throws AgencyError, Stopped
   */
  async finishAndAwaitWinners(): Promise<readonly string[]> {
    const { dialect, limits, emit, pollMs, random } = this.#parts;
    const codec = dialect.agency(limits);
    const finished = await this.#ask(codec.finish());
    if (finished.kind !== 'accepted') throw new AgencyError('the central refused the end of the bets');
    const backOff = new BackOff({ firstMs: pollMs, ceilingMs: POLL_WAIT_MS_MAX, random });
    for (;;) {
      const answer = await this.#ask(codec.askWinners());
      if (answer.kind === 'winners') {
        emit({ event: 'winners', documents: answer.documents });
        return answer.documents;
      }
      if (answer.kind !== 'not-drawn')
        throw new AgencyError('the central refused the question for the winners');
      const waitMs = backOff.next();
      emit({ event: 'waiting-for-draw', waitMs });
      await pause(waitMs, this.#parts);
    }
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    if (this.#link === undefined) return;
    await this.#link.close();
    this.#link = undefined;
    this.#parts.emit({ event: 'socket-closed', address: this.#parts.address.text });
  }

  async #uploadFrom(source: CsvSource): Promise<UploadResult> {
    const { dialect, limits, batchAmountMax, batchWindow, emit, stop } = this.#parts;
    const progress = new UploadProgress(this.#parts, source);
    let bets = 0;
    const unanswered: { batch: EncodedBatch; answer: Promise<ServerAnswer> }[] = [];
    const takeAnswer = async (): Promise<void> => {
      const { batch, answer } = unanswered[0]!;
      this.#judge(await this.#answerTo(answer, unanswered.length), batch);
      unanswered.shift();
      bets += batch.count;
      progress.reached(bets);
    };
    let refusedLines = 0;
    let batches = 0;
    const { batch: encoder } = dialect.agency(limits);
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
      batches += 1;
    }
    while (unanswered.length > 0) await takeAnswer();
    if (stop.aborted) throw new Stopped();
    emit({ event: 'upload-done', batches, bets });
    return { bets, refusedLines };
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

  #judge(answer: ServerAnswer, { count, firstLine }: EncodedBatch): void {
    if (answer.kind === 'accepted') return;
    throw new AgencyError(
      `the central refused the batch of ${count} bets that begins with line ${firstLine}; its log says why`,
    );
  }

  /** Asks something that may be asked again: comes back as often as the connection is lost. */
  async #ask(frame: Uint8Array): Promise<ServerAnswer> {
    const { emit, stop, now, maxElapsedMs } = this.#parts;
    const backOff = reconnectBackOff(this.#parts.random);
    const startedAt = now();
    for (;;) {
      const link = await this.#connected();
      try {
        return await withStop(link.request(frame), stop);
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        if (maxElapsedMs > 0 && now() - startedAt > maxElapsedMs) {
          throw new AgencyError(`the central does not answer, ${error.message}`, error);
        }
        emit({ event: 'reconnecting', error: error.message });
        await pause(backOff.next(), this.#parts);
      }
    }
  }

  /** The connection, identified; a new one where the last was lost. */
  async #connected(): Promise<Link> {
    if (this.#link?.lost === false) return this.#link;
    await this.close();
    const { id, address, dialect, limits, emit } = this.#parts;
    const socket = await dial({ ...this.#parts, ...address, connectTimeoutMs: limits.connectTimeoutMs });
    const codec = dialect.agency(limits);
    this.#link = new Link(socket, codec, limits);
    this.#link.send(codec.identify(id));
    emit({ event: 'connected', address: address.text });
    return this.#link;
  }
}
