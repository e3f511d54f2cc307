import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AgencyProtocol } from '../../src/wire/dialect-names.ts';
import { PROGRAM } from '../support/built-program.ts';
import { checkVerdicts, CHECK_LIMIT_MS, IS_FULL, SEEDS } from './matrix.ts';
import { makeOwnSubject } from './subjects/subject.ts';

/** In these an agency asks again after a pause. */
const ASKING: readonly AgencyProtocol[] = ['base', 'check-win', 'op-codes'];

/** csv-frames has no place for a comma in a name. */
const PROTOCOLS: readonly AgencyProtocol[] = ['resumable', 'push-codes', ...ASKING];

const COMMANDS = ['server', 'client'].flatMap(part => [
  `--${part}`,
  `${process.execPath} ${PROGRAM} ${part}`,
]);

describe.each(PROTOCOLS)('this project in its dialect %s', protocol => {
  test.each(SEEDS)('is ok throughout with seed %i', { timeout: CHECK_LIMIT_MS }, async seed => {
    const subject = makeOwnSubject(protocol);
    try {
      const only = IS_FULL ? undefined : ['outcome', 'privacy'];
      const verdicts = await checkVerdicts(subject, { seed, only, options: COMMANDS });
      const isAsking = IS_FULL && ASKING.includes(protocol);
      expect(verdicts).toEqual(isAsking ? { waiting: 'advice' } : {});
    } finally {
      rmSync(subject, { recursive: true });
    }
  });
});
