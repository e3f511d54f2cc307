import { describe } from 'vitest';
import { describeDialectOfCentral } from './dialect-contract.ts';
import { SPOKEN } from './spoken-dialects.ts';

describe.each(SPOKEN)('the central in $name', describeDialectOfCentral);
