import { describe } from 'vitest';
import { describeCodec } from './codec-contract.ts';
import { OTHERS } from './codec-tables.ts';
import { TYPED } from './codec-tables-typed.ts';

describe.each([...TYPED, ...OTHERS])('the codecs of $dialect.name', describeCodec);
