import assert from 'node:assert';
import { PAYLOAD_BYTES_MIN } from '../wire/limits.ts';
import type { ServerAnswer, Welcome } from '../wire/message.ts';
import { faultOfActa } from './acta-check.ts';
import { CsvSource } from './csv-source.ts';
import { AgencyError, BrokenAnswerError, FileChanged, LinkError, Stopped } from './errors.ts';
import { isSameFile, type UploadFile } from './file-check.ts';
import type { Link } from './link.ts';
import { SendPace } from './send-pace.ts';
import { refusalOf, type ResumableParts, unexpected, UploadLinks } from './upload-links.ts';
import { type NumberedBatch, UploadPass } from './upload-pass.ts';
import { UploadProgress } from './upload-progress.ts';
import { withStop } from './waiting.ts';

/**
 * How often in a row servers may expect less than was acknowledged before the file is read again:
 * one of several may lag for a moment. With the waits in between that is some three seconds.
 */
const LAGGING_MAX = 6;

/** How often a file is read again with several servers: beyond, they do not share one store. */
const RESTARTS_MAX = 8;

/** Batches that may be unanswered before the first acknowledgement: slow start. */
const WINDOW_FIRST = 8;

type ActaAnswer = Extract<ServerAnswer, { kind: 'acta' }>;
type BatchRefusal = Extract<ServerAnswer, { kind: 'batch-refused' }>;

/**
 * The central's state contradicts this process: the file has to be read again from its beginning.
 */
class StartOver extends Error {}

/**
 * The agency's side of a resumable upload (docs/PROTOCOL.md). After a failure it reconnects, names
 * its upload, receives the number of the next expected bet, and resumes there (promise P3):
 *
 *     HELO ▶ WELC ▶ SBET … ▶ DONE ▶ END ▶ ACTA ▶ ACTA ▶ RWIN
 */
export class ResumableAgency {
  readonly #parts: ResumableParts;
  #file: UploadFile | undefined;
  /** The bet that a central with the whole upload expects next. */
  #expectedNext = 1;
  /** The first bet of the last refused batch that was reported. */
  #reportedBatch = 0;
  /** Refused bets that were reported. */
  #reportedBets = 0;
  /** Servers in a row that lagged: they expected less than was acknowledged. */
  #lagging = 0;
  #restarts = 0;
  /** The smallest payload that any server has granted. */
  #payloadBytesMax = Infinity;
  readonly #pace: SendPace;
  /** Disputes the last acta; undefined when it matches. */
  #dispute: Uint8Array | undefined;
  #links: UploadLinks | undefined;

  constructor(parts: ResumableParts) {
    this.#parts = parts;
    this.#pace = new SendPace({ ...parts, windowFirst: WINDOW_FIRST });
  }

  /**
   * Sends every valid bet of a file (exercise 6), each of which is stored once, and returns how
   * many the central has.
   *
   * @throws AgencyError, Stopped
   */
  async upload(file: UploadFile): Promise<number> {
    this.#file = file;
    this.#links = new UploadLinks(this.#parts, file.name, welcome => this.#onWelcome(welcome));
    return await this.#uploadFrom(undefined);
  }

  /**
   * Says that all bets were sent and waits for the draw (exercise 7).
   *
   * @throws AgencyError, Stopped
   */
  async finishAndAwaitWinners(): Promise<readonly string[]> {
    assert(this.#links !== undefined, 'the upload comes first');
    for (;;) {
      try {
        return await this.#finishAndAwaitWinners();
      } catch (error) {
        if (!(error instanceof StartOver)) throw error;
        await this.#uploadFrom(error);
      }
    }
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    await this.#links?.close();
  }

  async #finishAndAwaitWinners(): Promise<readonly string[]> {
    const { id, dialect, limits, emit } = this.#parts;
    const codec = dialect.agency(limits, id);
    await this.#ask(codec.finish(), 'accepted');
    emit({ event: 'waiting-for-draw' });
    for (let seen = 0; ; ) {
      const answer = await this.#askForOutcome(codec.awaitWinners(seen), seen);
      if (answer.kind === 'acta') {
        seen = answer.number;
        await this.#checkActa(answer);
      } else {
        emit({ event: 'winners', documents: answer.documents });
        return answer.documents;
      }
    }
  }

  /**
   * Compares the bets of the draw with those that were sent; disputes the acta when they differ.
   */
  async #checkActa({ number: acta, uploads, text }: ActaAnswer): Promise<void> {
    const { id, dialect, limits, emit, keepActa } = this.#parts;
    this.#dispute = undefined;
    await keepActa?.(text);
    const digest = this.#file!.rows;
    const obstacle = this.#obstacleToCheck(uploads);
    if (digest === undefined || obstacle !== undefined) {
      emit({
        event: 'acta-unchecked',
        acta,
        error: obstacle ?? 'the file could not be read ahead',
      });
      return;
    }
    const { bets, sha256 } = digest;
    const error = faultOfActa(text, id, digest);
    emit({ event: 'acta-checked', acta, bets, sha256, error });
    if (error !== undefined)
      this.#dispute = dialect.agency(limits, id).disputeActa(acta, bets, sha256);
  }

  /** Why an acta cannot be compared with the file. */
  #obstacleToCheck(uploads: number): string | undefined {
    if (this.#reportedBets > 0) return 'the central refused some bets of the file';
    return uploads > 1
      ? `the agency has sent ${uploads} uploads, of which this file is one`
      : undefined;
  }

  /**
   * Waits for a newer acta than `seen`, or the winners. A dispute is repeated over each connection:
   * a restarted central does not have it.
   */
  async #askForOutcome(
    frame: Uint8Array,
    seen: number,
  ): Promise<Extract<ServerAnswer, { kind: 'acta' | 'winners' }>> {
    return await this.#links!.over(async link => {
      if (this.#dispute !== undefined) await this.#request(link, this.#dispute, 'accepted');
      const answer = await this.#request(link, frame, 'acta', 'winners');
      if (answer.kind === 'acta' && answer.number <= seen)
        throw new BrokenAnswerError(`acta ${answer.number} after acta ${seen}`);
      return answer;
    });
  }

  /** Uploads the file, and again from its beginning whenever the central's state contradicts it. */
  async #uploadFrom(reason: StartOver | undefined): Promise<number> {
    let again = reason;
    for (;;) {
      if (again !== undefined) {
        this.#countRestart(again);
        await this.#links!.retryLater(new LinkError(again.message));
        this.#expectedNext = 1;
      }
      try {
        return await this.#uploadOnce();
      } catch (error) {
        if (!(error instanceof StartOver)) throw error;
        again = error;
      }
    }
  }

  /**
   * Counts a restart of the upload. One server may ask for any number; several that disagree do not
   * keep the same bets.
   *
   * @throws AgencyError when the file cannot be read again, or reading it again has not helped
   */
  #countRestart({ message }: StartOver): void {
    const { path, rereadable } = this.#file!;
    if (!rereadable) throw new AgencyError(`${message}, and ${path} cannot be read again`);
    this.#restarts += 1;
    if (this.#parts.addresses.several && this.#restarts > RESTARTS_MAX) {
      throw new AgencyError(
        `${message}, after ${path} was read again ${RESTARTS_MAX} times; do the servers of server.address keep the same bets?`,
      );
    }
  }

  /** Reads and sends the file once, over as many connections as it takes. @throws StartOver */
  async #uploadOnce(): Promise<number> {
    const { emit } = this.#parts;
    const file = this.#file!;
    // Checked after each read: bytes that were written after the check are never sent.
    const source = await CsvSource.open(file, this.#parts.stop, async () => {
      if (!(await isSameFile(file))) throw new FileChanged();
    });
    let pass: UploadPass | undefined;
    try {
      const progress = new UploadProgress(this.#parts, file.bets);
      await this.#links!.over(async (link, welcome) => {
        pass ??= this.#begin(source, welcome);
        // Batches that were read already may be too long for this server.
        if (welcome.payloadBytesMax < this.#payloadBytesMax)
          throw new StartOver(
            `the central takes only ${welcome.payloadBytesMax} bytes in a message now`,
          );
        await this.#resumeAt(pass, welcome);
        await this.#sendBatches(pass, link, welcome, progress);
        await this.#compareCounts(pass, link);
      });
      const { batches, bets, next } = pass!;
      this.#expectedNext = next;
      emit({ event: 'upload-done', batches, bets });
      return bets;
    } catch (error) {
      if (error instanceof Stopped) {
        const { batches, bets, unanswered } = pass ?? { batches: 0, bets: 0, unanswered: [] };
        const inDoubt = unanswered.reduce((sum, { count }) => sum + count, 0);
        emit({ event: 'upload-stopped', batches, bets, inDoubt, resumable: file.rereadable });
      }
      throw error;
    } finally {
      await source.close();
      emit({ event: 'file-closed', file: file.path });
    }
  }

  /** A central that is only polled for the winners must have the whole upload. */
  #onWelcome({ next }: Welcome): void {
    if (next < this.#expectedNext) throw this.#regression(next);
  }

  /**
   * The error for a server that expects an acknowledged batch again: a retry while it may merely
   * lag behind another one, then a second pass over the file.
   */
  #regression(next: number): LinkError | StartOver {
    const message = `the central expects bet ${next} again, which it has acknowledged`;
    this.#lagging += 1;
    if (this.#parts.addresses.several && this.#lagging < LAGGING_MAX) return new LinkError(message);
    this.#lagging = 0;
    return new StartOver(message);
  }

  /** Reports each batch once, however often the file is read. */
  #reportBatch({ seq, count, firstLine }: NumberedBatch, fault: BatchRefusal['fault']): void {
    if (seq <= this.#reportedBatch) return;
    this.#reportedBatch = seq;
    this.#reportedBets += count;
    this.#parts.emit({ event: 'batch-refused', seq, count, firstLine, ...fault });
  }

  /** Bets whose refusal was answered over a lost connection, or to another process. */
  #reportEarlier(refusedBets: number): void {
    const count = refusedBets - this.#reportedBets;
    if (count <= 0) return;
    this.#reportedBets = refusedBets;
    this.#parts.emit({ event: 'bets-refused', count, reason: 'refused earlier' });
  }

  #begin(source: CsvSource, { payloadBytesMax }: Welcome): UploadPass {
    const { id, dialect, limits } = this.#parts;
    if (payloadBytesMax < PAYLOAD_BYTES_MIN) {
      throw new AgencyError(
        `the central takes only ${payloadBytesMax} bytes in a message, too few for any bet`,
      );
    }
    this.#payloadBytesMax = Math.min(
      this.#payloadBytesMax,
      limits.payloadBytesMax,
      payloadBytesMax,
    );
    const granted = { ...limits, payloadBytesMax: this.#payloadBytesMax };
    const { batch } = dialect.agency(granted, id);
    return new UploadPass(source, batch, () => this.#pace.amount, this.#file!.refuse);
  }

  async #resumeAt(pass: UploadPass, { next, refusedBets = 0 }: Welcome): Promise<void> {
    if (!pass.canResumeAt(next)) throw this.#regression(next);
    this.#lagging = 0;
    await pass.skipTo(next);
    if (pass.next < next && !pass.fileChanged) {
      const { path, name } = this.#file!;
      throw new AgencyError(
        `the central has ${next - 1} bets of upload ${name}, and ${path} holds only ${pass.next - 1}; it was changed while another client sent it, have the central void this upload ('loteria agency void ${this.#parts.id} --upload ${name} --reason "…"')`,
      );
    }
    // Another process of this agency may have sent some of them.
    pass.bets = next - 1 - refusedBets;
    this.#reportEarlier(refusedBets);
    if (next > 1) this.#parts.emit({ event: 'upload-resumed', bets: pass.bets });
  }

  /** Sends the missing bets over one connection. */
  async #sendBatches(
    pass: UploadPass,
    link: Link,
    { window }: Welcome,
    progress: UploadProgress,
  ): Promise<void> {
    const { stop, now } = this.#parts;
    const pace = this.#pace;
    const sent: { readonly answer: Promise<ServerAnswer>; readonly sentAt: number }[] = [];
    for (;;) {
      while (sent.length < Math.min(pace.window, window) && !stop.aborted) {
        // First the unanswered batches of the last connection.
        const batch = pass.unanswered[sent.length] ?? (await pass.read());
        if (batch === undefined) break;
        sent.push({ answer: link.request(batch.frame), sentAt: now() });
      }
      const oldest = sent.shift();
      if (oldest === undefined) break;
      this.#takeAnswer(pass, await oldest.answer, progress);
      pace.acknowledged(oldest.sentAt);
    }
    if (stop.aborted) throw new Stopped();
  }

  #takeAnswer(pass: UploadPass, answer: ServerAnswer, progress: UploadProgress): void {
    if (answer.kind === 'accepted') {
      pass.stored();
      progress.reached(pass.bets);
    } else if (answer.kind === 'batch-refused' && answer.seq === pass.unanswered[0]!.seq) {
      this.#reportBatch(pass.refused(), answer.fault);
    } else {
      throw unexpected(answer);
    }
    this.#links!.noteProgress();
  }

  async #compareCounts(pass: UploadPass, link: Link): Promise<void> {
    const { id, dialect, limits, stop } = this.#parts;
    const { path, name } = this.#file!;
    if (pass.fileChanged || !(await isSameFile(this.#file!))) {
      const way = `put back what it was and start this client again, or have the central void this upload ('loteria agency void ${id} --upload ${name} --reason "…"')`;
      throw new AgencyError(
        `${path} was changed while it was being sent; ${pass.bets} bets of what it was are stored; ${way}`,
      );
    }
    const codec = dialect.agency(limits, id);
    const answer = await withStop(link.request(codec.uploadDone(pass.batches, pass.bets)), stop);
    if (answer.kind === 'accepted') return;
    const { code, detail } = refusalOf(answer) ?? {};
    if (code !== 'count-mismatch') throw unexpected(answer);
    throw new AgencyError(`the central has not stored what this client counts: ${detail}`);
  }

  /** Sends an idempotent request; repeats it over new connections. */
  async #ask<Kind extends ServerAnswer['kind']>(
    frame: Uint8Array,
    expected: Kind,
  ): Promise<Extract<ServerAnswer, { kind: Kind }>> {
    return await this.#links!.over(link => this.#request(link, frame, expected));
  }

  /** Sends a request over one connection. */
  async #request<Kind extends ServerAnswer['kind']>(
    link: Link,
    frame: Uint8Array,
    ...expected: readonly Kind[]
  ): Promise<Extract<ServerAnswer, { kind: Kind }>> {
    this.#lagging = 0;
    const answer = await withStop(link.request(frame), this.#parts.stop);
    if (!(expected as readonly string[]).includes(answer.kind)) throw unexpected(answer);
    return answer as Extract<ServerAnswer, { kind: Kind }>;
  }
}
