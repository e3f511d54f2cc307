import { setTimeout as pause } from 'node:timers/promises';
import { isPassing } from '../files/passing.ts';
import { type BetsDigest, closeActa } from '../lottery/acta.ts';
import type { Bet } from '../lottery/bet.ts';
import { type Draw, holdDraw, winnersInAll } from '../lottery/draw.ts';
import type { Acta } from '../lottery/fact.ts';
import type { Lottery } from '../lottery/lottery.ts';
import type { CentralEvent, Emit } from '../observe/events.ts';
import type { DrawWait } from '../observe/status.ts';
import { type Store, StoreError } from '../store/store.ts';

/** How long a close or a draw waits for a store that does not take it, before it tries again, in milliseconds. */
const RETRY_MS = 1000;

/** How often it is looked whether the draw may follow the close, in milliseconds. */
const LOOK_MS = 250;

/** How long a server waits for the one that heard the last agency finish, before it holds the draw itself, in milliseconds. */
const TAKE_OVER_MS = 2000;

/** The documents of the close and the draw, and what the draw waits for. */
export interface Actas {
  /** How long the draw waits after the close, in milliseconds. */
  readonly holdMs: number;
  /** What the draw waits for besides. */
  readonly signature?: ActaSignature | undefined;
  /** Writes the documents that the lottery has. Fulfilled with the first one that could not be written. */
  keep(lottery: Lottery): Promise<{ readonly file: string; readonly error: string } | undefined>;
}

/** The detached signature of an acta, in a file that the auditor supplies. */
interface ActaSignature {
  /** Path of the file. */
  readonly file: string;
  /** Looks at the file. `error` only when that has not been said of the same file before. */
  check(lottery: Lottery): Promise<{ readonly isValid: boolean; readonly error?: string | undefined }>;
}

export interface DrawHolderParts {
  readonly lottery: Lottery;
  readonly store: Store;
  readonly hasWon: (bet: Bet) => boolean;
  readonly actas?: Actas | undefined;
  readonly emit: Emit<CentralEvent>;
  /** Called after the draw was logged. */
  readonly onHeld: () => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/**
 * Closes the lottery when every expected agency has finished, and holds the draw when it may: goes through the bets and hands
 * what it found to the store. Of several servers on one log each may do so; what comes first in the log counts, for all of
 * them.
 *
 *     complete ── digest, acta ──▶ closed ── CLOSE_HOLD, signature ──▶ bets, winners ──▶ drawn
 */
export class DrawHolder {
  /** Fulfilled with the error for which no draw can be held. */
  readonly failure: Promise<Error>;
  readonly #parts: DrawHolderParts;
  readonly #failure = Promise.withResolvers<Error>();
  readonly #closing = new AbortController();
  #holding: Promise<void> | undefined;
  #takeOver: NodeJS.Timeout | undefined;
  /** What the draw waits for, as it was said last. */
  #waitsFor: DrawWait | undefined;
  /** What was found in the bets of an acta. */
  #found: { readonly acta: Acta; readonly draw: Draw; readonly startedAt: number } | undefined;
  /** Whether a draw of this server is on its way to the store: whether it is the one that counts is known afterwards. */
  #isSealing = false;
  /** Whether it has been said that the draw was held. */
  #isTold: boolean;
  /** Documents are written one after the other. */
  #keeping: Promise<unknown> = Promise.resolve();
  /** Why they could not be written the last time. */
  #keepTrouble: string | undefined;
  #keepAgain: NodeJS.Timeout | undefined;

  constructor(parts: DrawHolderParts) {
    this.#parts = parts;
    this.failure = this.#failure.promise;
    this.#isTold = parts.lottery.state === 'drawn';
  }

  /** What the draw waits for after the close. */
  get waitsFor(): DrawWait | undefined {
    return this.#parts.lottery.state === 'closed' ? this.#waitsFor : undefined;
  }

  /** Starts the close and the draw of a complete or closed lottery, unless they are running here. */
  hold(): void {
    const { state } = this.#parts.lottery;
    if ((state !== 'complete' && state !== 'closed') || this.#closing.signal.aborted) return;
    this.#holding ??= this.#hold().finally(() => {
      this.#holding = undefined;
    });
  }

  /** Does the same, unless another server has done it in a moment. */
  holdUnlessAnotherDoes(): void {
    clearTimeout(this.#takeOver);
    if (this.#holding !== undefined) return;
    this.#takeOver = setTimeout(() => this.hold(), TAKE_OVER_MS).unref();
  }

  /** The draw has been held, here or by another server. */
  held(): void {
    if (!this.#isSealing) this.#tell();
  }

  /** Writes the documents that the lottery has. */
  async keepActas(): Promise<void> {
    const { actas, lottery, emit } = this.#parts;
    this.#keeping = this.#keeping.then(async () => {
      const trouble = await actas?.keep(lottery);
      if (trouble !== undefined && trouble.error !== this.#keepTrouble)
        emit({ event: 'store-warning', file: trouble.file, warning: trouble.error });
      this.#keepTrouble = trouble?.error;
      if (trouble === undefined || this.#closing.signal.aborted) return;
      clearTimeout(this.#keepAgain);
      this.#keepAgain = setTimeout(() => void this.keepActas(), RETRY_MS).unref();
    });
    await this.#keeping;
  }

  /** Waits for a draw that is being held. */
  async close(): Promise<void> {
    clearTimeout(this.#takeOver);
    clearTimeout(this.#keepAgain);
    this.#closing.abort();
    await this.#holding;
    await this.#keeping;
  }

  /** Starts after the last bet of the last agency is durable; no bet can follow it. */
  async #hold(): Promise<void> {
    const { lottery, emit } = this.#parts;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let pauseMs = 0;
      try {
        const { acta, state } = lottery;
        if (state === 'complete') await this.#close();
        else if (state !== 'closed') return;
        else if (await this.#mayDraw(acta!)) await this.#draw(acta!);
        else pauseMs = LOOK_MS;
      } catch (error) {
        if (!mayPass(error)) {
          this.#fail(error);
          return;
        }
        // A full disk changes nothing about the bets; what else there was to read may have been put together anew.
        const { code, message } = error as StoreError | NodeJS.ErrnoException;
        if (code !== 'full') this.#found = undefined;
        if (code !== 'overtaken') emit({ event: 'draw-delayed', error: message });
        pauseMs = RETRY_MS;
      }
      if (pauseMs > 0) await pause(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** The acta de cierre, as a fact of the log. */
  async #close(): Promise<void> {
    const { lottery, store } = this.#parts;
    const { applied } = lottery;
    const digest = await store.digest();
    // Another server may have been faster, or an operator has done something.
    if (lottery.applied !== applied) return;
    const bets = lottery.agencies.map(agency => [agency, lottery.bets.get(agency) ?? 0] as const);
    const number = lottery.withdrawnActas.length + 1;
    const { interventions: byHand } = lottery;
    const time = new Date().toISOString();
    const acta = closeActa({ lottery: store.lottery, number, time, digest, bets, byHand });
    await store.note({ kind: 'closed', acta });
    // Before anybody may ask for it, and before a signature of it can be there.
    await this.#keeping;
  }

  /** Whether the draw may follow the close now. */
  async #mayDraw(acta: Acta): Promise<boolean> {
    const { actas, lottery, emit } = this.#parts;
    if (actas === undefined) return true;
    const { holdMs, signature } = actas;
    const until = Date.parse(acta.time) + holdMs;
    // Restores a document that was changed or deleted: the auditor signs the one that is in the log.
    if (this.#waitsFor !== undefined) await this.keepActas();
    if (holdMs > 0 && Date.now() < until) {
      this.#waitFor(acta, { until: new Date(until).toISOString() });
      return false;
    }
    if (signature === undefined) return true;
    const { isValid, error } = await signature.check(lottery);
    const { file } = signature;
    if (error !== undefined) emit({ event: 'signature-refused', acta: acta.number, file, error });
    if (!isValid) this.#waitFor(acta, { signature: file });
    return isValid && lottery.acta === acta;
  }

  #waitFor(acta: Acta, wait: DrawWait): void {
    if (JSON.stringify(this.#waitsFor) === JSON.stringify(wait)) return;
    this.#waitsFor = wait;
    this.#parts.emit({ event: 'draw-waits', acta: acta.number, wait });
  }

  async #draw(acta: Acta): Promise<void> {
    const { lottery, store, hasWon, now } = this.#parts;
    if (this.#found?.acta !== acta) {
      const startedAt = now();
      const draw = await holdDraw(store.bets(), hasWon);
      this.#expectAll(draw, await store.digest(), acta);
      this.#found = { acta, draw, startedAt };
    }
    // Another server may have been faster, or the acta has been withdrawn.
    if (lottery.acta !== acta || lottery.state !== 'closed') return;
    await this.#seal(this.#found, acta);
  }

  /** What was read must be what was acknowledged and what the acta says, however the store reads it. */
  #expectAll({ bets }: Draw, { sha256 }: BetsDigest, acta: Acta): void {
    const { betsInAll, acta: current } = this.#parts.lottery;
    if (current !== acta) throw new StoreError('overtaken', 'the acta has been withdrawn');
    if (bets !== betsInAll)
      throw new StoreError('failed', `${bets} bets were read, ${betsInAll} were acknowledged`);
    if (sha256 !== acta.sha256)
      throw new StoreError(
        'failed',
        `the bets have SHA-256 ${sha256}, acta ${acta.number} says ${acta.sha256}`,
      );
  }

  async #seal({ draw, startedAt }: { draw: Draw; startedAt: number }, acta: Acta): Promise<void> {
    const { lottery, store } = this.#parts;
    const { bytes, sha256 } = acta;
    this.#isSealing = true;
    try {
      await store.note({ kind: 'drawn', draw, seal: { bytes, sha256, time: new Date().toISOString() } });
      this.#tell(startedAt);
    } finally {
      this.#isSealing = false;
      // That of another server, which was faster.
      if (lottery.state === 'drawn') this.#tell();
    }
  }

  /**
   * Says, once, that the draw was held.
   *
   * @param startedAt when it was begun here, if this server has held it
   */
  #tell(startedAt?: number): void {
    const { lottery, emit, now } = this.#parts;
    const { draw, seal } = lottery;
    if (this.#isTold || draw === undefined || seal === undefined) return;
    this.#isTold = true;
    const said = { bets: draw.bets, winners: winnersInAll(draw), seal: seal.sha256 };
    if (startedAt === undefined) emit({ event: 'draw-followed', ...said });
    else emit({ event: 'draw-held', ...said, durationMs: now() - startedAt });
    this.#parts.onHeld();
  }

  #fail(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#failure.resolve(new Error(`the bets cannot be read for the draw, ${why}`, { cause: error }));
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof StoreError) return error.code !== 'failed' && error.code !== 'unusable';
  return isPassing(error);
}
