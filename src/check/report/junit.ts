import type { Exercise } from '../exercise.ts';
import type { Finding, Report } from '../finding.ts';
import { evidenceLines } from './evidence-text.ts';
import { byExercise, countVerdicts } from './summary.ts';
import { WORDS } from './words.ts';

/**
 * The report for CI systems: a suite per exercise, a test case per check. Valid for the schemas of
 * Ant and Jenkins. Ant allows at most one child per case, so advice is in the `system-out` of its
 * suite.
 */
export function formatJunit(report: Report): string {
  const suites = [...byExercise(report.findings)].map(([exercise, findings], index) =>
    formatSuite(report, exercise, findings, index),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('')}</testsuites>\n`;
}

function formatSuite(
  report: Report,
  exercise: Exercise,
  findings: readonly Finding[],
  index: number,
): string {
  const { fail, 'not-checkable': skipped } = countVerdicts(findings);
  const time = seconds(findings.reduce((sum, { durationMs }) => sum + durationMs, 0));
  const properties = Object.entries({
    ...report.environment,
    subject: report.subject,
    seed: String(report.seed),
  });
  const advice = findings
    .filter(({ verdict }) => verdict === 'advice')
    .map(finding => [`${finding.check}:`, ...details(finding, report)].join('\n'));
  return `  <testsuite${attributes({
    name: exercise,
    package: 'loteria.check',
    id: String(index),
    tests: String(findings.length),
    failures: String(fail),
    errors: '0',
    skipped: String(skipped),
    time,
    // The schema allows no time zone.
    timestamp: new Date(report.startedAt).toISOString().slice(0, 19),
    hostname: 'localhost',
  })}>
    <properties>
${properties.map(([name, value]) => `      <property${attributes({ name, value })}/>\n`).join('')}    </properties>
${findings.map(finding => formatCase(finding, report)).join('')}    <system-out>${escape(advice.join('\n\n'))}</system-out>
    <system-err></system-err>
  </testsuite>
`;
}

function formatCase(finding: Finding, report: Report): string {
  const message = finding.reason?.[report.language] ?? finding.title[report.language];
  const own = attributes({
    name: `${finding.check}: ${finding.title[report.language]}`,
    classname: `loteria.check.${finding.exercise}`,
    time: seconds(finding.durationMs),
  });
  switch (finding.verdict) {
    case 'ok':
    case 'advice':
      return `    <testcase${own}/>\n`;
    case 'not-checkable':
      return `    <testcase${own}>\n      <skipped${attributes({ message })}/>\n    </testcase>\n`;
    case 'fail':
      return `    <testcase${own}>
      <failure${attributes({ type: finding.check, message })}>${escape(details(finding, report).join('\n'))}</failure>
    </testcase>
`;
  }
}

/** A finding as text, with its evidence. */
function details(finding: Finding, { language }: Report): string[] {
  const { reason, hint, why, command, evidence = [] } = finding;
  const words = WORDS[language];
  return [
    reason?.[language] ?? '',
    ...(hint === undefined ? [] : [`${words.hint}: ${hint[language]}`]),
    `${words.why}: ${why[language]}`,
    ...evidence.flatMap(each => ['', ...evidenceLines(each, language)]),
    '',
    `${words.repeat}: ${command}`,
  ];
}

const seconds = (ms: number): string => (ms / 1000).toFixed(3);

const attributes = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${escape(value)}"`)
    .join('');

/** XML 1.0 allows most control characters not even escaped. */
function escape(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '·')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}
