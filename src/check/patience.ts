import { availableParallelism, loadavg } from 'node:os';

const PATIENCE_MAX = 2;

/**
 * How many times as long as on an idle machine a limit has to be: what runs beside the subject is
 * not its fault.
 */
export function patience(): number {
  return Math.min(PATIENCE_MAX, Math.max(1, loadavg()[0]! / availableParallelism()));
}
