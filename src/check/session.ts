import { SeededRandom } from '../dataset/random.ts';
import type { Check } from './check.ts';
import type { Exercise } from './exercise.ts';
import { type Finding, type Judgement, NotCheckable, type Text, type Verdict } from './finding.ts';
import { lastLines } from './judge.ts';
import type { Lab, Seen } from './lab.ts';
import { patience } from './patience.ts';
import { type Lottery, type Runner, type Stage, StartFailed } from './runner.ts';
import type { Subject } from './subject.ts';

/** Repetitions of a failed trial, with the same seed. */
const REPEATS = 2;
/** A trial that fails after a longer time is repeated only once. */
const LONG_TRIAL_MS = 15_000;

export interface SessionOptions {
  readonly subject: Subject;
  readonly runner: Runner;
  readonly seed: number;
  readonly checks: readonly Check[];
  /** The user's selection. */
  readonly isWanted: (check: Check, exercise: Exercise) => boolean;
  readonly signal: AbortSignal;
  /** The command that repeats a check of an exercise. */
  readonly commandOf: (check: Check, exercise: Exercise) => string;
  readonly progress: SessionProgress;
}

interface SessionProgress {
  exercise(exercise: Exercise): void;
  started(check: Check, exercise: Exercise): void;
  waiting(what: Text): void;
  found(finding: Finding): void;
}

/** Runs the selected checks of every exercise, one at a time. */
export async function checkSubject(options: SessionOptions): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const exercise of options.subject.exercises) {
    const wanted = options.checks.filter(
      check => check.exercises.includes(exercise) && options.isWanted(check, exercise),
    );
    if (wanted.length === 0) continue;
    options.progress.exercise(exercise);
    const stage = await prepare(options, exercise);
    const exerciseRun = new ExerciseRun(options, exercise, stage);
    try {
      for (const check of wanted) {
        options.signal.throwIfAborted();
        options.progress.started(check, exercise);
        const finding = await exerciseRun.make(check);
        findings.push(finding);
        options.progress.found(finding);
      }
    } finally {
      await exerciseRun.close();
    }
  }
  return findings;
}

/** The stage, or the reason why there is none. */
async function prepare(
  { subject, runner }: SessionOptions,
  exercise: Exercise,
): Promise<Stage | NotCheckable> {
  try {
    return await runner.prepare(exercise, await subject.copy(exercise));
  } catch (error) {
    if (error instanceof NotCheckable) return error;
    throw error;
  }
}

/** The checks of one exercise. */
class ExerciseRun {
  readonly #options: SessionOptions;
  readonly #exercise: Exercise;
  readonly #stage: Stage | NotCheckable;
  readonly #shared = new Map<string, Promise<unknown>>();
  readonly #sharedLotteries: Lottery[] = [];
  readonly #seen: Seen = { losesRows: false, longestPauseMs: 0 };
  /** Found by one trial; makes all later ones `not-checkable`. */
  #obstacle: Text | undefined;
  /** Whether the programs of a lottery have started. */
  #hasStarted = false;

  constructor(options: SessionOptions, exercise: Exercise, stage: Stage | NotCheckable) {
    this.#options = options;
    this.#exercise = exercise;
    this.#stage = stage;
  }

  async make(check: Check): Promise<Finding> {
    const startedAtMs = performance.now();
    const { judgement: judged, failed, made } = await this.#judge(check);
    const { hidesOthers, ...judgement } = judged;
    if (hidesOthers !== undefined) this.#obstacle ??= seeCheck(hidesOthers, check);
    return {
      ...judgement,
      check: check.id,
      exercise: this.#exercise,
      title: check.title,
      why: check.why,
      seed: this.#options.seed,
      command: this.#options.commandOf(check, this.#exercise),
      durationMs: Math.round(performance.now() - startedAtMs),
      trials: { failed, made },
    };
  }

  async close(): Promise<void> {
    for (const lottery of this.#sharedLotteries) await lottery.close();
  }

  /** Runs trials until one fails, and repeats that one. */
  async #judge(check: Check): Promise<{ judgement: Judgement; failed: number; made: number }> {
    const { kind } = this.#options.runner;
    if (check.needs !== undefined && check.needs !== kind) {
      return { judgement: notCheckable(needs(check.needs)), failed: 0, made: 0 };
    }
    if (this.#stage instanceof NotCheckable) {
      return { judgement: notCheckable(this.#stage.reason), failed: 0, made: 0 };
    }
    const trials = check.trials ?? 1;
    let judgement: Judgement = { verdict: 'ok' };
    for (let trial = 0; trial < trials; trial += 1) {
      const startedAtMs = performance.now();
      const next = await this.#trial(check, this.#stage, trial, false);
      if (next.verdict === 'fail') {
        const isLong = performance.now() - startedAtMs > LONG_TRIAL_MS;
        return this.#repeat(check, this.#stage, trial, {
          first: next,
          repeats: isLong ? 1 : REPEATS,
        });
      }
      if (RANK[next.verdict] > RANK[judgement.verdict]) judgement = next;
      if (next.verdict === 'not-checkable') break;
    }
    return { judgement, failed: 0, made: trials };
  }

  async #repeat(
    check: Check,
    stage: Stage,
    trial: number,
    { first, repeats }: { readonly first: Judgement; readonly repeats: number },
  ): Promise<{ judgement: Judgement; failed: number; made: number }> {
    let failed = 1;
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      if ((await this.#trial(check, stage, trial, true)).verdict === 'fail') failed += 1;
    }
    return { judgement: first, failed, made: repeats + 1 };
  }

  async #trial(check: Check, stage: Stage, trial: number, isRepeat: boolean): Promise<Judgement> {
    const lotteries: Lottery[] = [];
    const limit = AbortSignal.timeout(Math.round(check.limitMs * patience()));
    const signal = AbortSignal.any([limit, this.#options.signal]);
    const lab = this.#labFor(stage, { trial, isRepeat, signal, lotteries });
    try {
      const judgement = await check.run(lab).catch((error: unknown) =>
        judgementOf(error, check, {
          isOver: limit.aborted && !this.#options.signal.aborted,
          hasStarted: this.#hasStarted,
        }),
      );
      const isOpened = lotteries.length + this.#sharedLotteries.length > 0;
      this.#hasStarted ||= isOpened && judgement.hidesOthers === undefined;
      const known = this.#obstacle;
      this.#obstacle ??= obstacleOf([...lotteries, ...this.#sharedLotteries]);
      // The program ran without its data, so the judgement has no base.
      return known === this.#obstacle ? judgement : notCheckable(this.#obstacle!);
    } finally {
      await Promise.all(lotteries.map(lottery => lottery.close()));
    }
  }

  #labFor(
    stage: Stage,
    {
      trial,
      isRepeat,
      signal,
      lotteries,
    }: {
      readonly trial: number;
      readonly isRepeat: boolean;
      readonly signal: AbortSignal;
      readonly lotteries: Lottery[];
    },
  ): Lab {
    // The same for every check of an exercise, so that checks can share a recording.
    const seed = (this.#options.seed + trial * 7919 + Number(this.#exercise.slice(2))) % 2 ** 32;
    const lab: Lab = {
      exercise: this.#exercise,
      stage,
      seed,
      trial,
      random: new SeededRandom(seed),
      seen: this.#seen,
      signal,
      say: what => this.#options.progress.waiting(what),
      open: async setup => {
        this.#throwIfHindered();
        const lottery = await stage.open(setup);
        lotteries.push(lottery);
        return lottery;
      },
      share: async (name, make) => {
        this.#throwIfHindered();
        if (isRepeat) return make(lab);
        const key = `${name} ${seed}`;
        const there = this.#shared.get(key);
        if (there !== undefined) return there as ReturnType<typeof make>;
        const owned = {
          ...lab,
          open: (setup: Parameters<Lab['open']>[0]) => this.#openShared(stage, setup),
        };
        const made = make(owned);
        this.#shared.set(key, made);
        made.catch(() => this.#shared.delete(key));
        return made;
      },
    };
    return lab;
  }

  #throwIfHindered(): void {
    if (this.#obstacle !== undefined) throw new NotCheckable(this.#obstacle);
  }

  async #openShared(stage: Stage, setup: Parameters<Stage['open']>[0]): Promise<Lottery> {
    const lottery = await stage.open(setup);
    this.#sharedLotteries.push(lottery);
    return lottery;
  }
}

const RANK: Readonly<Record<Verdict, number>> = { ok: 0, 'not-checkable': 1, advice: 2, fail: 3 };

const notCheckable = (reason: Text): Judgement => ({ verdict: 'not-checkable', reason });

const seeCheck = (why: Text, { id }: Check): Text => ({
  es: `${why.es}: ver ${id}`,
  en: `${why.en}: see ${id}`,
});

function obstacleOf(lotteries: readonly Lottery[]): Text | undefined {
  for (const lottery of lotteries) {
    const obstacle = lottery.obstacle?.();
    if (obstacle !== undefined) return obstacle;
  }
  return undefined;
}

const needs = (kind: 'docker' | 'native'): Text =>
  kind === 'docker'
    ? { es: 'hace falta Docker', en: 'Docker is needed' }
    : {
        es: 'solo se puede sin Docker (--how native)',
        en: 'only possible without Docker (--how native)',
      };

const notStarting = ({ service }: StartFailed): Text => ({
  es: `${service} no arranca`,
  en: `${service} does not start`,
});

function judgementOf(
  error: unknown,
  check: Check,
  { isOver, hasStarted }: { readonly isOver: boolean; readonly hasStarted: boolean },
): Judgement {
  if (error instanceof NotCheckable) return notCheckable(error.reason);
  if (error instanceof StartFailed) {
    return {
      verdict: 'fail',
      reason: {
        es: `${error.service} no arrancó: ${error.why.es}`,
        en: `${error.service} did not start: ${error.why.en}`,
      },
      hint: { es: 'mirá lo que escribió', en: 'look at what it wrote' },
      evidence: [lastLines({ name: error.service, lines: error.lines })],
      ...(!hasStarted && { hidesOthers: notStarting(error) }),
    };
  }
  if (!isOver) throw error;
  const seconds = Math.round(check.limitMs / 1000);
  return {
    verdict: 'fail',
    reason: {
      es: `el chequeo no terminó en ${seconds} segundos`,
      en: `the check did not end within ${seconds} seconds`,
    },
  };
}
