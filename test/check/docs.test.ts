import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CHECKS } from '../../src/check/checks.ts';

test.each(['CHECK.md', 'es/CHECKER.md'])('docs/%s lists exactly the existing checks', page => {
  const text = readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \| (\d)(?:[–,] ?(\d))? \|/gm)];
  const said = rows.map(([, id, first, last = first]) => `${id} ${first}-${last}`);
  const ranges = CHECKS.map(({ id, exercises }) => {
    const numbers = exercises.map(exercise => exercise.slice(2));
    return `${id} ${numbers[0]}-${numbers.at(-1)}`;
  });
  expect(said.toSorted()).toEqual(ranges.toSorted());
});
