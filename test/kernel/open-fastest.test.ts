import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openBetReader } from '../../src/kernel/open-bet-reader.ts';
import { openRowScanner } from '../../src/kernel/open-row-scanner.ts';
import { WasmBetReader } from '../../src/kernel/wasm-bet-reader.ts';
import { WasmRowScanner } from '../../src/kernel/wasm-row-scanner.ts';

const BUILT = join(import.meta.dirname, '../../dist/kernel');

const READ_A_BATCH = `
  import { openBetReader } from '${BUILT}/open-bet-reader.js';
  const reader = openBetReader();
  const { rows } = reader.readBatch(Buffer.from('1|Ana|Paz|007|2000-02-29|0042'), 5);
  process.stdout.write(reader.constructor.name + ' ' + Buffer.from(rows));
`;

const SCAN_A_ROW = `
  import { openRowScanner } from '${BUILT}/open-row-scanner.js';
  const scanner = openRowScanner();
  scanner.load(Buffer.from('5,Ana,Paz,007,2000-02-29,42\\r\\n'));
  const rows = scanner.scan(0);
  process.stdout.write(scanner.constructor.name + ' ' + rows + ' ' + scanner.found.subarray(0, 4));
`;

/** What a script prints in a Node with these flags. */
function run(script: string, ...flags: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  return stdout + stderr;
}

test('a machine that can run it opens the fast reader, and the fast scanner', () => {
  expect(openBetReader()).toBeInstanceOf(WasmBetReader);
  expect(openRowScanner()).toBeInstanceOf(WasmRowScanner);
});

describe.each([
  ['the reader of a central', READ_A_BATCH, 'BetReader 5,Ana,Paz,007,2000-02-29,42\r\n'],
  ['the scanner of a store', SCAN_A_ROW, 'RowScanner 1 0,5,42,29'],
])('%s', (_what, script, result) => {
  test('is the fast one where it can run', () => {
    expect(run(script)).toBe(`Wasm${result}`);
  });

  test.each([
    ['there is no WebAssembly', '--jitless'],
    ['there is no room for its memory', '--wasm-max-mem-pages=1'],
  ])('is the plain one where %s', (_why, flag) => {
    expect(run(script, flag)).toBe(`Plain${result}`);
  });

  test.skipIf(process.arch !== 'x64')('is the plain one where the processor has no vectors', () => {
    expect(run(script, '--no-enable-sse4-1')).toBe(`Plain${result}`);
  });
});
