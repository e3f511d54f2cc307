// Runs every check of the project: format, lint, types, unused code, then the tests. The last line
// counts them all, for automatic readers. Arguments go to vitest (a file, `--project unit`, `-t
// name`) and skip the other checks.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
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

if (selection.length > 0) {
  await runTests(selection);
} else {
  for (const [name, command] of CHECKS) runCheck(name, command);
  // Tests with containers mostly wait, so they run beside the others. Tests that compare durations,
  // or depend on clocks, run last.
  await Promise.all([
    runTests(projects('unit', 'process', 'browser')),
    runTests(projects('docker'), { atTheEnd: true }),
  ]);
  await runTests(projects('hostile', 'cluster'));
}
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);

function projects(...names) {
  return names.flatMap(name => ['--project', name]);
}

function runCheck(name, command) {
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  console.log(`${status === 0 ? '✓' : '✗'} ${name}`);
  counts[status === 0 ? 'passed' : 'failed'] += 1;
}

/**
 * Runs vitest; `atTheEnd` shows its output when it has ended, not in between that of another run.
 */
async function runTests(args, { atTheEnd = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'loteria-test-'));
  const countsFile = join(folder, 'counts.json');
  const output = atTheEnd ? openSync(join(folder, 'output'), 'w+') : 'inherit';
  const reporters = [
    '--reporter=default',
    `--reporter=${join(import.meta.dirname, 'count-reporter.mjs')}`,
  ];
  const vitest = spawn(process.execPath, [bin('vitest/vitest.mjs'), 'run', ...reporters, ...args], {
    cwd: root,
    stdio: ['inherit', output, output],
    env: { ...process.env, COUNTS_FILE: countsFile },
  });
  const [status] = await once(vitest, 'close');
  if (atTheEnd) process.stdout.write(readFileSync(join(folder, 'output')));
  const failedBefore = counts.failed;
  if (existsSync(countsFile)) {
    for (const [state, count] of Object.entries(JSON.parse(readFileSync(countsFile, 'utf8'))))
      counts[state] += count;
  }
  // Any other error of vitest is a failure, such as no test file.
  if (status !== 0 && counts.failed === failedBefore) counts.failed += 1;
  rmSync(folder, { recursive: true });
}
