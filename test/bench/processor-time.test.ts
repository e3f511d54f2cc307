import { expect, test } from 'vitest';
import { processorSeconds } from '../../src/bench/processor-time.ts';

test('the processor time of a process is that which it has used so far', () => {
  const { user, system } = process.cpuUsage();
  const seconds = processorSeconds(process.pid)!;
  // Two clocks: the system counts in steps.
  expect(Math.abs(seconds - (user + system) / 1e6)).toBeLessThan(0.2);
});

test('of a process that is not there nobody knows it', () => {
  expect(processorSeconds(undefined)).toBeUndefined();
});
