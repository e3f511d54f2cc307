import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { onJsonLine } from '../../src/files/json-lines.ts';

test('messages are read in any chunking, and an unterminated last line is dropped', async () => {
  const output = new PassThrough();
  const read: unknown[] = [];
  onJsonLine(output, (message, text) => read.push(message, text));
  for (const byte of Buffer.from('{"name":"Ñandú"}\n[1]\n{"cut":"of')) {
    output.write(Uint8Array.of(byte));
  }
  output.end();
  await once(output, 'end');
  expect(read).toEqual([{ name: 'Ñandú' }, '{"name":"Ñandú"}', [1], '[1]']);
});
