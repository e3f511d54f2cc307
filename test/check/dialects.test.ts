import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Verdict } from '../../src/check/finding.ts';
import type { AgencyProtocol } from '../../src/wire/dialect-names.ts';
import { needsPython } from '../lottery/python.ts';
import { PROGRAM } from '../support/built-program.ts';
import { checkVerdicts, CHECK_LIMIT_MS, IS_FULL, SEEDS } from './matrix.ts';
import { makeOwnSubject, makePeerSubject, PEERS } from './subjects/subject.ts';

/** Without csv-frames, which cannot encode a comma in a name. */
const PROTOCOLS: readonly AgencyProtocol[] = [
  'resumable',
  'push-codes',
  'base',
  'check-win',
  'op-codes',
];

const COMMANDS = ['server', 'client'].flatMap(part => [
  `--${part}`,
  `${process.execPath} ${PROGRAM} ${part}`,
]);

/** @returns the verdicts other than `ok`; removes the subject */
async function verdictsOf(
  subject: string,
  seed: number,
  options: readonly string[] = [],
): Promise<Readonly<Record<string, Verdict>>> {
  const only = IS_FULL ? undefined : ['outcome', 'privacy'];
  try {
    return await checkVerdicts(subject, { seed, only, options });
  } finally {
    rmSync(subject, { recursive: true });
  }
}

describe.each(PROTOCOLS)('this project in dialect %s', protocol => {
  test.each(SEEDS)('passes loteria check with seed %i', { timeout: CHECK_LIMIT_MS }, async seed => {
    expect(await verdictsOf(makeOwnSubject(protocol), seed, COMMANDS)).toEqual({});
  });
});

describe.each(PEERS)('a Python solution with the wire format of %s', peer => {
  test.for(SEEDS)(
    'passes loteria check with seed %i',
    { timeout: CHECK_LIMIT_MS },
    async (seed, context) => {
      needsPython(context);
      expect(await verdictsOf(makePeerSubject(peer), seed)).toEqual({});
    },
  );
});
