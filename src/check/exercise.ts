export const EXERCISES = ['ej1', 'ej2', 'ej3', 'ej4', 'ej5', 'ej6', 'ej7', 'ej8'] as const;

/** Also the name of its branch. */
export type Exercise = (typeof EXERCISES)[number];

export const isAtLeast = (exercise: Exercise, other: Exercise): boolean =>
  EXERCISES.indexOf(exercise) >= EXERCISES.indexOf(other);
