import type { Finding, Language, Report, Text, Verdict } from '../finding.ts';
import { evidenceLines } from './evidence-text.ts';
import { byExercise, countVerdicts } from './summary.ts';
import { VERDICTS, WORDS } from './words.ts';

const SYMBOLS: Readonly<Record<Verdict, string>> = {
  ok: '✓',
  advice: '!',
  fail: '✗',
  'not-checkable': '–',
};

/** Terminal colors: green, yellow, red and grey. */
const COLORS: Readonly<Record<Verdict, number>> = {
  ok: 32,
  advice: 33,
  fail: 31,
  'not-checkable': 90,
};

interface Look {
  readonly language: Language;
  readonly hasColor: boolean;
}

/** Prints a finding: a line, and unless it is `ok` its reason, hint and evidence. */
export function formatFinding(finding: Finding, { language, hasColor }: Look): string {
  const words = WORDS[language];
  const verdict = paint(
    `${SYMBOLS[finding.verdict]} ${words.verdicts[finding.verdict]}`,
    finding.verdict,
    hasColor,
  );
  const head = `  ${verdict}  ${finding.check}: ${finding.title[language]}`;
  if (finding.verdict === 'ok') return head;
  const { reason, hint, trials } = finding;
  const isSometimes = trials.failed > 0 && trials.failed < trials.made;
  const lines = [
    ...(reason === undefined ? [] : [reason[language]]),
    ...(isSometimes ? [words.sometimes(trials.failed, trials.made)] : []),
    ...(hint === undefined ? [] : [`${words.hint}: ${hint[language]}`]),
    ...(finding.evidence ?? []).flatMap(evidence => evidenceLines(evidence, language)),
    ...(finding.verdict === 'not-checkable' ? [] : [`${words.repeat}: ${finding.command}`]),
  ];
  return [head, ...lines.map(line => `      ${line}`), ''].join('\n');
}

/** The last lines: the verdicts of each exercise, and their numbers. */
export function formatSummary(report: Report, { language, hasColor }: Look): string {
  const words = WORDS[language];
  const rows = [...byExercise(report.findings)].map(([exercise, findings]) => {
    const marks = findings
      .map(({ verdict }) => paint(SYMBOLS[verdict], verdict, hasColor))
      .join(' ');
    return `${exercise}  ${marks}`;
  });
  const counts = countVerdicts(report.findings);
  const totals = VERDICTS.filter(verdict => counts[verdict] > 0).map(verdict =>
    paint(words.counted[verdict](counts[verdict]), verdict, hasColor),
  );
  const seconds = (report.durationMs / 1000).toFixed(0);
  return [
    '',
    ...rows,
    '',
    `${totals.join(', ')}; ${seconds} s; ${words.seed.toLowerCase()} ${report.seed}`,
  ].join('\n');
}

const paint = (text: string, verdict: Verdict, hasColor: boolean): string =>
  hasColor ? `\u001b[${COLORS[verdict]}m${text}\u001b[0m` : text;

/** Progress in one line of a terminal, which the next one replaces; nothing elsewhere. */
export class ProgressLine {
  readonly #output: NodeJS.WriteStream;
  readonly #language: Language;
  #what = '';

  constructor(output: NodeJS.WriteStream, language: Language) {
    this.#output = output;
    this.#language = language;
  }

  begin(what: string): void {
    this.#what = what;
    this.#show(what);
  }

  waiting(text: Text): void {
    this.#show(`${this.#what}: ${text[this.#language]}`);
  }

  clear(): void {
    this.#show('');
  }

  #show(text: string): void {
    if (!this.#output.isTTY) return;
    this.#output.write(`\r\u001b[K${text.slice(0, this.#output.columns - 1)}`);
  }
}
