import type { Verdict } from '../../../src/check/finding.ts';
import { NODE_MUTANTS } from './node-mutants.ts';
import { PYTHON_CLIENT_MUTANTS } from './python-client-mutants.ts';
import { PYTHON_SERVER_MUTANTS } from './python-server-mutants.ts';
import type { Patch, SubjectLanguage } from './subject.ts';

/** A solution with exactly one mistake, as students make it. */
export interface Mutant {
  readonly name: string;
  /** Why students do that. */
  readonly why: string;
  readonly patches: readonly Patch[];
  /** The checks that must not say `ok`, and what they must say. */
  readonly expected: Readonly<Record<string, Exclude<Verdict, 'ok'>>>;
}

export const MUTANTS: Readonly<Record<SubjectLanguage, readonly Mutant[]>> = {
  python: [...PYTHON_SERVER_MUTANTS, ...PYTHON_CLIENT_MUTANTS],
  node: NODE_MUTANTS,
};
