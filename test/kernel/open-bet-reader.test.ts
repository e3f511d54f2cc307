import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openBetReader } from '../../src/kernel/open-bet-reader.ts';
import { WasmBetReader } from '../../src/kernel/wasm-bet-reader.ts';

const BUILT = join(import.meta.dirname, '../../dist/kernel');

/** What a Node with these flags opens, and what that reads. */
function opened(...flags: string[]): string {
  const script = `
    import { openBetReader } from '${BUILT}/open-bet-reader.js';
    const reader = openBetReader();
    const { rows } = reader.readBatch(Buffer.from('1|Ana|Paz|007|2000-02-29|0042'), 5);
    process.stdout.write(reader.constructor.name + ' ' + Buffer.from(rows));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  return stdout + stderr;
}

const ROW = '5,Ana,Paz,007,2000-02-29,42\r\n';

describe('the reader of a central', () => {
  test('is the fast one where it can run', () => {
    expect(openBetReader()).toBeInstanceOf(WasmBetReader);
    expect(opened()).toBe(`WasmBetReader ${ROW}`);
  });

  test.each([
    ['there is no WebAssembly', '--jitless'],
    ['there is no room for its memory', '--wasm-max-mem-pages=10'],
  ])('is the plain one where %s', (_why, flag) => {
    expect(opened(flag)).toBe(`PlainBetReader ${ROW}`);
  });

  test.skipIf(process.arch !== 'x64')('is the plain one where the processor has no vectors', () => {
    expect(opened('--no-enable-sse4-1')).toBe(`PlainBetReader ${ROW}`);
  });
});
