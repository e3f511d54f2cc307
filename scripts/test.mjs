// Every check of the project, one after the other: format, lint, types, unused code, then the tests. The last line counts
// them all and is what an automatic reader looks for. Arguments are handed to vitest (a file, `-t name`) and skip the
// other checks.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = name => join(root, 'node_modules', name);
const selection = process.argv.slice(2);

const CHECKS = [
  ['format', [bin('@biomejs/biome/bin/biome'), 'format', '.']],
  ['lint', [bin('oxlint/bin/oxlint'), '--type-aware', '--deny-warnings']],
  ['types', [bin('typescript/bin/tsc'), '--noEmit']],
  ['types of the page', [bin('typescript/bin/tsc'), '--noEmit', '-p', 'web']],
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
  const countsFile = join(folder, 'counts.json');
  const reporters = ['--reporter=default', `--reporter=${join(import.meta.dirname, 'count-reporter.mjs')}`];
  const vitest = [bin('vitest/vitest.mjs'), 'run', ...reporters, ...selection];
  const env = { ...process.env, COUNTS_FILE: countsFile };
  const { status } = spawnSync(process.execPath, vitest, { cwd: root, stdio: 'inherit', env });
  const failedBefore = counts.failed;
  if (existsSync(countsFile)) {
    for (const [state, count] of Object.entries(JSON.parse(readFileSync(countsFile, 'utf8'))))
      counts[state] += count;
  }
  // Whatever else made vitest unhappy, no test file among them, is a failure.
  if (status !== 0 && counts.failed === failedBefore) counts.failed += 1;
  rmSync(folder, { recursive: true });
}
