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
    import { RowGroups } from '${BUILT}/row-groups.js';
    const reader = openBetReader({ groups: 1, groupBytes: 4096 });
    const { rows } = reader.readBatch(Buffer.from('1|Ana|Paz|007|2000-02-29|0042'), 5);
    const group = new RowGroups(reader).take();
    group.append(Buffer.from('1|Eva|Gil|7|1999-03-17|7574'), 5);
    process.stdout.write(reader.constructor.name + ' ' + Buffer.from(rows) + Buffer.from(group.rows));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  return stdout + stderr;
}

const ROWS = '5,Ana,Paz,007,2000-02-29,42\r\n5,Eva,Gil,7,1999-03-17,7574\r\n';

describe('the reader of a central', () => {
  test('is the fast one where it can run', () => {
    expect(openBetReader()).toBeInstanceOf(WasmBetReader);
    expect(opened()).toBe(`WasmBetReader ${ROWS}`);
  });

  test.each([
    ['there is no WebAssembly', '--jitless'],
    ['there is no room for its memory', '--wasm-max-mem-pages=10'],
  ])('is the plain one where %s', (_why, flag) => {
    expect(opened(flag)).toBe(`PlainBetReader ${ROWS}`);
  });

  test.skipIf(process.arch !== 'x64')('is the plain one where the processor has no vectors', () => {
    expect(opened('--no-enable-sse4-1')).toBe(`PlainBetReader ${ROWS}`);
  });
});
