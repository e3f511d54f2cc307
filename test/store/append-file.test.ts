import { expect, test } from 'vitest';
import { AppendFile } from '../../src/store/csv/append-file.ts';
import { FaultyFiles } from './faulty-files.ts';

test('AppendFile splits more than 1,024 buffers into several writes', async () => {
  const files = new FaultyFiles();
  const file = new AppendFile('/data/bets.csv', await files.open('/data/bets.csv'), 0);
  const buffers = Array.from({ length: 2501 }, (_, index) => Buffer.from(`${index},`));
  await file.write(buffers);
  const writes = files.calls.filter(call => call.startsWith('write bets.csv'));
  expect(writes.map(call => /of \d+/.exec(call)?.[0])).toEqual(['of 1024', 'of 1024', 'of 453']);
  expect(files.bets.equals(Buffer.concat(buffers))).toBe(true);
  expect(file.end).toBe(0);
  file.commit();
  expect(file.end).toBe(Buffer.concat(buffers).length);
});
