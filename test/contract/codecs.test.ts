import { describe } from 'vitest';
import { describeCodec } from './codec-contract.ts';
import { BINARY } from './codec-tables-binary.ts';
import { TEXT } from './codec-tables-text.ts';
import { TYPED } from './codec-tables-typed.ts';

describe.each([...TYPED, ...BINARY, ...TEXT])('the codecs of $dialect.name', describeCodec);
