import { describe, expect, test } from 'vitest';
import { createPushCodesDialect } from '../../src/wire/dialects/push-codes.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { PUSH_CODES } from './push-codes.ts';
import { describeTable } from './pushed-winners.ts';

const dialect = createPushCodesDialect();

describe('the bytes of push-codes', () => {
  describeTable(dialect, PUSH_CODES, PUSH_CODES[0]!);
});

test('winners are one frame, for one write', () => {
  const documents = ['30904465', '30876370'];
  expect(dialect.central(DEFAULT_LIMITS).encode({ kind: 'winners', documents })).toHaveLength(1);
});
