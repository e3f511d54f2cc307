import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

/** The course's data set, which is not part of the repository. */
export const COURSE_DATA = join(import.meta.dirname, '../../../shared/data/dataset.zip');

/** Number of its bets. */
export const ROWS = 78_697;

/** Winning documents of agencies 1 to 5, in the order of their files. */
export const WINNERS: readonly (readonly string[])[] = [
  ['30876370', '24807259'],
  ['33791469', '31660107', '24813860'],
  ['22737492', '23328212', '28188111'],
  ['34963649', '35635602'],
  [],
];

export function needCourseData(context: TestContext): void {
  if (!existsSync(COURSE_DATA)) context.skip(`the course's data is not at ${COURSE_DATA}`);
}
