import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openLineCopier } from '../../src/kernel/open-line-copier.ts';
import {
  CHUNK_BYTES_MAX,
  FIELDS_BYTES_MAX,
  WasmLineCopier,
} from '../../src/kernel/wasm-line-copier.ts';
import { cutBothWays } from '../fuzz/cut-both-ways.ts';
import { startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** `test/agency/batcher-ways.test.ts` compares the results for arbitrary files. */

const COMMA = 0x2c;
const PLENTY = 10_000;

const LORCA = 'Santiago Lionel,Lorca,30904465,1999-03-17,7574';
const NUNEZ = 'Tiago Nicolás,Núñez,34407251,2000-02-29,0042';

/** Copied lines. */
function fieldsOf(...lines: readonly string[]): string {
  return lines.map(line => `|${line.replaceAll(',', '|')}`).join('');
}

describe('WasmLineCopier', () => {
  const copier = new WasmLineCopier();

  function copy(
    text: string,
    { at = 0, room = PLENTY, count = PLENTY, delimiter = COMMA } = {},
  ): unknown {
    copier.load(Buffer.from(text), delimiter);
    const copied = copier.copy(at, room, count);
    return { ...copied, fields: Buffer.from(copied.fields).toString() };
  }

  test('copies the fields of lines, with separators before and between them', () => {
    const text = `${LORCA}\n${NUNEZ}\r\n`;
    expect(copy(text)).toEqual({
      fields: fieldsOf(LORCA, NUNEZ),
      count: 2,
      end: Buffer.byteLength(text),
    });
    expect(copy(text, { at: LORCA.length + 1 })).toMatchObject({
      fields: fieldsOf(NUNEZ),
      count: 1,
    });
    expect(copy(text.replaceAll(',', ';'), { delimiter: 0x3b })).toMatchObject({ count: 2 });
  });

  test('stops at the count, at the end of the room, and at the end of the chunk', () => {
    const text = `${LORCA}\n${LORCA}\n${LORCA}`;
    const line = LORCA.length + 1;
    expect(copy(text)).toMatchObject({ count: 2, end: 2 * line });
    expect(copy(text, { count: 1 })).toMatchObject({ count: 1, end: line });
    expect(copy(text, { room: 2 * line })).toMatchObject({ count: 2 });
    expect(copy(text, { room: 2 * line - 1 })).toEqual({
      fields: fieldsOf(LORCA),
      count: 1,
      end: line,
    });
    expect(copy(text, { room: 0 })).toEqual({ fields: '', count: 0, end: 0 });
  });

  test('reads no bytes of an earlier, longer chunk', () => {
    copy(`${LORCA}\n${NUNEZ}\n`);
    expect(copy(LORCA)).toEqual({ fields: '', count: 0, end: 0 });
  });

  test('accepts chunks up to its limit, and copies as much as it has room for', async () => {
    const lines = `${LORCA}\n`.repeat(Math.floor(CHUNK_BYTES_MAX / (LORCA.length + 1)));
    const full = lines.padEnd(CHUNK_BYTES_MAX, '\n');
    expect(copy(full, { room: 1e6 })).toMatchObject({
      count: Math.floor(FIELDS_BYTES_MAX / (LORCA.length + 1)),
    });
    expect(() => copier.load(Buffer.alloc(CHUNK_BYTES_MAX + 1), COMMA)).toThrow(RangeError);
    const options = { amountMax: 100_000, payloadBytesMax: 200_000 };
    const { plain, fast } = await cutBothWays([Buffer.from(full)], options);
    expect(fast).toEqual(plain);
  });

  test('is absent without WebAssembly, and the client sends the same bets', async () => {
    expect(openLineCopier()).toBeInstanceOf(WasmLineCopier);
    const folder = await temporaryFolder();
    const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
    const agency = join(folder, 'agency');
    await mkdir(agency);
    await writeFile(join(agency, 'agency.csv'), `${LORCA}\n${NUNEZ}\nx\n`);
    const client = startClient(agency, 1, port, {
      NODE_OPTIONS: '--jitless',
      CLI_FILE_INVALID: 'skip',
    });
    // One line is invalid.
    expect(await client.exited).toEqual({ code: 1, signal: null });
    expect(client.linesOf('upload', 'success').at(-1)?.details).toMatchObject({ bets: '2' });
    server.kill('SIGTERM');
    await server.exited;
  });
});
