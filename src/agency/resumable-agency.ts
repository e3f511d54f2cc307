import type { ResumableCodec, ResumableDialect } from '../wire/dialect.ts';
import type { ServerAnswer, Welcome } from '../wire/message.ts';
import type { Refusal, RefusalCode } from '../wire/refusal.ts';
import type { AgencyParts, UploadResult } from './agency-parts.ts';
import { type BackOff, reconnectBackOff } from './back-off.ts';
import { CsvSource } from './csv-source.ts';
import { dial } from './dial.ts';
import { AgencyError, LinkError, Stopped } from './errors.ts';
import { Link } from './link.ts';
import { isSameFile, type NamedFile, nameFile } from './upload-name.ts';
import { UploadPass } from './upload-pass.ts';
import { UploadProgress } from './upload-progress.ts';
import { pause, withStop } from './waiting.ts';

export interface ResumableAgencyParts extends Omit<AgencyParts, 'dialect' | 'pollMs'> {
  readonly dialect: ResumableDialect;
}

/** Refusals that pass: the agency comes back. `sequence-gap` is one, because `WELC` says where to go on. */
const PASSING: ReadonlySet<RefusalCode> = new Set(['busy', 'closing', 'storage', 'sequence-gap']);

/** What the central has is not what this process believes: the file is to be read again from its beginning. */
class StartOver extends Error {
  /** Whether batches are to be sent that the central does not ask for. */
  readonly withEveryBatch: boolean;

  constructor(message: string, withEveryBatch: boolean) {
    super(message);
    this.withEveryBatch = withEveryBatch;
  }
}

/**
 * The agency's side of a resumable upload (protocol page, section 2). Whatever breaks, it comes back, says which upload it
 * is, hears with which batch to go on, and goes on (promise P3):
 *
 *     HELO ▶ WELC ▶ SBET … ▶ DONE ▶ END ▶ WAIT ▶ RWIN
 */
export class ResumableAgency {
  readonly #parts: ResumableAgencyParts;
  #file: NamedFile | undefined;
  #link: Link | undefined;
  #welcome: Welcome | undefined;
  /** Waits between attempts, since something last went well. */
  #backOff: BackOff;
  #troubleSince: number | undefined;

  constructor(parts: ResumableAgencyParts) {
    this.#parts = parts;
    this.#backOff = reconnectBackOff(parts.random);
    const { stop, limits } = parts;
    stop.addEventListener('abort', () => {
      const giveUp = (): void => this.#link?.abandon(new LinkError('no answer before the end'));
      setTimeout(giveUp, limits.stopTimeoutMs).unref();
    });
  }

  /**
   * Sends every valid bet of a file (exercise 6), each of which is stored once.
   *
   * @throws AgencyError, Stopped
   */
  async upload(path: string, delimiter: number): Promise<UploadResult> {
    this.#file = await nameFile(path);
    let again: StartOver | undefined;
    for (;;) {
      try {
        return await this.#uploadOnce(path, delimiter, again);
      } catch (error) {
        if (!(error instanceof StartOver)) throw error;
        if (!this.#file.rereadable)
          throw new AgencyError(`${error.message}, and ${path} cannot be read again`, error);
        again = error;
        await this.#comeBack(new LinkError(error.message));
      }
    }
  }

  /**
   * Says that all bets were sent and waits for the draw (exercise 7).
   *
   * @throws AgencyError, Stopped
   */
  async finishAndAwaitWinners(): Promise<readonly string[]> {
    const { dialect, limits, emit } = this.#parts;
    const codec = dialect.agency(limits);
    const finished = await this.#ask(codec.finish());
    if (finished.kind !== 'accepted') throw unexpected(finished);
    emit({ event: 'waiting-for-draw' });
    const answer = await this.#ask(codec.awaitWinners());
    if (answer.kind !== 'winners') throw unexpected(answer);
    emit({ event: 'winners', documents: answer.documents });
    return answer.documents;
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    if (this.#link === undefined) return;
    await this.#link.close();
    this.#link = undefined;
    this.#parts.emit({ event: 'socket-closed', address: this.#parts.address.text });
  }

  /**
   * Reads and sends the file once, over as many connections as it takes.
   *
   * @param again why it was started over
   * @throws StartOver
   */
  async #uploadOnce(path: string, delimiter: number, again: StartOver | undefined): Promise<UploadResult> {
    const { emit } = this.#parts;
    const source = await CsvSource.open(path, delimiter);
    try {
      const progress = new UploadProgress(this.#parts, source);
      let refusedLines = 0;
      let pass: UploadPass | undefined;
      await this.#overLinks(async (link, welcome) => {
        pass ??= this.#begin(source, welcome, fault => {
          refusedLines += 1;
          if (again === undefined) emit({ event: 'line-refused', file: path, ...fault });
        });
        await this.#findPlace(pass, welcome, again);
        await this.#goOn(pass, link, welcome, progress);
        await this.#compareCounts(pass, link, path);
      });
      const { batches, bets, refusedBets } = pass!;
      emit({ event: 'upload-done', batches, bets });
      return { bets, refusedLines: refusedLines + refusedBets };
    } finally {
      await source.close();
      emit({ event: 'file-closed', file: path });
    }
  }

  #begin(
    source: CsvSource,
    { payloadBytesMax }: Welcome,
    refuse: ConstructorParameters<typeof UploadPass>[3],
  ): UploadPass {
    const { dialect, limits, batchAmountMax } = this.#parts;
    const granted = { ...limits, payloadBytesMax: Math.min(limits.payloadBytesMax, payloadBytesMax) };
    return new UploadPass(source, dialect.agency(granted).batch, batchAmountMax, refuse);
  }

  async #findPlace(pass: UploadPass, { next }: Welcome, again: StartOver | undefined): Promise<void> {
    if (!pass.canGoOnAt(next)) {
      throw new StartOver(`the central expects batch ${next} again, which it has acknowledged`, false);
    }
    if (again?.withEveryBatch) return;
    if (next > 1) this.#parts.emit({ event: 'upload-resumed', next });
    await pass.skipTo(next);
  }

  /** Sends what the central has not got, over one connection. */
  async #goOn(pass: UploadPass, link: Link, { window }: Welcome, progress: UploadProgress): Promise<void> {
    const { stop, batchWindow } = this.#parts;
    const answers = pass.unanswered.map(({ frame }) => link.request(frame));
    const inFlightMax = Math.min(batchWindow, window);
    for (;;) {
      while (answers.length < inFlightMax && !stop.aborted) {
        const batch = await pass.next();
        if (batch === undefined) break;
        answers.push(link.request(batch.frame));
      }
      const answer = answers.shift();
      if (answer === undefined) break;
      this.#takeAnswer(pass, await answer, progress);
    }
    if (stop.aborted) throw new Stopped();
  }

  #takeAnswer(pass: UploadPass, answer: ServerAnswer, progress: UploadProgress): void {
    this.#wentWell();
    if (answer.kind === 'accepted') {
      pass.stored();
      progress.reached(pass.bets);
    } else if (answer.kind === 'batch-refused') {
      const { seq, count, firstLine } = pass.refused();
      this.#parts.emit({ event: 'batch-refused', seq, count, firstLine, ...answer.fault });
    } else {
      throw unexpected(answer);
    }
  }

  async #compareCounts(pass: UploadPass, link: Link, path: string): Promise<void> {
    const { dialect, limits, stop } = this.#parts;
    if (!(await isSameFile(path, this.#file!))) {
      throw new AgencyError(`${path} was changed while it was being sent; start this client again`);
    }
    const codec = dialect.agency(limits);
    const answer = await withStop(link.request(codec.uploadDone(pass.batches, pass.bets)), stop);
    if (answer.kind === 'accepted') return;
    const { code, detail } = refusalOf(answer) ?? {};
    if (code !== 'count-mismatch') throw unexpected(answer);
    // What another process of this agency sent may have been refused in part: sent again, each batch gets its first answer.
    if (pass.assumed > 0 && this.#file!.rereadable) throw new StartOver(`the counts differ, ${detail}`, true);
    throw new AgencyError(
      `the central has not stored what this client counts: ${detail}; was batch.maxAmount changed since the upload began?`,
    );
  }

  /** Asks something that may be asked again, over as many connections as it takes. */
  async #ask(frame: Uint8Array): Promise<ServerAnswer> {
    return await this.#overLinks(async link => {
      const answer = await withStop(link.request(frame), this.#parts.stop);
      if (answer.kind === 'refused') throw unexpected(answer);
      return answer;
    });
  }

  /** Does something over a connection, and again over the next one for as long as connections are lost. */
  async #overLinks<Result>(act: (link: Link, welcome: Welcome) => Promise<Result>): Promise<Result> {
    const { stop } = this.#parts;
    for (;;) {
      try {
        const link = await this.#connected();
        const result = await act(link, this.#welcome!);
        this.#wentWell();
        return result;
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        if (stop.aborted) throw new Stopped();
        await this.#comeBack(error);
      }
    }
  }

  #wentWell(): void {
    if (this.#troubleSince === undefined) return;
    this.#troubleSince = undefined;
    this.#backOff = reconnectBackOff(this.#parts.random);
  }

  async #comeBack(error: LinkError): Promise<void> {
    const { emit, now, maxElapsedMs } = this.#parts;
    await this.close();
    const waitMs = this.#backOff.next();
    this.#troubleSince ??= now();
    if (maxElapsedMs > 0 && now() - this.#troubleSince + waitMs > maxElapsedMs) {
      throw new AgencyError(`the central does not answer, ${error.message}`, error);
    }
    emit({ event: 'reconnecting', error: error.message, waitMs });
    await pause(waitMs, this.#parts);
  }

  /** The connection, welcomed; a new one where the last was lost. */
  async #connected(): Promise<Link> {
    if (this.#link?.lost === false) return this.#link;
    await this.close();
    const { id, address, dialect, limits, emit, stop } = this.#parts;
    const socket = await dial({
      ...this.#parts,
      ...address,
      connectTimeoutMs: limits.connectTimeoutMs,
      since: this.#troubleSince,
    });
    const codec = dialect.agency(limits);
    const link = new Link(socket, codec, limits);
    this.#link = link;
    emit({ event: 'connected', address: address.text });
    this.#welcome = await withStop(this.#greet(link, codec, id), stop);
    return link;
  }

  async #greet(link: Link, codec: ResumableCodec, id: number): Promise<Welcome> {
    let answer: ServerAnswer;
    try {
      answer = await link.request(codec.resume(id, this.#file!.name));
    } catch (error) {
      throw new LinkError(`${(error as LinkError).message} before it answered HELO${BASE_HINT}`, error);
    }
    if (answer.kind === 'welcome') return answer;
    if (refusalOf(answer) === undefined) throw new LinkError(`the central refused HELO${BASE_HINT}`);
    throw unexpected(answer);
  }
}

const BASE_HINT = ' (with protocol base a server without resumable uploads can be served)';

function refusalOf(answer: ServerAnswer): Refusal | undefined {
  return answer.kind === 'refused' ? answer.refusal : undefined;
}

/** What to make of an answer that is not the one hoped for: a reason to come back, or the end. */
function unexpected(answer: ServerAnswer): Error {
  const refusal = refusalOf(answer);
  if (refusal === undefined) return new LinkError(`an answer that does not fit, ${answer.kind}`);
  const text = `${refusal.code}, ${refusal.detail}`;
  if (PASSING.has(refusal.code)) return new LinkError(`the central refused for now, ${text}`);
  return new AgencyError(`the central refused, ${text}`);
}
