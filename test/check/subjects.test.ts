import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ECHO_MUTANTS } from './subjects/echo-mutants.ts';
import { NODE_MUTANTS } from './subjects/node-mutants.ts';
import { PYTHON_CLIENT_MUTANTS } from './subjects/python-client-mutants.ts';
import { PYTHON_DRAW_MUTANTS } from './subjects/python-draw-mutants.ts';
import { PYTHON_SERVER_MUTANTS } from './subjects/python-server-mutants.ts';
import { makeSubject } from './subjects/subject.ts';

/** The matrix runs few mutants by default. This verifies that the patches of all apply. */
describe.each([
  ['echo', ECHO_MUTANTS],
  ['node', NODE_MUTANTS],
  ['python', [...PYTHON_CLIENT_MUTANTS, ...PYTHON_SERVER_MUTANTS, ...PYTHON_DRAW_MUTANTS]],
] as const)('a mutant of the %s program', (program, mutants) => {
  test.each(mutants)('has a patch that applies: $name', ({ patches, expected }) => {
    rmSync(makeSubject(program, patches), { recursive: true });
    expect(Object.keys(expected)).not.toEqual([]);
  });
});
