import type { Report, Text } from '../finding.ts';
import { countVerdicts } from './summary.ts';

/**
 * The report for scripts: the fields of `Report` with texts in its language, and `summary`, the
 * number of findings by verdict. `version` changes when a field changes its meaning or is removed.
 */
export function formatJson(report: Report): string {
  const inLanguage = (_key: string, value: unknown): unknown =>
    isText(value) ? value[report.language] : value;
  const { findings, ...rest } = report;
  return `${JSON.stringify({ ...rest, summary: countVerdicts(findings), findings }, inLanguage, 2)}\n`;
}

function isText(value: unknown): value is Text {
  return typeof value === 'object' && value !== null && 'es' in value && 'en' in value;
}
