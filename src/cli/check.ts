import { access, constants, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, release, type } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Check } from '../check/check.ts';
import { CHECKS } from '../check/checks.ts';
import { EXERCISES, type Exercise } from '../check/exercise.ts';
import { type Language, NotCheckable, type Report } from '../check/finding.ts';
import { formatHtml } from '../check/report/html.ts';
import { formatJson } from '../check/report/json.ts';
import { formatJunit } from '../check/report/junit.ts';
import { formatFinding, formatSummary, ProgressLine } from '../check/report/terminal.ts';
import type { Runner } from '../check/runner.ts';
import { DockerRunner } from '../check/runners/docker.ts';
import { NativeRunner } from '../check/runners/native.ts';
import { checkSubject } from '../check/session.ts';
import { makeScratch, Subject } from '../check/subject.ts';
import { ConfigError } from '../config/errors.ts';
import { unwritable } from '../config/files.ts';
import { inheritedEnvironment, wholeEnvironment } from '../config/inherited-environment.ts';
import { shellWord } from '../files/shell-word.ts';
import { EXIT } from './exit-codes.ts';
import { complain, say } from './output.ts';
import { abortOnSignal } from './signals.ts';
import { VERSION } from './version.ts';

export interface CheckOptions {
  readonly only?: string;
  readonly seed?: number;
  readonly how?: 'native' | 'docker';
  readonly server?: string;
  readonly client?: string;
  readonly json?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly list?: boolean;
}

const SEED_MAX = 2 ** 31;

/** `loteria check`: black-box checks of a solution. */
export async function check(path: string | undefined, options: CheckOptions): Promise<number> {
  const language = languageOf(inheritedEnvironment());
  if (options.list) return list(language);
  if (path === undefined) throw new ConfigError('the folder of a repository is missing');
  const isWanted = parseOnly(options.only);
  await requireReportFolders(options);
  const stopping = abortOnSignal();
  const scratch = await makeScratch();
  let runner: Runner | undefined;
  try {
    runner = await makeRunner(options, scratch, language);
    const report = await makeReport(path, options, {
      runner,
      scratch,
      language,
      isWanted,
      signal: stopping.signal,
    });
    await writeReports(report, options);
    const verdicts = report.findings.map(({ verdict }) => verdict);
    if (verdicts.every(verdict => verdict === 'not-checkable'))
      throw new NotCheckable({ es: 'no hay nada verificable', en: 'nothing is checkable' });
    return verdicts.includes('fail') ? EXIT.failed : EXIT.done;
  } catch (error) {
    if (stopping.signal.aborted) {
      complain('stopped');
      return stopping.exitCode;
    }
    if (!(error instanceof NotCheckable)) throw error;
    complain(error.reason[language]);
    return EXIT.usage;
  } finally {
    await runner?.close();
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
    stopping.release();
  }
}

interface ReportParts {
  readonly runner: Runner;
  readonly scratch: string;
  readonly language: Language;
  readonly isWanted: (check: Check, exercise: Exercise) => boolean;
  readonly signal: AbortSignal;
}

async function makeReport(
  path: string,
  options: CheckOptions,
  { runner, scratch, language, isWanted, signal }: ReportParts,
): Promise<Report> {
  const subject = await Subject.open(path, scratch);
  const seed = options.seed ?? Math.floor(Math.random() * SEED_MAX);
  const look = { language, hasColor: process.stdout.isTTY && process.stdout.hasColors() };
  const progress = new ProgressLine(process.stderr, language);
  const started = new Date();
  const findings = await checkSubject({
    subject,
    runner,
    seed,
    checks: CHECKS,
    isWanted,
    signal,
    commandOf: ({ id }, exercise) =>
      commandOf(path, { ...options, how: runner.kind }, { seed, only: `${exercise}:${id}` }),
    progress: {
      exercise: exercise => say(exercise),
      started: ({ id }, exercise) => progress.begin(`${exercise} ${id}`),
      waiting: what => progress.waiting(what),
      found: finding => {
        progress.clear();
        say(formatFinding(finding, look));
      },
    },
  });
  if (findings.length === 0) throw nothingToCheck(options.only, subject.exercises);
  const report: Report = {
    version: 1,
    program: `loteria ${VERSION}`,
    subject: subject.path,
    language,
    seed,
    startedAt: started.toISOString(),
    durationMs: Date.now() - started.getTime(),
    environment: {
      runner: runner.kind,
      system: `${type()} ${release()}`,
      processors: String(availableParallelism()),
      node: process.version,
      ...runner.environment,
    },
    findings,
  };
  say(formatSummary(report, look));
  return report;
}

/** Nothing that `--only` names applies to these exercises: no success. */
function nothingToCheck(only = '', exercises: readonly Exercise[]): NotCheckable {
  const there = exercises.join(', ');
  return new NotCheckable({
    es: `--only ${only}: no hay nada que controlar, están ${there} (--list)`,
    en: `--only ${only}: nothing to check, there are ${there} (--list)`,
  });
}

/** Chooses Docker if it is available, unless native commands are given; prints the choice. */
async function makeRunner(
  { how, server, client }: CheckOptions,
  scratch: string,
  language: Language,
): Promise<Runner> {
  const isNative = how === 'native' || (how === undefined && (server ?? client) !== undefined);
  if (!isNative) {
    try {
      const runner = await DockerRunner.create({ scratch, environment: wholeEnvironment() });
      say({ es: 'con Docker', en: 'with Docker' }[language]);
      return runner;
    } catch (error) {
      if (how === 'docker' || !(error instanceof NotCheckable)) throw error;
      say(error.reason[language]);
    }
  }
  say({ es: 'sin Docker (--how native)', en: 'without Docker (--how native)' }[language]);
  return new NativeRunner({ scratch, server, client, inherited: inheritedEnvironment() });
}

/**
 * Checks the report files before the run, which takes minutes.
 *
 * @throws ConfigError
 */
async function requireReportFolders({ json, junit, html }: CheckOptions): Promise<void> {
  for (const path of [json, junit, html]) {
    if (path === undefined) continue;
    try {
      const there = await stat(path).catch(() => undefined);
      if (there?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
      await access(there ? path : `${dirname(path)}/.`, constants.W_OK);
    } catch (error) {
      throw unwritable(path, error);
    }
  }
}

async function writeReports(report: Report, { json, junit, html }: CheckOptions): Promise<void> {
  if (json !== undefined) await writeFile(json, formatJson(report));
  if (junit !== undefined) await writeFile(junit, formatJunit(report));
  if (html !== undefined) await writeFile(html, formatHtml(report));
}

function list(language: Language): number {
  for (const { id, exercises, title, why } of CHECKS) {
    say(`${id}  (${exercises.join(', ')})\n    ${title[language]}\n    ${why[language]}`);
  }
  return EXIT.done;
}

/** Parses a list of `ej6`, `privacy` or `ej8:privacy`. */
function parseOnly(only: string | undefined): (check: Check, exercise: Exercise) => boolean {
  if (only === undefined) return () => true;
  const wanted = only.split(',').map(item => item.trim());
  const exercises: readonly string[] = EXERCISES;
  const known = new Set([...exercises, ...CHECKS.map(({ id }) => id)]);
  for (const part of wanted.flatMap(item => item.split(':'))) {
    if (!known.has(part))
      throw new ConfigError(`--only: '${part}' is no exercise and no check (--list)`);
  }
  return ({ id }, exercise) =>
    [exercise, id, `${exercise}:${id}`].some(name => wanted.includes(name));
}

function commandOf(
  path: string,
  { how, server, client }: CheckOptions,
  { seed, only }: { readonly seed: number; readonly only: string },
): string {
  const given = Object.entries({ how, server, client }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, shellWord(value)],
  );
  return ['loteria check', shellWord(resolve(path)), '--seed', seed, '--only', only, ...given].join(
    ' ',
  );
}

/** POSIX: the first variable that is set and not empty. */
const languageOf = ({ LC_ALL, LANG }: Record<string, string>): Language =>
  (LC_ALL || LANG || '').startsWith('es') ? 'es' : 'en';
