import { type FieldRanges, fieldText } from '../lottery/bet-rules.ts';
import type { ServerAnswer } from '../wire/message.ts';
import { AgencyConnection } from './agency-connection.ts';
import type { AgencyParts } from './agency-parts.ts';
import { BackOff, reconnectBackOff } from './back-off.ts';
import { type EncodedBatch, readBatches } from './batcher.ts';
import { BrokenAnswers } from './broken-answers.ts';
import { CsvSource } from './csv-source.ts';
import { AgencyError, LinkError, Stopped } from './errors.ts';
import { isSameFile, type UploadFile } from './file-check.ts';
import { SendPace } from './send-pace.ts';
import { UploadProgress } from './upload-progress.ts';
import { pause, withStop } from './waiting.ts';

/** First wait between two questions for the winners, in milliseconds, and its growth. */
const POLL_MS_FIRST = 50;
const POLL_FACTOR = 1.25;
/** Attempts to send the end of the bets; then the agency asks for its winners anyway. */
const FINISH_ATTEMPTS_MAX = 3;

interface SentBatch {
  readonly batch: EncodedBatch;
  readonly answer: Promise<ServerAnswer>;
  readonly sentAt: number;
}

/**
 * The agency's side of every conversation without resumable uploads (exercises 5 to 8): identify,
 * send every bet, send the end of the bets, poll for the winners. A batch that is
 * unanswered when the connection breaks is in doubt and ends the agency: these protocols cannot ask
 * whether it was stored (see `ResumableAgency`).
 */
export class Agency {
  readonly #parts: AgencyParts;
  readonly #connection: AgencyConnection;
  /** Valid answers in between do not count: a server may break every second one. */
  readonly #brokenAnswers = new BrokenAnswers();
  /** Whether the end of the bets was sent and not answered. */
  #isFinishInDoubt = false;

  constructor(parts: AgencyParts) {
    this.#parts = parts;
    this.#connection = new AgencyConnection(parts);
  }

  /**
   * Sends the one bet of exercise 5 and waits until it is stored.
   *
   * @throws AgencyError, Stopped
   */
  async sendBet(bet: FieldRanges): Promise<void> {
    const { id, dialect, limits, emit, now } = this.#parts;
    const encoder = dialect.agency(limits, id).batch;
    const added = encoder.add(bet);
    if (typeof added === 'object')
      throw new AgencyError(`the bet cannot be sent, ${added.field} ${added.reason}`);
    const batch: EncodedBatch = { count: 1, firstLine: 1, frame: encoder.takeSingle() };
    const link = await this.#connection.open();
    const answer = link.request(batch.frame);
    try {
      this.#judge(await this.#answerTo(answer, [{ batch, answer, sentAt: now() }]), batch);
    } catch (error) {
      const none = { batches: 0, bets: 0, inDoubt: 1, resumable: false };
      if (error instanceof Stopped) emit({ event: 'upload-stopped', ...none });
      throw error;
    }
    emit({
      event: 'bet-sent',
      document: fieldText(bet, 'document'),
      number: Number(fieldText(bet, 'number')),
    });
  }

  /**
   * Sends every valid bet of a file (exercise 6) and returns how many the central has stored.
   *
   * @throws AgencyError, Stopped
   */
  async upload(file: UploadFile): Promise<number> {
    const { emit } = this.#parts;
    const source = await CsvSource.open(file, this.#parts.stop);
    try {
      return await this.#uploadFrom(source, file);
    } finally {
      await source.close();
      emit({ event: 'file-closed', file: file.path });
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
      dialect.conversation.winners === 'sent'
        ? await this.#awaitWinners()
        : await this.#askUntilDrawn();
    emit({ event: 'winners', documents });
    return documents;
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  /**
   * An answered end of the bets may be repeated after a lost connection. An unanswered one is sent
   * once: a server that counts repeats would hold its draw too soon.
   */
  async #finish(): Promise<void> {
    const { id, dialect, limits, emit } = this.#parts;
    const { finishIsAnswered, connectionPerQuestion } = dialect.conversation;
    const frame = dialect.agency(limits, id).finish();
    if (!finishIsAnswered) {
      const link = await this.#connection.open();
      link.send(frame);
      if (connectionPerQuestion) await this.close();
      return;
    }
    const { answer, attempts } = await this.#ask(frame, FINISH_ATTEMPTS_MAX);
    if (answer?.kind === 'accepted') return;
    // A server that counts an END once refuses the repeat of one whose answer was lost, or closes.
    if (attempts === 1) throw new AgencyError('the central refused the end of the bets');
    this.#isFinishInDoubt = answer === undefined;
    emit({ event: 'finish-in-doubt' });
    await this.close();
  }

  /** Sends the end of the bets again, once: it may never have arrived. */
  async #finishAgain(): Promise<void> {
    const { id, dialect, limits } = this.#parts;
    const { answer } = await this.#ask(dialect.agency(limits, id).finish(), 1);
    this.#isFinishInDoubt = answer === undefined;
    await this.close();
  }

  /**
   * Polls for the winners. A question is idempotent: it may be repeated over another connection.
   */
  async #askUntilDrawn(): Promise<readonly string[]> {
    const { id, dialect, limits, emit, pollMs, random } = this.#parts;
    const { connectionPerQuestion, closesBetweenPolls } = dialect.conversation;
    const question = dialect.agency(limits, id).askWinners();
    const firstMs = Math.min(POLL_MS_FIRST, pollMs);
    const backOff = new BackOff({ firstMs, ceilingMs: pollMs, factor: POLL_FACTOR, random });
    for (;;) {
      const answer = (await this.#ask(question, Number.POSITIVE_INFINITY)).answer!;
      if (connectionPerQuestion || (closesBetweenPolls && answer.kind === 'not-drawn'))
        await this.close();
      if (answer.kind === 'winners') return answer.documents;
      if (answer.kind !== 'not-drawn')
        throw new AgencyError(
          `the central refused the question for the winners${reasonOf(answer)}`,
        );
      const waitMs = Math.min(backOff.next(), pollMs);
      emit({ event: 'waiting-for-draw', waitMs });
      await pause(waitMs, this.#parts);
      if (this.#isFinishInDoubt) await this.#finishAgain();
    }
  }

  /** Waits for the winners, which the central pushes over the connection of the end of the bets. */
  async #awaitWinners(): Promise<readonly string[]> {
    const { emit, stop } = this.#parts;
    emit({ event: 'waiting-for-draw' });
    try {
      const answer = await withStop(this.#connection.current!.awaitAnswer(), stop);
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

  async #uploadFrom(source: CsvSource, file: UploadFile): Promise<number> {
    const { id, dialect, limits, emit, stop, now } = this.#parts;
    const connection = this.#connection;
    const progress = new UploadProgress(this.#parts, file.bets);
    const pace = new SendPace({ ...this.#parts, windowFirst: this.#parts.batchWindow });
    const unanswered: SentBatch[] = [];
    const stored = { batches: 0, bets: 0 };
    const takeAnswer = async (): Promise<void> => {
      const { batch, answer, sentAt } = unanswered[0]!;
      const isStored = this.#judge(await this.#answerTo(answer, unanswered, stored.bets), batch);
      unanswered.shift();
      pace.acknowledged(sentAt);
      if (isStored) {
        stored.batches += 1;
        stored.bets += batch.count;
      }
      progress.reached(stored.bets);
    };
    const { batch: encoder } = dialect.agency(limits, id);
    try {
      for await (const batch of readBatches(source, encoder, () => pace.amount, file.refuse)) {
        // A lost connection with unanswered batches is final; without, there may be another one.
        while (unanswered.length > 0 && connection.lost) await takeAnswer();
        if (stop.aborted) break;
        const link = await connection.open();
        unanswered.push({ batch, answer: link.request(batch.frame), sentAt: now() });
        // Before the next batch is cut: its size depends on the answers.
        while (unanswered.length >= Math.min(pace.window, connection.window)) await takeAnswer();
      }
      while (unanswered.length > 0) await takeAnswer();
      if (stop.aborted) throw new Stopped();
    } catch (error) {
      const inDoubt = betsIn(unanswered);
      if (error instanceof Stopped)
        emit({ event: 'upload-stopped', ...stored, inDoubt, resumable: false });
      throw error;
    }
    if (!(await isSameFile(file))) {
      throw new AgencyError(
        `${file.path} was changed while it was being sent, ${stored.bets} bets of it were stored`,
      );
    }
    emit({ event: 'upload-done', ...stored });
    return stored.bets;
  }

  /**
   * The answer to the first of `unanswered`, which must not be repeated: it may have been stored.
   *
   * @param acknowledged bets that were acknowledged before
   */
  async #answerTo(
    answer: Promise<ServerAnswer>,
    unanswered: readonly SentBatch[],
    acknowledged = 0,
  ): Promise<ServerAnswer> {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      if (this.#parts.stop.aborted) throw new Stopped();
      throw new AgencyError(
        `the connection was lost, ${error.message}; whether the last ${unanswered.length} batches were stored is not known, ` +
          'and sending them again could store them twice; ' +
          `${acknowledged} bets were acknowledged, ${betsIn(unanswered)} are in doubt; ` +
          `have the central void them before they are sent again ('loteria agency void ${this.#parts.id} --reason "…"')` +
          this.#connection.hint,
        error,
      );
    }
  }

  /** Whether a batch was stored. A refusal is final unless the connection survives it. */
  #judge(answer: ServerAnswer, { count, firstLine }: EncodedBatch): boolean {
    const { emit, dialect } = this.#parts;
    if (answer.kind === 'accepted' && (answer.bets ?? count) === count) return true;
    if (answer.kind === 'accepted') {
      throw new AgencyError(
        `the central says that it stored ${answer.bets} bets of the ${count} that begin with line ${firstLine}`,
      );
    }
    if (answer.kind === 'bets-refused' && dialect.conversation.survivesRefusedBatch) {
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

  /**
   * Sends an idempotent request: reconnects as often as the connection is lost.
   *
   * @returns no answer when the connection was lost `attemptsMax` times
   */
  async #ask(
    frame: Uint8Array,
    attemptsMax: number,
  ): Promise<{ answer: ServerAnswer | undefined; attempts: number }> {
    const { addresses, emit, stop, now, maxElapsedMs } = this.#parts;
    const backOff = reconnectBackOff(this.#parts.random);
    const startedAt = now();
    for (let attempts = 1; ; attempts += 1) {
      const link = await this.#connection.open();
      try {
        return { answer: await withStop(link.request(frame), stop), attempts };
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        this.#brokenAnswers.note(error);
        const { hint } = this.#connection;
        if (maxElapsedMs > 0 && now() - startedAt > maxElapsedMs) {
          throw new AgencyError(`the central does not answer, ${error.message}${hint}`, error);
        }
        emit({
          event: 'reconnecting',
          error: error.message + hint,
          address: addresses.currentForLog,
        });
        if (attempts === attemptsMax) return { answer: undefined, attempts };
        // The first failover needs no wait; a second failure does.
        const mayFailOverAtOnce = addresses.several && attempts === 1;
        await pause(mayFailOverAtOnce ? 0 : backOff.next(), this.#parts);
      }
    }
  }
}

function betsIn(batches: readonly SentBatch[]): number {
  return batches.reduce((sum, { batch }) => sum + batch.count, 0);
}

/** The detail of a refusal, for the end of a sentence. */
function reasonOf(answer: ServerAnswer): string {
  const said =
    answer.kind === 'refused' || answer.kind === 'bets-refused'
      ? answer.refusal?.detail
      : undefined;
  return said === undefined ? '' : `, ${said}`;
}
