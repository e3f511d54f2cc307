import type { Exercise } from '../exercise.ts';
import type { Finding, Verdict } from '../finding.ts';

export function countVerdicts(findings: readonly Finding[]): Readonly<Record<Verdict, number>> {
  const counts = { fail: 0, advice: 0, ok: 0, 'not-checkable': 0 };
  for (const { verdict } of findings) counts[verdict] += 1;
  return counts;
}

/** The findings by exercise, in the order of first occurrence. */
export function byExercise(
  findings: readonly Finding[],
): ReadonlyMap<Exercise, readonly Finding[]> {
  const groups = new Map<Exercise, Finding[]>();
  for (const finding of findings) {
    const group = groups.get(finding.exercise);
    if (group === undefined) groups.set(finding.exercise, [finding]);
    else group.push(finding);
  }
  return groups;
}
