import { describe, expect, test } from 'vitest';
import { createCsvFramesDialect } from '../../src/wire/dialects/csv-frames.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { CSV_FRAMES } from './csv-frames.ts';
import { describeTable } from './pushed-winners.ts';

const dialect = createCsvFramesDialect();

describe('the bytes of csv-frames', () => {
  describeTable(dialect, CSV_FRAMES, CSV_FRAMES[0]!);
});

test('each winner and their end are frames of their own, each for one write', () => {
  const documents = ['30904465', '30876370'];
  const frames = dialect.central(DEFAULT_LIMITS).encode({ kind: 'winners', documents });
  expect(frames.map(frame => Buffer.from(frame).toString())).toEqual([
    '0008030904465',
    '0008030876370',
    '00001',
  ]);
});
