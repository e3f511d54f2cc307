import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Verdict } from '../../src/check/finding.ts';
import { needsPython } from '../lottery/python.ts';
import { PROGRAM } from '../support/built-program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import type { Mutant } from './subjects/mutant.ts';
import { makeSubject, type Patch, type SubjectProgram } from './subjects/subject.ts';

/**
 * The table of faults against the verdicts of `loteria check`. By default the seed selects a few
 * mutants, each with the checks that must find it. `MATRIX=own` runs every mutant (every night),
 * `MATRIX=full` every check of every mutant, and `RUNS=5 SEED=1` the seeds 1 to 5.
 */

const MATRIX = process.env['MATRIX'];
export const IS_FULL = MATRIX === 'full';
const RUNS = Number(process.env['RUNS'] ?? 1);
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000));
export const SEEDS = Array.from({ length: RUNS }, (_, run) => SEED + run);

/** Checks of a correct solution by default; another one runs all checks. */
const FEW_CHECKS = ['outcome', 'privacy', 'sigterm'];

/** Time limit of all checks of a subject, on a busy machine. */
export const CHECK_LIMIT_MS = 900_000;

type How = 'native' | 'docker';

/** Average number of mutants per table in a default run. */
const SAMPLE_SIZES: Readonly<Record<How, number>> = { native: 1, docker: 0.5 };

interface Found {
  readonly check: string;
  readonly verdict: Verdict;
  readonly reason?: string;
}

/** A correct solution must pass every check. */
export function holdCorrect(program: SubjectProgram, how: How = 'native'): void {
  describe(`a correct solution in ${program}`, () => {
    const isAsked = MATRIX !== undefined || (program === 'python' && how === 'native');
    const only = isAsked ? undefined : FEW_CHECKS;
    test.for(SEEDS)(
      'passes loteria check with seed %i',
      { timeout: CHECK_LIMIT_MS },
      async (seed, context) => {
        if (how === 'native' && program === 'python') needsPython(context);
        expect(await checkVerdicts(subjectOf(program), { seed, only, how })).toEqual({});
      },
    );
  });
}

/** Each mutant must have exactly the verdicts of the table. */
export function holdMutants(
  program: SubjectProgram,
  mutants: readonly Mutant[],
  how: How = 'native',
): void {
  describe.each(MATRIX === undefined ? sampleOf(mutants, SAMPLE_SIZES[how]) : mutants)(
    `the mutant $name in ${program}`,
    ({ patches, expected, isOkInDocker = false, possible = [] }) => {
      const only = IS_FULL ? undefined : Object.keys(expected);
      test.for(SEEDS)(
        'is found with seed %i',
        { timeout: CHECK_LIMIT_MS },
        async (seed, context) => {
          if (how === 'native' && program === 'python') needsPython(context);
          const verdicts = await checkVerdicts(subjectOf(program, patches), { seed, only, how });
          const certain = Object.entries(verdicts).filter(([check]) => !possible.includes(check));
          expect(Object.fromEntries(certain)).toEqual(
            how === 'docker' && isOkInDocker ? {} : expected,
          );
        },
      );
    },
  );
}

/** A sample from all parts of the table: similar mutants are neighbours. */
function sampleOf(mutants: readonly Mutant[], size: number): readonly Mutant[] {
  const step = Math.ceil(mutants.length / size);
  return mutants.filter((_, index) => (index + SEED) % step === 0);
}

/** A repository that is removed when the test ends. */
function subjectOf(program: SubjectProgram, patches: readonly Patch[] = []): string {
  const subject = makeSubject(program, patches);
  onTestFinished(() => rmSync(subject, { recursive: true }));
  return subject;
}

interface CheckOptions {
  readonly seed: number;
  readonly only?: readonly string[] | undefined;
  readonly how?: How;
  readonly options?: readonly string[];
}

/** @returns the verdicts other than `ok`, by check */
export async function checkVerdicts(
  subject: string,
  { seed, only, how = 'native', options = [] }: CheckOptions,
): Promise<Readonly<Record<string, Verdict>>> {
  const json = join(await temporaryFolder(), 'report.json');
  const args = ['--how', how, '--seed', String(seed), '--json', json, ...options];
  if (only !== undefined) args.push('--only', only.join(','));
  const { code, stderr } = await runProgram(['check', subject, ...args]);
  expect(existsSync(json), stderr).toBe(true);
  const { findings } = JSON.parse(readFileSync(json, 'utf8')) as { findings: readonly Found[] };
  expect(findings.length).toBeGreaterThanOrEqual(only?.length ?? ALL_CHECKS_MIN);
  expect(code, stderr).toBe(exitCodeFor(findings.map(({ verdict }) => verdict)));
  const remarks = findings.filter(({ verdict }) => verdict !== 'ok');
  for (const { check, verdict, reason } of remarks) console.log(`${check} ${verdict}: ${reason}`);
  return Object.fromEntries(remarks.map(({ check, verdict }) => [check, verdict]));
}

export function exitCodeFor(verdicts: readonly Verdict[]): number {
  if (verdicts.includes('fail')) return 1;
  return verdicts.every(verdict => verdict === 'not-checkable') ? 2 : 0;
}

/** Number of checks of exercises 1 to 4. */
const ALL_CHECKS_MIN = 5;

async function runProgram(args: readonly string[]): Promise<{ code: unknown; stderr: string }> {
  try {
    const { stderr } = await promisify(execFile)(process.execPath, [PROGRAM, ...args]);
    return { code: 0, stderr };
  } catch (error) {
    return error as { code: unknown; stderr: string };
  }
}
