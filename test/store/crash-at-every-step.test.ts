import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import { describeStep, systemError } from './faulty-files.ts';
import {
  beginningOf,
  emptyFolder,
  foreignBets,
  formerProcess,
  Life,
  type Moment,
  type Rule,
  type Script,
  Violation,
} from './scripted-run.ts';
import type { Crash } from './simulated-disk.ts';

/** The same seed repeats the same crashes. */
const SEED = Number(process.env['CRASH_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));

/** Thousands of runs, of about a millisecond each on an idle machine. */
const TIMEOUT_MS = 120_000;

const SCRIPTS: [string, () => Script | Promise<Script>][] = [
  ['an empty folder', emptyFolder],
  ['a folder with a foreign bets.csv', foreignBets],
  ['a folder left by an earlier process', formerProcess],
];

/** Outcomes of unsynced steps: the extremes, and random ones. */
const CRASHES: readonly Crash[] = [
  'kill',
  'lost',
  'kept',
  ...Array.from({ length: 4 }, () => 'torn' as const),
];

/** Creates the rule of each process. */
type Rules = (random: SeededRandom) => Rule;

/** Crashes a script at every step, and checks the following processes. */
class Exploration {
  crashes = 0;
  readonly #script: Script;
  readonly #random = new SeededRandom(SEED);
  readonly #rules: Rules | undefined;

  constructor(script: Script, rules?: Rules) {
    this.#script = script;
    this.#rules = rules;
  }

  /** @throws Violation */
  async explore(crashes: readonly Crash[]): Promise<void> {
    const { moments } = await this.#live(beginningOf(this.#script), 'never cut off');
    for (const moment of moments) {
      for (const crash of crashes) await this.#crashTwice(moment, crash);
    }
  }

  async #crashTwice(moment: Moment, crash: Crash): Promise<void> {
    const random = this.#random;
    const where = `${crash} ${moment.step}`;
    const second = await this.#crash(moment, crash, where);
    const again: [Moment, Crash][] = [
      // Facts read after a kill must survive a power loss.
      [second.moments[second.opened]!, 'lost'],
      [random.pick(second.moments.slice(0, second.opened)), random.pick(['kill', 'torn'])],
      [random.pick(second.moments), random.pick(['kill', 'lost', 'torn'])],
    ];
    for (const [next, crashed] of again) {
      await this.#crash(next, crashed, `${where}, then ${crashed} ${next.step}`);
    }
  }

  #crash(moment: Moment, crash: Crash, where: string): Promise<Life> {
    this.crashes += 1;
    return this.#live({ ...moment, disk: moment.disk.after(crash, this.#random) }, where);
  }

  async #live(from: Moment, where: string): Promise<Life> {
    const random = this.#random;
    const life = new Life(this.#script, from, { random, rule: this.#rules?.(random) });
    await explained(() => life.live(), where);
    return life;
  }
}

/** Adds the step of the crash to a violation. */
async function explained<Result>(act: () => Promise<Result>, where: string): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw new Violation(`${where} (CRASH_SEED=${SEED}): ${String(error)}`, { cause: error });
  }
}

describe(`CsvStore after a crash at any step (CRASH_SEED=${SEED})`, {
  timeout: TIMEOUT_MS,
}, () => {
  test.each(SCRIPTS)(
    'keeps its guarantees in %s, after kill or power loss, even twice',
    async (_, make) => {
      const exploration = new Exploration(await make());
      await exploration.explore(CRASHES);
      expect(exploration.crashes).toBeGreaterThan(500);
    },
  );

  test('keeps its guarantees when every write is short', async () => {
    const shortWrites: Rules = random => step =>
      step.kind === 'write' ? { bytes: random.between(1, step.bytes.length) } : undefined;
    const exploration = new Exploration(await formerProcess(), shortWrites);
    await exploration.explore(['kill', 'torn']);
    expect(exploration.crashes).toBeGreaterThan(200);
  });
});

describe(`CsvStore with a failing step (CRASH_SEED=${SEED})`, { timeout: TIMEOUT_MS }, () => {
  test.each(SCRIPTS)('keeps its guarantees in %s, whichever step fails', async (_, make) => {
    const script = await make();
    const random = new SeededRandom(SEED);
    for (const code of ['EIO', 'ENOSPC']) {
      let goneOn = 0;
      for (let failing = 0; ; failing += 1) {
        let steps = 0;
        let failed = '';
        const rule: Rule = step => {
          if (steps++ < failing || failed !== '') return undefined;
          const bytes = step.kind === 'write' ? random.between(0, step.bytes.length - 1) : 0;
          // A partial write, which fails for the rest.
          if (bytes > 0) return { bytes };
          failed = `${code} at ${describeStep(step)}`;
          return { bytes, error: systemError(code, step.kind) };
        };
        const life = new Life(script, beginningOf(script), { random, rule, mayFail: true });
        const wentOn = await explained(() => life.live(), `${code} at step ${failing}`);
        if (failed === '') break;
        if (wentOn) goneOn += 1;
        const ends: [Moment, Crash][] = [
          [life.moments.at(-1)!, 'kill'],
          [random.pick(life.moments), 'torn'],
        ];
        for (const [end, crash] of ends) {
          const next = new Life(
            script,
            { ...end, disk: end.disk.after(crash, random) },
            { random },
          );
          await explained(() => next.live(), `${failed}, then ${crash} ${end.step}`);
        }
      }
      // Only a full disk is temporary, and only for writes of an open store.
      if (code === 'EIO') expect(goneOn).toBe(0);
      else expect(goneOn).toBeGreaterThan(5);
    }
  });
});

/** Disks that report success and ignore a step. */
const LIARS: [string, Rules][] = [
  ['syncs bets.csv', () => step => ({ ignored: step.kind === 'sync' && step.file === 'bets.csv' })],
  [
    'syncs the journal',
    () => step => ({ ignored: step.kind === 'sync' && step.file === 'bets.journal' }),
  ],
  [
    'syncs a new journal before its rename',
    () => step => ({ ignored: step.kind === 'sync' && step.file === 'bets.journal.new' }),
  ],
  ['syncs the directory', () => step => ({ ignored: step.kind === 'sync directory' })],
  ['truncates unacknowledged bytes', () => step => ({ ignored: step.kind === 'truncate' })],
  [
    'syncs the writes of a killed process',
    () => {
      const written = new Set<string>();
      return step => {
        if (step.kind === 'open') written.delete(step.file);
        if (step.kind === 'write') written.add(step.file);
        return { ignored: step.kind === 'sync' && !written.has(step.file) };
      };
    },
  ],
];

describe('crash exploration', { timeout: TIMEOUT_MS }, () => {
  test.each(LIARS)('detects a disk that never %s', async (_, rules) => {
    const exploration = new Exploration(emptyFolder(), rules);
    await expect(exploration.explore(CRASHES)).rejects.toThrow(Violation);
  });
});
