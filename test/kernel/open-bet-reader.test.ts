import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openBetReader } from '../../src/kernel/open-bet-reader.ts';
import { WasmBetReader } from '../../src/kernel/wasm-bet-reader.ts';

const BUILT = join(import.meta.dirname, '../../dist/kernel');

const READ_A_BATCH = `
  import { openBetReader } from '${BUILT}/open-bet-reader.js';
  const reader = openBetReader();
  const { rows } = reader.readBatch(Buffer.from('1|Ana|Paz|007|2000-02-29|0042'), 5);
  process.stdout.write(reader.constructor.name + ' ' + Buffer.from(rows));
`;

const RESULT = 'BetReader 5,Ana,Paz,007,2000-02-29,42\r\n';

/** Output of a script in a Node with these flags. */
function run(script: string, ...flags: string[]): string {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, '--input-type=module', '-e', script],
    {
      encoding: 'utf8',
    },
  );
  return stdout + stderr;
}

describe('openBetReader', () => {
  test('opens the WebAssembly reader where it can run', () => {
    expect(openBetReader()).toBeInstanceOf(WasmBetReader);
    expect(run(READ_A_BATCH)).toBe(`Wasm${RESULT}`);
  });

  test.each([
    ['there is no WebAssembly', '--jitless'],
    ['there is no room for its memory', '--wasm-max-mem-pages=1'],
  ])('opens the plain reader where %s', (_why, flag) => {
    expect(run(READ_A_BATCH, flag)).toBe(`Plain${RESULT}`);
  });

  test.skipIf(process.arch !== 'x64')(
    'opens the plain reader where the processor has no vectors',
    () => {
      expect(run(READ_A_BATCH, '--no-enable-sse4-1')).toBe(`Plain${RESULT}`);
    },
  );
});
