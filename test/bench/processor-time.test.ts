import { expect, test } from 'vitest';
import { processorSeconds } from '../../bench/processor-time.ts';

test('processorSeconds returns the CPU time that a process has used', () => {
  const { user, system } = process.cpuUsage();
  const seconds = processorSeconds(process.pid)!;
  // Two clocks, of which the system's has steps.
  expect(Math.abs(seconds - (user + system) / 1e6)).toBeLessThan(0.2);
});

test('processorSeconds returns undefined without a process id', () => {
  expect(processorSeconds(undefined)).toBeUndefined();
});
