// Every check of the project, one after the other: format, lint, types, unused code, then the tests. The last line counts
// them all and is what an automatic reader looks for. Arguments are handed to vitest (a file, `-t name`) and skip the
// other checks.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = name => join(root, 'node_modules', name);
const selection = process.argv.slice(2);

const CHECKS = [
  ['format', [bin('@biomejs/biome/bin/biome'), 'format', '.']],
  ['lint', [bin('oxlint/bin/oxlint'), '--type-aware', '--deny-warnings']],
  ['types', [bin('typescript/bin/tsc'), '--noEmit']],
  ['unused code and dependencies', [bin('knip/bin/knip.js')]],
];

const counts = { passed: 0, failed: 0, skipped: 0 };

if (selection.length === 0) {
  for (const [name, command] of CHECKS) runCheck(name, command);
}
runTests();
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);

function runCheck(name, command) {
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  console.log(`${status === 0 ? '✓' : '✗'} ${name}`);
  counts[status === 0 ? 'passed' : 'failed'] += 1;
}

function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'loteria-test-'));
  const results = join(folder, 'results.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  const vitest = [bin('vitest/vitest.mjs'), 'run', ...reporters, ...selection];
  const { status } = spawnSync(process.execPath, vitest, { cwd: root, stdio: 'inherit' });
  try {
    const report = JSON.parse(readFileSync(results, 'utf8'));
    counts.passed += report.numPassedTests;
    counts.failed += report.numFailedTests + brokenFiles(report);
    counts.skipped += report.numPendingTests + report.numTodoTests;
    for (const { fullName } of skippedTests(report)) console.log(`skipped: ${fullName}`);
  } catch {
    counts.failed += 1;
  }
  // An error outside every test, say a promise that nobody looked at, fails the run too.
  if (status !== 0 && counts.failed === 0) counts.failed += 1;
  rmSync(folder, { recursive: true });
}

/** Files that could not even be loaded count as one failure each. */
function brokenFiles(report) {
  return report.testResults.filter(file => file.status === 'failed' && file.assertionResults.length === 0)
    .length;
}

function skippedTests(report) {
  return report.testResults
    .flatMap(file => file.assertionResults)
    .filter(test => test.status === 'skipped' || test.status === 'pending');
}
