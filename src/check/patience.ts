import { availableParallelism, loadavg } from 'node:os';

const PATIENCE_MAX = 2;

/**
 * Factor for time limits by the load of the machine: other programs are not the subject's fault.
 */
export function patience(): number {
  return Math.min(PATIENCE_MAX, Math.max(1, loadavg()[0]! / availableParallelism()));
}
