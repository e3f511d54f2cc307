import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { isTransient } from '../files/system-error.ts';
import { type BetsDigest, closeActa } from '../lottery/acta.ts';
import type { Bet } from '../lottery/bet.ts';
import { type Draw, holdDraw, winnersInAll } from '../lottery/draw.ts';
import type { Acta } from '../lottery/fact.ts';
import type { Lottery } from '../lottery/lottery.ts';
import type { CentralEvent, Emit } from '../observe/events.ts';
import type { DrawWait } from '../observe/status.ts';
import { type Store, StoreError } from '../store/store.ts';

/** Before a rejected close or draw is retried, in milliseconds. */
const RETRY_MS = 1000;

/** Between two checks whether the draw may follow the close, in milliseconds. */
const LOOK_MS = 250;

/** Before another server's draw is taken over, in milliseconds. */
const TAKE_OVER_MS = 2000;

/** The documents of close and draw, and the conditions of the draw. */
export interface Actas {
  /** Pause between close and draw, in milliseconds. */
  readonly holdMs: number;
  /** Required before the draw, where configured. */
  readonly signature?: ActaSignature | undefined;
  /** Writes the documents. Fulfilled with the first one that could not be written. */
  write(lottery: Lottery): Promise<{ readonly file: string; readonly error: string } | undefined>;
}

/** The detached signature of an acta, in a file supplied by the auditor. */
interface ActaSignature {
  /** Path of the file. */
  readonly file: string;
  /** Verifies the file. Gives each `error` once. */
  check(
    lottery: Lottery,
  ): Promise<{ readonly isValid: boolean; readonly error?: string | undefined }>;
}

export interface DrawHolderParts {
  /** Holds every fact of the store; the store applies later ones. */
  readonly lottery: Lottery;
  readonly store: Store;
  readonly hasWon: (bet: Bet) => boolean;
  /** Without, no documents are written and the draw waits for nothing. */
  readonly actas?: Actas | undefined;
  readonly emit: Emit<CentralEvent>;
  /** Called after the draw is logged. */
  readonly onHeld: () => void;
  /** Monotonic clock, in milliseconds. */
  readonly now: () => number;
}

/**
 * Closes the lottery when every expected agency has finished, and holds the draw when its
 * conditions are met. Several servers on one log may do so at the same time; the first one in the
 * log counts.
 *
 *     complete ── digest, acta ──▶ closed ── CLOSE_HOLD, signature ──▶ bets, winners ──▶ drawn
 */
export class DrawHolder {
  /** Fulfilled with the error for which the draw cannot be held. */
  readonly failure: Promise<Error>;
  readonly #parts: DrawHolderParts;
  readonly #failure = Promise.withResolvers<Error>();
  readonly #closing = new AbortController();
  #holding: Promise<void> | undefined;
  #takeOver: NodeJS.Timeout | undefined;
  /** As logged last. */
  #waitsFor: DrawWait | undefined;
  /** Computed from the bets of an acta; kept while the store rejects it. */
  #computed: { readonly acta: Acta; readonly draw: Draw; readonly startedAt: number } | undefined;
  /** Whether a draw of this server is appended and not settled: another one may count. */
  #isSealing = false;
  /** Whether the draw was logged. */
  #isLogged: boolean;
  /** Serializes the writes of documents. */
  #writing: Promise<unknown> = Promise.resolve();
  /** Of the last write that failed. */
  #writeError: string | undefined;
  #writeRetry: NodeJS.Timeout | undefined;

  constructor(parts: DrawHolderParts) {
    this.#parts = parts;
    this.failure = this.#failure.promise;
    this.#isLogged = parts.lottery.state === 'drawn';
  }

  /** The condition that the draw waits for after the close. */
  get waitsFor(): DrawWait | undefined {
    return this.#parts.lottery.state === 'closed' ? this.#waitsFor : undefined;
  }

  /** Starts the close and the draw of a complete or closed lottery, unless they run already. */
  hold(): void {
    const { state } = this.#parts.lottery;
    if ((state !== 'complete' && state !== 'closed') || this.#closing.signal.aborted) return;
    this.#holding ??= this.#hold().finally(() => {
      this.#holding = undefined;
    });
  }

  /** Does the same after `TAKE_OVER_MS`, unless another server has done it. */
  holdUnlessAnotherDoes(): void {
    clearTimeout(this.#takeOver);
    if (this.#holding !== undefined) return;
    this.#takeOver = setTimeout(() => this.hold(), TAKE_OVER_MS).unref();
  }

  /** The draw is durable, of this server or another one. */
  held(): void {
    if (!this.#isSealing) this.#log();
  }

  /** Writes the documents of the lottery, and retries until it succeeds. */
  async writeActas(): Promise<void> {
    const { actas, lottery, emit } = this.#parts;
    this.#writing = this.#writing.then(async () => {
      const trouble = await actas?.write(lottery);
      if (trouble !== undefined && trouble.error !== this.#writeError)
        emit({ event: 'store-warning', file: trouble.file, warning: trouble.error });
      this.#writeError = trouble?.error;
      if (trouble === undefined || this.#closing.signal.aborted) return;
      clearTimeout(this.#writeRetry);
      this.#writeRetry = setTimeout(() => void this.writeActas(), RETRY_MS).unref();
    });
    await this.#writing;
  }

  /** Waits for a running draw. */
  async close(): Promise<void> {
    clearTimeout(this.#takeOver);
    clearTimeout(this.#writeRetry);
    this.#closing.abort();
    await this.#holding;
    await this.#writing;
  }

  /** Runs after the last bet of the last agency is durable; no bet can follow. */
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
        if (!mayRetry(error)) {
          this.#fail(error);
          return;
        }
        const { code, message } = error as StoreError | NodeJS.ErrnoException;
        // Disk full: keep the computed draw and retry the write.
        if (code !== 'full') this.#computed = undefined;
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
    // Another server may have closed it, or an operator intervened.
    if (lottery.applied !== applied) return;
    const bets = lottery.agencies.map(agency => [agency, lottery.bets.get(agency) ?? 0] as const);
    const number = lottery.withdrawnActas.length + 1;
    const { interventions: byHand } = lottery;
    const time = new Date().toISOString();
    const acta = closeActa({ lottery: store.lottery, number, time, digest, bets, byHand });
    await store.note({ kind: 'closed', acta });
    // Before the draw looks for a signature of it.
    await this.#writing;
  }

  /** Whether the conditions of the draw are met. */
  async #mayDraw(acta: Acta): Promise<boolean> {
    const { actas, lottery, emit } = this.#parts;
    if (actas === undefined) return true;
    const { holdMs, signature } = actas;
    const until = Date.parse(acta.time) + holdMs;
    // Restores a changed or deleted document: the auditor signs the one in the log.
    if (this.#waitsFor !== undefined) await this.writeActas();
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
    if (this.#computed?.acta !== acta) {
      const startedAt = now();
      const draw = await holdDraw(store.bets(), hasWon);
      this.#expectAll(draw, await store.digest(), acta);
      this.#computed = { acta, draw, startedAt };
    }
    // Another server may have held the draw, or the acta was withdrawn.
    if (lottery.acta !== acta || lottery.state !== 'closed') return;
    await this.#seal(this.#computed, acta);
  }

  /** The bets read must be those acknowledged, and those of the acta. */
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
    assert(!this.#isSealing, 'one draw is appended at a time');
    assert(lottery.acta === acta, 'the draw is of the acta in force');
    this.#isSealing = true;
    try {
      await store.note({
        kind: 'drawn',
        draw,
        seal: { bytes, sha256, time: new Date().toISOString() },
      });
      this.#log(startedAt);
    } finally {
      this.#isSealing = false;
      // The draw of another server came first.
      if (lottery.state === 'drawn') this.#log();
    }
  }

  /** Logs the draw once. @param startedAt where this server has held it */
  #log(startedAt?: number): void {
    const { lottery, emit, now } = this.#parts;
    const { draw, seal } = lottery;
    if (this.#isLogged || draw === undefined || seal === undefined) return;
    this.#isLogged = true;
    const logged = { bets: draw.bets, winners: winnersInAll(draw), seal: seal.sha256 };
    if (startedAt === undefined) emit({ event: 'draw-followed', ...logged });
    else emit({ event: 'draw-held', ...logged, durationMs: now() - startedAt });
    this.#parts.onHeld();
  }

  #fail(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#failure.resolve(
      new Error(`the bets cannot be read for the draw, ${why}`, { cause: error }),
    );
  }
}

function mayRetry(error: unknown): boolean {
  if (error instanceof StoreError) return error.code !== 'failed' && error.code !== 'unusable';
  return isTransient(error);
}
